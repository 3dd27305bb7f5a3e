"""Rules about torchvision's transforms (P10-P13)."""

from __future__ import annotations

from reference.checker.rules.transforms import (
    created,
    inputs,
    pillow,
    removed,
    results,
)

RULES = (
    *created.RULES,
    *inputs.RULES,
    *results.RULES,
    *removed.RULES,
    *pillow.RULES,
)
