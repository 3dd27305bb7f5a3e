"""The device to compute on, and this process's rank under torchrun (P3, P30-P31)."""

from __future__ import annotations

import os
import re
import warnings
from typing import TYPE_CHECKING

from reference.errors import InputError, first_line, is_accelerator_error

if TYPE_CHECKING:
    import torch

COUNTERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")  # torchrun sets these numbers
MAX_PORT = 65535


def under_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """Return this process's rank under torchrun; 0 without torchrun, and if RANK is no number."""
    return (_number("RANK") or 0) if under_torchrun() else 0


def check_torchrun() -> None:
    """Check the environment variables of torchrun, if it started this process.

    Raises:
        InputError: one is missing or has an impossible value.
    """
    if not under_torchrun():
        return
    numbers = {name: _number(name) for name in (*COUNTERS, "MASTER_PORT")}
    wrong = [name for name, number in numbers.items() if number is None]
    for index, count in (("RANK", "WORLD_SIZE"), ("LOCAL_RANK", "LOCAL_WORLD_SIZE")):
        if not wrong and (numbers[index] or 0) >= (numbers[count] or 0):
            wrong = [index]
    if not wrong and (numbers["MASTER_PORT"] or 0) > MAX_PORT:
        wrong = ["MASTER_PORT"]
    if not os.environ.get("MASTER_ADDR"):
        wrong.append("MASTER_ADDR")
    if wrong:
        name = wrong[0]
        problem = f"has the value {os.environ[name]!r}" if name in os.environ else "is missing"
        raise InputError(
            f"the environment variable {name} {problem}, but TORCHELASTIC_RUN_ID is set, as by "
            "torchrun: start the program with torchrun, or unset TORCHELASTIC_RUN_ID"
        )


def _number(name: str) -> int | None:
    """Return the number in an environment variable, or None if it has none."""
    text = os.environ.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def why_no_cuda() -> str:
    """Return in one line why CUDA cannot be used, or "" if it can (P3)."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the driver: the reason is returned instead
        if torch.cuda.is_available():
            return ""
        if torch.version.cuda is None:
            return f"torch {torch.__version__} is built without CUDA"
        try:
            torch.empty(1, device="cuda")
        except (RuntimeError, AssertionError) as error:
            return first_line(error).partition(". ")[0]  # its first sentence has the reason
    return "torch finds no CUDA device (is CUDA_VISIBLE_DEVICES empty?)"


def why_unusable(device: torch.device) -> str:
    """Return in one line why a device does not compute, or "" if it does.

    A GPU can be found and hold data, but not compute: a build of torch contains kernels for some
    generations of GPUs only.
    """
    import torch

    if device.type == "cpu":
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old GPUs: see whether it computes
            result = torch.ones(1, device=device).add(1).cpu()  # the copy waits for the result
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = first_line(error)
        if "no kernel image" in reason:
            return f"{reason}; this build of torch is not for this GPU, install another build"
        if device.type == "cuda":
            return why_no_cuda() or reason
        return reason if is_accelerator_error(error) else "torch finds none here"
    return "" if result.item() == 2 else f"it computes 1 + 1 = {result.item()}"  # noqa: PLR2004


def select_device(name: str) -> torch.device:
    """Return the device to compute on, tested and configured.

    A GPU with a number becomes the current one, and float32 means float32: TF32, which torch
    allows in convolutions, is switched off.

    Args:
        name: `auto` for the accelerator that torch finds, otherwise the CPU; or one of torch's
            devices: `cpu`, `cuda`, `cuda:1`, `mps`, …

    Raises:
        InputError: the device is not available or does not compute; the message gives the reason.
            Under `auto` too: with the CPU instead, a run would be far slower than expected.

    Source: P30, P31.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old names, which are refused below
            device = automatic_device() if name == "auto" else torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"--device {name}: torch knows no such device: try auto, cpu, cuda"
        ) from error
    if reason := why_unusable(device):
        which = f" selects {device}" if name == "auto" else ""
        raise InputError(f"--device {name}{which}: {reason}; --device cpu works everywhere")
    return _configure(device)


def automatic_device() -> torch.device:
    """Return the device that `auto` selects, not tested: the accelerator if torch finds one."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the driver: course doctor explains it
        if not torch.accelerator.is_available():
            return torch.device("cpu")
        return torch.accelerator.current_accelerator() or torch.device("cpu")


def _configure(device: torch.device) -> torch.device:
    import torch

    if device.type == "cuda":
        cudnn = torch.backends.cudnn
        if hasattr(cudnn, "conv"):  # since torch 2.9, where setting allow_tf32 warns
            cudnn.conv.fp32_precision = "ieee"
        else:
            cudnn.allow_tf32 = False
        if device.index is not None:
            torch.cuda.set_device(device)  # new streams and CUDA graphs use the current device
    return device
