"""Rules about files: paths, and the script itself (P1, P6)."""

from __future__ import annotations

from reference.checker.rules.files import (
    escapes,
    path_parts,
    scripts,
)

RULES = (
    *scripts.RULES,
    *escapes.RULES,
    *path_parts.RULES,
)
