"""The device to compute on, and this process's rank under torchrun (P3, P30-P31)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reference.errors import InputError

if TYPE_CHECKING:
    import torch


def under_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """Return this process's rank under torchrun, or 0 without torchrun."""
    return int(os.environ["RANK"]) if under_torchrun() else 0


def why_no_cuda() -> str:
    """Return in one line why CUDA cannot be used, or "" if it can (P3)."""
    import torch

    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    try:
        torch.empty(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0].partition(". ")[0]  # its first sentence has the reason
    return "torch finds no CUDA device (is CUDA_VISIBLE_DEVICES empty?)"


def select_device(name: str) -> torch.device:
    """Return the device to compute on, tested and configured.

    A GPU with a number becomes the current one, and float32 means float32: TF32, which torch
    allows in convolutions, is switched off.

    Args:
        name: `auto` for the accelerator that torch finds, otherwise the CPU; or one of torch's
            devices: `cpu`, `cuda`, `cuda:1`, `mps`, …

    Raises:
        InputError: the device is not available; the message gives the reason.

    Source: P30, P31.
    """
    import torch

    if name == "auto":
        accelerator = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
        return _configure(accelerator or torch.device("cpu"))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"--device {name}: torch knows no such device: try auto, cpu, cuda"
        ) from error
    try:
        torch.empty(1, device=device).cpu()  # the copy fails on devices without data (meta)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = why_no_cuda() if device.type == "cuda" else "torch finds none here"
        reason = reason or str(error).splitlines()[0]
        raise InputError(f"--device {name}: {reason}; --device cpu works everywhere") from error
    return _configure(device)


def _configure(device: torch.device) -> torch.device:
    import torch

    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        if device.index is not None:
            torch.cuda.set_device(device)  # new streams and CUDA graphs use the current device
    return device
