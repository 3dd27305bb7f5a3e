"""Rules about devices: GPUs without a check, misspelt names, optimizers."""

from __future__ import annotations

from reference.checker.rules.devices import gpu, names, optimizers

RULES = (*names.RULES, *gpu.RULES, *optimizers.RULES)
