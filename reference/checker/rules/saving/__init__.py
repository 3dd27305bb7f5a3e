"""Rules about saving and loading networks, in the order in which a script does it."""

from __future__ import annotations

from reference.checker.rules.saving import load, loaded_files, save, state_dict

RULES = (*save.RULES, *load.RULES, *loaded_files.RULES, *state_dict.RULES)
