"""Whether a tensor has integers or floating-point numbers, as far as the code tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.flow import reaching
from reference.checker.kinds import LOADER
from reference.checker.training.loops import IMAGES, TARGETS, part_of_batch
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script

Numbers = Literal["int", "float", ""]

_FLOATS = ("float", "double", "half", "bfloat16", "float16", "float32", "float64")
_INTS = ("int", "long", "short", "uint8", "int8", "int16", "int32", "int64")
_SAME = {
    "reshape", "view", "flatten", "unsqueeze", "squeeze", "permute", "transpose", "clone", "cuda",
    "cpu", "detach", "contiguous", "t", "abs", "sum", "max_pool2d", "conv2d", "relu",
}  # fmt: skip


def numbers_in(script: Script, node: cst.BaseExpression) -> Numbers:
    """Return what numbers the tensor of an expression has: `int`, `float`; empty if unknown."""
    match node:
        case cst.Name():
            if (part := part_of_batch(script, node)) is not None:
                return _in_batch(script, part.loader, part.path)
            kinds = {
                numbers_in(script, b.expression) if b.expression else ""
                for b in reaching(script, node)
            }
            return kinds.pop() if len(kinds) == 1 else ""
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=method))):
            name = script.name(node.func)
            if name.startswith("torch."):
                return _of_function(script, node, name.rpartition(".")[2])
            return _of_method(script, node, inner, method)
        case cst.Call():
            name = script.name(node.func)
            return _of_function(script, node, name.rpartition(".")[2]) if name else ""
    return ""


def _in_batch(script: Script, loader: cst.BaseExpression, path: tuple[int, ...]) -> Numbers:
    call = script.value(loader)
    if script.types.of(call) != LOADER or not isinstance(call, cst.Call):
        return ""
    dataset = argument(call, 0, "dataset")
    if dataset is None or not script.types.of(dataset).startswith("torchvision.datasets."):
        return ""
    return "float" if path == (IMAGES,) else "int" if path == (TARGETS,) else ""


def _of_function(script: Script, call: cst.Call, name: str) -> Numbers:
    """Return what a function of torch returns."""
    dtype = argument(call, None, "dtype")
    if dtype is not None:
        return _of_dtype(script, dtype)
    if name == "randint":
        return "int"
    if name in ("ones", "zeros", "rand", "randn", "linspace"):
        return "float"
    if name in ("tensor", "arange") and call.args:
        values = [script.literal(arg.value) for arg in call.args if arg.keyword is None]
        return _of_values(values)
    return numbers_in(script, call.args[0].value) if name in _SAME and call.args else ""


def _of_method(script: Script, call: cst.Call, on: cst.BaseExpression, method: str) -> Numbers:
    if method in _FLOATS:
        return "float"
    if method in _INTS:
        return "int"
    if method in ("to", "type"):
        given = argument(call, None, "dtype") or (call.args[0].value if call.args else None)
        kind = _of_dtype(script, given) if given else ""
        is_device = script.types.of(given) in ("torch.device", "builtins.str")
        return kind or (numbers_in(script, on) if is_device else "")
    return numbers_in(script, on) if method in _SAME else ""


def _of_dtype(script: Script, node: cst.BaseExpression) -> Numbers:
    name = script.name(script.value(node))
    last = name.removeprefix("torch.").removeprefix("builtins.").removesuffix("Tensor").lower()
    return "float" if last in _FLOATS else "int" if last in _INTS else ""


def _of_values(value: object) -> Numbers:
    """Return what numbers nested lists have; one float makes all of them floats."""
    if isinstance(value, list):
        kinds = {_of_values(item) for item in value}
        if "" in kinds or not kinds:
            return ""
        return "float" if "float" in kinds else "int"
    if isinstance(value, bool):
        return ""
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else ""
