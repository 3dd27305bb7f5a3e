"""The rules of `course check`, one module a subject, in the order of the lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.rules import (
    boards,
    boards_closed,
    devices,
    dropped,
    forward,
    loaded_files,
    loading,
    moving,
    networks,
    optimizer_devices,
    pretrained,
    saving,
    state_dict,
    tensors,
    training,
    vgg,
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
    *networks.RULES,
    *training.RULES,
)
