"""Rules about Python itself: names, imports, classes and calls (P1, P4, P5, P16)."""

from __future__ import annotations

from reference.checker.rules.python import imports, missing_imports, misspelt_names, names

RULES = (*imports.RULES, *missing_imports.RULES, *misspelt_names.RULES, *names.RULES)
