"""Rules about TensorBoard: the writer, what it is given, images (P8, P9, P15, P18, P22)."""

from __future__ import annotations

from reference.checker.rules.boards import (
    after_close,
    arguments,
    batches,
    calls,
    closing,
    images,
    opencv,
    setup,
)

RULES = (
    *setup.RULES,
    *arguments.RULES,
    *calls.RULES,
    *closing.RULES,
    *after_close.RULES,
    *images.RULES,
    *opencv.RULES,
    *batches.RULES,
)
