"""The pictures that a script opens, and what it does to each until a network gets it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.flow import places
from reference.checker.kinds import IMAGE, TENSOR, TRANSFORMS
from reference.checker.training.loops import is_network
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

MAX_STEPS = 30
_RESHAPES = {"reshape", "view", "resize_"}
_NOT_PICTURES = {"size", "shape", "show", "save", "getpixel", "getbands", "mode", "item", "tolist"}
_NAMED_TRANSFORM = re.compile(r"(?i)transform|tensor|preprocess|\btf$|compose")


@dataclass(frozen=True)
class Step:
    """Something that is done to a picture: a call, or a part of it as in `image[:3]`.

    Attributes:
        node: the code.
        before: what was done before it, the first step first.
        network: whether it is the call of a network.
    """

    node: cst.Call | cst.Subscript
    before: tuple[Step, ...]
    network: bool = False

    @property
    def all(self) -> tuple[Step, ...]:
        """The steps up to and with this one."""
        return (*self.before, self)


def steps(script: Script, opened: cst.BaseExpression) -> Iterator[Step]:
    """Yield what is done to a picture and to what is made of it, up to the networks."""
    seen: set[cst.CSTNode] = set()
    pending: list[tuple[cst.BaseExpression, tuple[Step, ...]]] = [(opened, ())]
    while pending:
        value, before = pending.pop(0)
        for place in places(script, value, moves=False):
            for step in _steps_at(script, place, before):
                if step.node not in seen and len(before) < MAX_STEPS:
                    seen.add(step.node)
                    yield step
                    if not step.network:
                        pending.append((step.node, step.all))


def _steps_at(
    script: Script, place: cst.BaseExpression, before: tuple[Step, ...]
) -> Iterator[Step]:
    """Yield the step that an expression with a picture is part of."""
    parent = script.parent(place)
    match parent:
        case cst.Subscript() if parent.value is place:
            yield Step(parent, before)
        case cst.Attribute() if parent.value is place and parent.attr.value not in _NOT_PICTURES:
            call = script.parent(parent)
            if isinstance(call, cst.Call) and call.func is parent:
                yield Step(call, before)
        case cst.Arg():
            call = script.parent(parent)
            if isinstance(call, cst.Call) and _passes_on(script, call):
                yield Step(call, before, is_network(script, call.func))
        case cst.BinaryOperation():
            yield from _steps_at(script, parent, before)
        case _:
            pass


def _passes_on(script: Script, call: cst.Call) -> bool:
    """Return whether a function makes a picture, a tensor or an output of what it is given."""
    of = script.types.of(call.func)
    if TRANSFORMS.match(of) or is_network(script, call.func):
        return True
    if not of and _NAMED_TRANSFORM.search(script.code(call.func)):
        return True
    name = script.name(call.func)
    made = script.types.of(call) in (IMAGE, TENSOR)
    return made or name.startswith(("torch.", "numpy.", "torchvision.transforms."))


def new_shape(script: Script, step: Step) -> list[object] | None:
    """Return the sizes that a step reshapes to, `...` for those not known; None if it does not."""
    call = step.node
    if not isinstance(call, cst.Call):
        return None
    if script.name(call.func) == "torch.reshape":
        sizes = script.literal(argument(call, 1, "shape"))
    elif isinstance(call.func, cst.Attribute) and call.func.attr.value in _RESHAPES:
        given = [script.literal(arg.value) for arg in call.args]
        sizes = given[0] if len(given) == 1 and isinstance(given[0], list) else given
    else:
        return None
    return sizes if isinstance(sizes, list) else None


def is_move(script: Script, step: Step) -> bool:
    """Return whether a step moves a picture to a device that may be a GPU."""
    call = step.node
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return False
    method, device = call.func.attr.value, argument(call, 0, "device")
    if method == "cuda":
        return True
    return method == "to" and device is not None and may_be_gpu(script, device)


def may_be_gpu(script: Script, device: cst.BaseExpression) -> bool:
    """Return whether a device, or what a variable of one is, may be a GPU; not a dtype."""
    code = script.code(script.value(device))
    return "cuda" in code or "mps" in code or (isinstance(device, cst.Name) and "cpu" not in code)
