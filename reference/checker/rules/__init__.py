"""The rules of `course check`, one module a subject, in the order of the lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.rules import (
    boards,
    datasets,
    devices,
    files,
    inference,
    networks,
    python,
    saving,
    tensors,
    training,
    transforms,
    vgg,
)

if TYPE_CHECKING:
    from reference.checker.rule import Rule

RULES: tuple[type[Rule], ...] = (
    *python.RULES,
    *boards.RULES,
    *vgg.RULES,
    *saving.RULES,
    *devices.RULES,
    *tensors.RULES,
    *inference.RULES,
    *networks.RULES,
    *training.RULES,
    *transforms.RULES,
    *datasets.RULES,
    *files.RULES,
)
