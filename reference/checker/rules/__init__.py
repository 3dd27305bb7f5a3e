"""The rules of `course check`, one module a subject, in the order of the lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.rules import (
    backward,
    boards,
    boards_closed,
    devices,
    loading,
    optimizers,
    saving,
    zero_grad,
)

if TYPE_CHECKING:
    from reference.checker.rule import Rule

RULES: tuple[type[Rule], ...] = (
    *boards.RULES,
    *saving.RULES,
    *loading.RULES,
    *devices.RULES,
    *boards_closed.RULES,
    *zero_grad.RULES,
    *backward.RULES,
    *optimizers.RULES,
)
