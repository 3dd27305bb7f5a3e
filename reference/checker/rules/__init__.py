"""The rules of `course check`, one module a subject, in the order of the lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.rules import (
    backward,
    batch_parts,
    boards,
    boards_closed,
    cross_entropy,
    devices,
    dropped,
    evaluation,
    forward,
    layer_sizes,
    loaded_files,
    loading,
    losses,
    moving,
    number_types,
    optimizer_devices,
    optimizers,
    pretrained,
    saving,
    state_dict,
    tensors,
    vgg,
    whole_batch,
    zero_grad,
)

if TYPE_CHECKING:
    from reference.checker.rule import Rule

RULES: tuple[type[Rule], ...] = (
    *boards.RULES,
    *forward.RULES,
    *pretrained.RULES,
    *vgg.RULES,
    *saving.RULES,
    *state_dict.RULES,
    *loading.RULES,
    *loaded_files.RULES,
    *devices.RULES,
    *moving.RULES,
    *optimizer_devices.RULES,
    *dropped.RULES,
    *tensors.RULES,
    *boards_closed.RULES,
    *zero_grad.RULES,
    *backward.RULES,
    *optimizers.RULES,
    *losses.RULES,
    *cross_entropy.RULES,
    *number_types.RULES,
    *batch_parts.RULES,
    *evaluation.RULES,
    *layer_sizes.RULES,
    *whole_batch.RULES,
)
