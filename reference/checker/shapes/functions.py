"""The shapes that functions of torch and methods of tensors return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.shapes.layers import (
    LAYERS,
    MismatchError,
    Shape,
    Size,
    conv2d,
    flatten,
    pool2d,
    reshape,
)
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.shapes.infer import Shapes

_CREATED = {"ones", "zeros", "rand", "randn", "empty", "randint", "tensor"}
_SAME = {
    "to", "cuda", "cpu", "float", "long", "double", "int", "half", "detach", "clone", "contiguous",
    "relu", "sigmoid", "tanh", "softmax", "log_softmax", "requires_grad_", "abs", "exp", "type",
}  # fmt: skip
_LIKE = {"ones_like", "zeros_like", "rand_like", "randn_like", "relu", "sigmoid", "tanh", "softmax"}


def function_shape(shapes: Shapes, call: cst.Call, name: str) -> Shape | None:
    """Return the shape of what a function of torch returns; None if it is unknown."""
    last = name.rpartition(".")[2]
    first = argument(call, 0, "input")
    if any(arg.star for arg in call.args):
        return None
    if name.startswith("torch.nn.functional."):
        return _functional(shapes, call, last)
    if last in _CREATED:
        return _created(shapes, call, last)
    if first is None or name.count(".") > 1:
        return None
    given = shapes.of(first)
    return given if last in _LIKE else _rearranged(shapes, call, last, given, 1)


def _created(shapes: Shapes, call: cst.Call, name: str) -> Shape | None:
    """Return the shape of a new tensor."""
    values = [arg.value for arg in call.args if arg.keyword is None]
    if name == "tensor":
        return _nested(shapes.script.literal(values[0])) if values else None
    if name == "randint":  # the size follows one or two limits
        size = argument(call, 2, "size") or argument(call, 1, "size")
        values = [size] if size else []
    return _sizes(shapes, values, call, "size")


def method_shape(shapes: Shapes, call: cst.Call) -> Shape | None:
    """Return the shape of what a method of a tensor returns; None if it is unknown."""
    if not isinstance(call.func, cst.Attribute) or any(arg.star for arg in call.args):
        return None
    given, last = shapes.of(call.func.value), call.func.attr.value
    return given if last in _SAME else _rearranged(shapes, call, last, given, 0)


def operation_shape(
    left: Shape | None, right: Shape | None, node: cst.BinaryOperation
) -> Shape | None:
    """Return the shape of `left + right` and so on; None unless it is that of one of them."""
    if left == right:
        return left
    if isinstance(node.right, cst.Integer | cst.Float):
        return left
    return right if isinstance(node.left, cst.Integer | cst.Float) else None


def _rearranged(
    shapes: Shapes, call: cst.Call, name: str, given: Shape | None, position: int
) -> Shape | None:
    """Return the shape after reshape, flatten and the like, with arguments from a position on."""
    rest = [arg.value for arg in call.args[position:] if arg.keyword is None]
    if name in ("reshape", "view"):
        sizes = _sizes(shapes, rest, call, "shape")
        return None if sizes is None else reshape(given, sizes)
    change = {"flatten": _flattened, "unsqueeze": _unsqueezed, "permute": _permuted}.get(name)
    return change(shapes, call, given, position) if change and given is not None else None


def _flattened(shapes: Shapes, call: cst.Call, given: Shape, position: int) -> Shape | None:
    start, end = argument(call, position, "start_dim"), argument(call, position + 1, "end_dim")
    first = shapes.script.literal(start) if start else 0
    last = shapes.script.literal(end) if end else -1
    known = isinstance(first, int) and isinstance(last, int)
    return flatten(given, first, last) if known else None  # type: ignore[arg-type]


def _unsqueezed(shapes: Shapes, call: cst.Call, given: Shape, position: int) -> Shape | None:
    dim = shapes.script.literal(argument(call, position, "dim"))
    if not isinstance(dim, int):
        return None
    at = dim % (len(given) + 1)
    return (*given[:at], 1, *given[at:])


def _permuted(shapes: Shapes, call: cst.Call, given: Shape, position: int) -> Shape | None:
    rest = [arg.value for arg in call.args[position:] if arg.keyword is None]
    order = _sizes(shapes, rest, call, "dims") or ()
    known = len(order) == len(given) and None not in order
    return tuple(given[dim] for dim in order if dim is not None) if known else None


def _functional(shapes: Shapes, call: cst.Call, name: str) -> Shape | None:
    """Return the shape after `F.conv2d`, `F.max_pool2d` and `F.avg_pool2d`."""
    first = argument(call, 0, "input")
    given = shapes.of(first) if first else None
    if name == "conv2d":
        return _conv2d(shapes, call, given)
    layer = {"max_pool2d": "MaxPool2d", "avg_pool2d": "AvgPool2d"}.get(name)
    if layer is None or given is None:
        return None
    options = {
        option: shapes.script.literal(value) if value else default
        for position, (option, default) in enumerate(LAYERS[layer][0].items(), 1)
        for value in [argument(call, position, option)]
    }
    return pool2d(given, options | {"ceil_mode": options["ceil_mode"]})


def _conv2d(shapes: Shapes, call: cst.Call, given: Shape | None) -> Shape | None:
    """Return the shape after `F.conv2d`.

    Raises:
        MismatchError: the input or the weight has a wrong number of dimensions.
    """
    weight = argument(call, 1, "weight")
    kernel = shapes.of(weight) if weight else None
    if given is not None and len(given) not in (3, 4):
        raise MismatchError("dims", given, 4)
    if given is None or kernel is None:
        return None
    if len(kernel) != 4:  # noqa: PLR2004 - out and in channels, height, width
        raise MismatchError("weight", kernel, 4)
    if argument(call, 6, "groups") is not None:
        return None
    options: dict[str, object] = {
        "in_channels": kernel[1],
        "out_channels": kernel[0],
        "kernel_size": kernel[2:],
    }
    for position, (option, default) in enumerate(
        (("stride", 1), ("padding", 0), ("dilation", 1)), 3
    ):
        value = argument(call, position, option)
        options[option] = shapes.script.literal(value) if value else default
    return conv2d(given, options)


def _sizes(
    shapes: Shapes, values: list[cst.BaseExpression], call: cst.Call, keyword: str
) -> tuple[Size, ...] | None:
    """Return the sizes of `reshape(x, (2, -1))` and `x.view(2, -1)`; an unknown one is None."""
    given = argument(call, None, keyword)
    values = [given] if given is not None else values
    if len(values) == 1:
        only = shapes.script.value(values[0])
        if isinstance(only, cst.Tuple | cst.List):
            if any(isinstance(element, cst.StarredElement) for element in only.elements):
                return None
            values = [element.value for element in only.elements]
    sizes = tuple(_size(shapes, value) for value in values)
    return None if sizes == (None,) and keyword == "size" else sizes


def _size(shapes: Shapes, node: cst.BaseExpression) -> Size:
    """Return a size: a number, `x.size(0)` or `x.shape[0]`."""
    value = shapes.script.value(node)
    number = shapes.script.literal(node)
    if isinstance(number, int):
        return number
    match value:
        case cst.Call(func=cst.Attribute(value=tensor, attr=cst.Name("size")), args=[cst.Arg(dim)]):
            pass
        case cst.Subscript(
            value=cst.Attribute(value=tensor, attr=cst.Name("shape")),
            slice=[cst.SubscriptElement(cst.Index(dim))],
        ):
            pass
        case _:
            return None
    shape, at = shapes.of(tensor), shapes.script.literal(dim)
    if shape is None or not isinstance(at, int) or not -len(shape) <= at < len(shape):
        return None
    return shape[at]


def _nested(value: object) -> Shape | None:
    """Return the shape of nested lists of numbers."""
    if isinstance(value, int | float):
        return ()
    if not isinstance(value, list) or not value:
        return None
    inner = {_nested(item) for item in value}
    one = inner.pop() if len(inner) == 1 else None
    return None if one is None else (len(value), *one)
