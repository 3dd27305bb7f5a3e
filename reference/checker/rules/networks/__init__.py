"""Rules about the layers of networks and what they are given."""

from __future__ import annotations

from reference.checker.rules.networks import (
    calls,
    dimensions,
    forward,
    layer_sizes,
    layers,
    options,
    whole_batch,
)

RULES = (
    *calls.RULES,
    *forward.RULES,
    *options.RULES,
    *dimensions.RULES,
    *layer_sizes.RULES,
    *whole_batch.RULES,
    *layers.RULES,
)
