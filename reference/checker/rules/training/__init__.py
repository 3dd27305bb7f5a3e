"""Rules about training and testing, in the order in which a batch meets their subjects."""

from __future__ import annotations

from reference.checker.rules.training import (
    accuracy,
    backward,
    batch_parts,
    cross_entropy,
    evaluation,
    losses,
    number_types,
    optimizers,
    predictions,
    zero_grad,
)

RULES = (
    *batch_parts.RULES,
    *number_types.RULES,
    *cross_entropy.RULES,
    *losses.RULES,
    *optimizers.RULES,
    *zero_grad.RULES,
    *backward.RULES,
    *evaluation.RULES,
    *predictions.RULES,
    *accuracy.RULES,
)
