"""The device that computes, and this process's place among torchrun's (P3, P30-P31)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reference.errors import InputError

if TYPE_CHECKING:
    import torch


def under_torchrun() -> bool:
    """Say whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """Return the number that torchrun gave this process, from 0; 0 without torchrun."""
    return int(os.environ["RANK"]) if under_torchrun() else 0


def why_no_cuda() -> str:
    """Say in one line why CUDA cannot be used; empty where it can (P3)."""
    import torch

    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    try:
        torch.empty(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0].partition(". ")[0]
    return "torch finds no CUDA device (is CUDA_VISIBLE_DEVICES empty?)"


def select_device(name: str) -> torch.device:
    """Choose the device to compute on.

    Args:
        name: `auto` for the accelerator that torch finds, or else the CPU; or a device of torch:
            `cpu`, `cuda`, `cuda:1`, `mps`, …

    Returns:
        The device, on which a tensor has been made. A GPU with a number is then the current one,
        and float32 means float32: TF32, which torch allows in convolutions, is switched off.

    Raises:
        InputError: there is no such device here; the message says why.

    Source: P30, P31.
    """
    import torch

    if name == "auto":
        found = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
        return _prepared(found or torch.device("cpu"))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"--device {name}: torch knows no such device: try auto, cpu, cuda"
        ) from error
    try:
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = why_no_cuda() if device.type == "cuda" else "torch finds none here"
        reason = reason or str(error).splitlines()[0]
        raise InputError(f"--device {name}: {reason}; --device cpu works everywhere") from error
    return _prepared(device)


def _prepared(device: torch.device) -> torch.device:
    import torch

    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        if device.index is not None:
            torch.cuda.set_device(device)  # streams and graphs are of the current one
    return device
