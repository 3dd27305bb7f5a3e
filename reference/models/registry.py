"""The networks by name: printing, dry runs and training (P22, P25)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from reference.data.cifar10 import CLASSES
from reference.errors import InputError
from reference.models import vgg
from reference.models.course import Tudui

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

NAMES = ("tudui", *vgg.EDITS)
TRAINED = {"vgg16": "vgg16-10-classes"}  # --model name: the network that is built for training


@dataclass
class DryRun:
    """The result of sending one image through a network.

    Attributes:
        layers: for each layer that ran, its name, its class and the shape of its output without N.
        unused: the names of the layers that did not run, if there is no error.
        error: why the forward pass failed, or "".
    """

    layers: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    error: str = ""


def check_name(name: str, option: str = "") -> None:
    """Raise an InputError that lists the known networks unless `name` is one of them.

    Args:
        name: the name to check.
        option: the command line's option and a space, for the message.
    """
    if name not in NAMES:
        raise InputError(f"{option}{name}: no such network: give one of {', '.join(NAMES)}")


def build_on_meta(name: str) -> nn.Module:
    """Return a network on the meta device: its weights have shapes, but take no memory.

    Args:
        name: one of `NAMES`.
    """
    with torch.device("meta"):
        return Tudui() if name == "tudui" else vgg.edited(name)


def image_shape(name: str) -> tuple[int, int, int]:
    """Return (C, H, W) of the images that a network is made for."""
    return (3, 32, 32) if name == "tudui" else (3, vgg.SIDE, vgg.SIDE)


def dry_run(model: nn.Module, shape: tuple[int, ...]) -> DryRun:
    """Send one image of ones through a network and record the layers and their shapes.

    Args:
        model: the network; on the meta device nothing is computed.
        shape: (C, H, W) of the image.

    Source: P22, which tries its network on ones.
    """
    names = {module: name for name, module in model.named_modules() if not list(module.children())}
    result, running = DryRun(), ""

    def before(module: nn.Module, inputs: tuple[Tensor]) -> None:
        nonlocal running
        running = f"{names[module]}, {module}, got inputs of shape {_batch_shape(inputs[0])}"

    def after(module: nn.Module, _inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal running
        running = ""
        result.layers.append((names[module], type(module).__name__, tuple(output.shape[1:])))

    handles = [module.register_forward_pre_hook(before) for module in names]
    handles += [module.register_forward_hook(after) for module in names]
    try:
        with torch.no_grad():
            model(torch.ones(1, *shape, device=next(model.parameters()).device))
    except RuntimeError as error:
        # Inside a layer, its name and input say more than torch's message; between two layers
        # there is only that message.
        result.error = running or str(error)
    else:
        ran = {name for name, _, _ in result.layers}
        result.unused = [name for name in names.values() if name not in ran]
    finally:
        for handle in handles:
            handle.remove()
    return result


def _batch_shape(tensor: Tensor) -> str:
    return f"(N, {', '.join(map(str, tensor.shape[1:]))})"


def describe(name: str) -> dict[str, Any]:
    """Return a network's description, for `course models`.

    Args:
        name: one of `NAMES`.

    Returns:
        "name", "printout", "parameters" (their number), "input" (C, H, W), "layers" (each "layer",
        "kind" and "shape" for one image), "runs", "unused" (layers), and "error", "" if it runs.
    """
    model = build_on_meta(name)
    result = dry_run(model, image_shape(name))
    return {
        "name": name,
        "printout": str(model),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "input": image_shape(name),
        "layers": [{"layer": n, "kind": kind, "shape": shape} for n, kind, shape in result.layers],
        "runs": not result.error,
        "unused": result.unused,
        "error": result.error,
    }


def check_trainable(name: str) -> None:
    """Raise an InputError if a network cannot learn CIFAR-10's classes.

    That is: there is no such network, its forward pass fails, or it does not return a logit for
    each class. The message names the layer and says what to do.
    """
    check_name(name, "--model ")
    if name == "tudui":
        return  # known to work; torch needs seconds to import what the meta device uses
    trained = TRAINED.get(name, name)
    result = dry_run(build_on_meta(trained), image_shape(trained))
    remedy = "train --model vgg16, which replaces the last layer and adds none"
    if result.error:
        raise InputError(f"--model {name} cannot run: {result.error}: {remedy}")
    *_, (layer, _, (size,)) = result.layers
    if size != len(CLASSES):
        unused = f" ({', '.join(result.unused)} is never called)" if result.unused else ""
        raise InputError(
            f"--model {name} gives {size} values for {len(CLASSES)} classes: its last layer is "
            f"{layer}{unused}: {remedy}"
        )


def build(name: str, *, weights: Path | None = None, freeze_features: bool = False) -> nn.Module:
    """Return a network to train on CIFAR-10.

    Args:
        name: one of `NAMES` that `check_trainable` accepts; VGG16 gets a new last layer.
        weights: a file of initial weights for VGG16; None for random weights.
        freeze_features: whether only the last layer of VGG16 is trained.

    Returns:
        A module that maps float images of shape (N, 3, 32, 32), from 0 to 1, to logits of shape
        (N, 10).

    Raises:
        InputError: `weights` cannot be used.
    """
    if name == "tudui":
        return Tudui()
    model: nn.Module = vgg.edited(TRAINED.get(name, name), weights)
    if freeze_features:
        vgg.freeze_all_but_head(model)
    # A hook, not a wrapper module: the keys of the state_dict stay those of torchvision's file.
    model.register_forward_pre_hook(lambda _, images: vgg.prepare(*images))
    return model
