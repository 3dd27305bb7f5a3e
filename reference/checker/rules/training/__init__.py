"""Rules about training and testing, in the order in which a batch meets their subjects."""

from __future__ import annotations

from reference.checker.rules.training import (
    accuracy,
    backward,
    batch_parts,
    brackets,
    cross_entropy,
    data_sets,
    evaluation,
    logged_steps,
    logged_tags,
    loss_shapes,
    losses,
    methods,
    number_types,
    optimizers,
    predictions,
    zero_grad,
)

RULES = (
    *data_sets.RULES,
    *batch_parts.RULES,
    *number_types.RULES,
    *cross_entropy.RULES,
    *loss_shapes.RULES,
    *losses.RULES,
    *optimizers.RULES,
    *zero_grad.RULES,
    *backward.RULES,
    *methods.RULES,
    *evaluation.RULES,
    *predictions.RULES,
    *accuracy.RULES,
    *logged_steps.RULES,
    *logged_tags.RULES,
    *brackets.RULES,
)
