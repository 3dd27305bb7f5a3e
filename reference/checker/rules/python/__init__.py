"""Rules about Python itself: names, imports, classes and calls (P1, P4, P5, P16)."""

from __future__ import annotations

from reference.checker.rules.python import (
    attributes,
    builtin_values,
    extra_arguments,
    forward_methods,
    imports,
    methods,
    missing_arguments,
    missing_imports,
    misspelt_members,
    misspelt_modules,
    misspelt_names,
    names,
    names_taken,
    returns,
    super_calls,
    super_init,
)

RULES = (
    *imports.RULES,
    *missing_imports.RULES,
    *misspelt_modules.RULES,
    *misspelt_names.RULES,
    *names.RULES,
    *names_taken.RULES,
    *builtin_values.RULES,
    *misspelt_members.RULES,
    *missing_arguments.RULES,
    *extra_arguments.RULES,
    *super_calls.RULES,
    *super_init.RULES,
    *methods.RULES,
    *forward_methods.RULES,
    *returns.RULES,
    *attributes.RULES,
)
