"""Rules about the layers of networks and what they are given."""

from __future__ import annotations

from reference.checker.rules.networks import forward, layer_sizes, whole_batch

RULES = (*forward.RULES, *layer_sizes.RULES, *whole_batch.RULES)
