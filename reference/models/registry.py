"""The networks by name: what they are, whether they run, and which can be trained (P22, P25)."""

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
TRAINED = {"vgg16": "vgg16-10-classes"}  # VGG16 gets a head for CIFAR-10's classes


@dataclass
class DryRun:
    """What became of one image on its way through a network.

    `layers` has each layer that ran: its name, its class, and its output's shape without N.
    `unused` names the layers that nothing calls; `error` is empty where the image came through.
    """

    layers: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    error: str = ""


def check_name(name: str, option: str = "") -> None:
    """Refuse a network that is not known.

    Args:
        name: what was given.
        option: with which option, if any, and a space.

    Raises:
        InputError: it names those that are.
    """
    if name not in NAMES:
        raise InputError(f"{option}{name}: no such network: give one of {', '.join(NAMES)}")


def build_on_meta(name: str) -> nn.Module:
    """Return a network without memory for its weights: enough to print, count and try it.

    Args:
        name: one of `NAMES`.
    """
    with torch.device("meta"):
        return Tudui() if name == "tudui" else vgg.edited(name)


def image_shape(name: str) -> tuple[int, int, int]:
    """Return the shape of an image that the network wants."""
    return (3, 32, 32) if name == "tudui" else (3, vgg.SIDE, vgg.SIDE)


def dry_run(model: nn.Module, shape: tuple[int, ...]) -> DryRun:
    """Send one image through a network and note the shapes.

    Args:
        model: the network; where it is on the meta device, nothing is computed.
        shape: of the image, (C, H, W).

    Source: P22, which tries its network on ones.
    """
    layers = {m: name for name, m in model.named_modules() if not list(m.children())}
    found, running = DryRun(), ""

    def enter(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        nonlocal running
        running = f"{layers[layer]}, {layer}, got inputs of shape {_per_image(inputs[0])}"

    def leave(layer: nn.Module, _inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal running
        running = ""
        found.layers.append((layers[layer], type(layer).__name__, tuple(output.shape[1:])))

    handles = [layer.register_forward_pre_hook(enter) for layer in layers]
    handles += [layer.register_forward_hook(leave) for layer in layers]
    try:
        with torch.no_grad():
            model(torch.ones(1, *shape, device=next(model.parameters()).device))
    except RuntimeError as error:
        found.error = running or str(error)  # between two layers torch alone knows
    else:
        ran = {name for name, _, _ in found.layers}
        found.unused = [name for name in layers.values() if name not in ran]
    finally:
        for handle in handles:
            handle.remove()
    return found


def _per_image(tensor: Tensor) -> str:
    return f"(N, {', '.join(map(str, tensor.shape[1:]))})"


def describe(name: str) -> dict[str, Any]:
    """Return what there is to know about a network, for `course models`.

    Args:
        name: one of `NAMES`.

    Returns:
        "name", "printout", "parameters" (how many), "input" (C, H, W), "layers" (each "layer",
        "kind" and "shape" for one image), "runs", "unused" (layers), and "error", empty where it
        runs.
    """
    model = build_on_meta(name)
    found = dry_run(model, image_shape(name))
    return {
        "name": name,
        "printout": str(model),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "input": image_shape(name),
        "layers": [{"layer": n, "kind": kind, "shape": shape} for n, kind, shape in found.layers],
        "runs": not found.error,
        "unused": found.unused,
        "error": found.error,
    }


def check_trainable(name: str) -> None:
    """Refuse a network that cannot learn CIFAR-10's classes, before anything is done.

    Raises:
        InputError: there is no such network, an image does not come through it, or it does not
            give a logit for each class; says which layer is to blame and what to do.
    """
    check_name(name, "--model ")
    if name == "tudui":
        return  # a trial on the meta device takes seconds to import what it needs
    built = TRAINED.get(name, name)
    found = dry_run(build_on_meta(built), image_shape(built))
    cure = "train --model vgg16, which replaces the last layer and adds none"
    if found.error:
        raise InputError(f"--model {name} cannot run: {found.error}: {cure}")
    *_, (layer, _, (size,)) = found.layers
    if size != len(CLASSES):
        idle = f" ({', '.join(found.unused)} is never called)" if found.unused else ""
        raise InputError(
            f"--model {name} gives {size} values for {len(CLASSES)} classes: its last layer is "
            f"{layer}{idle}: {cure}"
        )


def build(name: str, *, weights: Path | None = None, freeze_features: bool = False) -> nn.Module:
    """Return a network to train on CIFAR-10.

    Args:
        name: one of `NAMES` that `check_trainable` lets pass; VGG16 gets a new last layer.
        weights: a file for VGG16 to start from; None for random weights.
        freeze_features: whether the last layer of VGG16 alone learns.

    Returns:
        It maps float images of shape (N, 3, 32, 32), from 0 to 1, to logits of shape (N, 10).

    Raises:
        InputError: `weights` cannot be used.
    """
    if name == "tudui":
        return Tudui()
    model: nn.Module = vgg.edited(TRAINED.get(name, name), weights)
    if freeze_features:
        vgg.freeze_all_but_head(model)
    model.register_forward_pre_hook(lambda _, images: vgg.prepare(*images))
    return model
