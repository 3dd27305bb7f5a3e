"""Rules about files: paths, and the script itself (P1, P6)."""

from __future__ import annotations

from reference.checker.rules.files import (
    escapes,
    folders,
    path_parts,
    printed,
    scripts,
)

RULES = (
    *scripts.RULES,
    *escapes.RULES,
    *path_parts.RULES,
    *folders.RULES,
    *printed.RULES,
)
