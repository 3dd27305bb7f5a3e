"""What layers make of a shape: sizes in, sizes out, or the reason why they do not fit.

A shape is a tuple of sizes, of which each may be None, unknown. The batch may be missing, as
PyTorch allows for one image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Size: TypeAlias = int | None
Shape: TypeAlias = tuple[Size, ...]

SAME_SHAPE = frozenset(
    [
        "relu",
        "relu_",
        "leaky_relu",
        "elu",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "softmax",
        "log_softmax",
        "dropout",
        "dropout2d",
        "hardtanh",
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "ELU",
        "GELU",
        "SiLU",
        "Mish",
        "Sigmoid",
        "Tanh",
        "Softmax",
        "LogSoftmax",
        "Dropout",
        "Dropout2d",
        "Identity",
        "Hardswish",
        "ReLU6",
        "Softplus",
        "LocalResponseNorm",
    ]
)


class MismatchError(Exception):
    """A layer does not fit its input.

    Attributes:
        expected: the number that the layer expects.
        given: the number that the input has; 0 if the shape has another number of dimensions.
        kind: `channels`, `features`, `dims`, `window`; `weight`: the dimensions of a kernel.
        shape: the shape of the input.
    """

    def __init__(self, kind: str, shape: Shape, expected: int, given: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.shape, self.expected, self.given = kind, shape, expected, given


def pair(value: object, default: Size = None) -> tuple[Size, Size]:
    """Return the height and the width of a size that is one number or two."""
    if value is None:
        return default, default
    if isinstance(value, int):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2:  # noqa: PLR2004 - height, width
        return tuple(v if isinstance(v, int) else None for v in value)  # type: ignore[return-value]
    return None, None


def flatten(shape: Shape, start: int = 1, end: int = -1) -> Shape | None:
    """Return the shape after `flatten(start_dim, end_dim)`."""
    if not shape:
        return (1,)
    first, last = start % len(shape), end % len(shape)
    if first > last:
        return None
    return (*shape[:first], numel(shape[first : last + 1]), *shape[last + 1 :])


def numel(shape: Sequence[Size]) -> Size:
    """Return the number of elements; None if a size is unknown."""
    return None if None in shape else math.prod(size or 0 for size in shape)


def reshape(shape: Shape | None, sizes: Sequence[Size]) -> Shape | None:
    """Return the shape after a reshape, with -1 replaced; None if that is impossible."""
    total = numel(shape) if shape is not None else None
    if sizes.count(-1) > 1:
        return None
    known = numel([size for size in sizes if size != -1])
    if -1 not in sizes:
        return None if total is not None and known not in (None, total) else tuple(sizes)
    fits = total is not None and known and total % known == 0
    if total is not None and known and not fits:
        return None
    rest = total // known if total is not None and known else None
    return tuple(rest if size == -1 else size for size in sizes)


def windows(size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size = 1) -> Size:
    """Return how many windows fit into one dimension; None if a number is unknown."""
    if size is None or kernel is None or padding is None or dilation is None or not stride:
        return None
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def conv2d(shape: Shape | None, options: Mapping[str, object]) -> Shape:
    """Return the shape after Conv2d."""
    channels, out = options["in_channels"], _size(options["out_channels"])
    kernel = pair(options["kernel_size"])
    shape = _image(shape, 4)
    if isinstance(channels, int) and shape[-3] not in (None, channels):
        raise MismatchError("channels", shape, channels, shape[-3] or 0)
    if options["padding"] == "same":
        return (*shape[:-3], out, *shape[-2:])
    padding = (0, 0) if options["padding"] == "valid" else pair(options["padding"])
    sizes = _windows(shape, kernel, pair(options["stride"]), padding, pair(options["dilation"]))
    return (*shape[:-3], out, *sizes)


def pool2d(shape: Shape | None, options: Mapping[str, object]) -> Shape:
    """Return the shape after MaxPool2d or AvgPool2d."""
    kernel = pair(options["kernel_size"])
    stride = kernel if options["stride"] is None else pair(options["stride"])
    shape = _image(shape, 4)
    if options["ceil_mode"] is not False:
        return (*shape[:-2], None, None)
    padding, dilation = pair(options["padding"]), pair(options.get("dilation", 1))
    return (*shape[:-2], *_windows(shape, kernel, stride, padding, dilation))


def linear(shape: Shape | None, options: Mapping[str, object]) -> Shape:
    """Return the shape after Linear."""
    features, out = options["in_features"], _size(options["out_features"])
    if not shape:
        return (None, out)
    if isinstance(features, int) and shape[-1] not in (None, features):
        raise MismatchError("features", shape, features, shape[-1] or 0)
    return (*shape[:-1], out)


def batch_norm2d(shape: Shape | None, options: Mapping[str, object]) -> Shape:
    """Return the shape after BatchNorm2d."""
    features = options["num_features"]
    shape = shape or (None,) * 4
    if len(shape) != 4:  # noqa: PLR2004 - N, C, H, W
        raise MismatchError("dims", shape, 4)
    if isinstance(features, int) and shape[1] not in (None, features):
        raise MismatchError("channels", shape, features, shape[1] or 0)
    return shape


def adaptive_pool2d(shape: Shape | None, options: Mapping[str, object]) -> Shape:
    """Return the shape after AdaptiveAvgPool2d or AdaptiveMaxPool2d."""
    return (*_image(shape, 4)[:-2], *pair(options["output_size"]))


def flatten_layer(shape: Shape | None, options: Mapping[str, object]) -> Shape | None:
    """Return the shape after Flatten."""
    start, end = options["start_dim"], options["end_dim"]
    known = shape is not None and isinstance(start, int) and isinstance(end, int)
    return flatten(shape, start, end) if known else None  # type: ignore[arg-type]


def _size(value: object) -> Size:
    return value if isinstance(value, int) else None


def _image(shape: Shape | None, dims: int) -> Shape:
    """Return the shape of images, with or without a batch; unknown sizes if it is unknown."""
    shape = (None,) * dims if shape is None else shape
    if len(shape) not in (dims - 1, dims):
        raise MismatchError("dims", shape, dims)
    return shape


def _windows(
    shape: Shape,
    kernel: tuple[Size, Size],
    stride: tuple[Size, Size],
    padding: tuple[Size, Size],
    dilation: tuple[Size, Size],
) -> tuple[Size, Size]:
    sizes = [
        windows(*numbers)
        for numbers in zip(shape[-2:], kernel, stride, padding, dilation, strict=True)
    ]
    for size, side, given in zip(sizes, kernel, shape[-2:], strict=True):
        if size is not None and size <= 0:
            raise MismatchError("window", shape, side or 0, given or 0)
    return sizes[0], sizes[1]


_POOL = {"kernel_size": ..., "stride": None, "padding": 0}
_CONV = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
# Of each layer: its arguments with their defaults, and what it does. `...` has no default.
LAYERS: Mapping[str, tuple[Mapping[str, object], Callable[..., Shape | None]]] = {
    "Conv2d": ({"in_channels": ..., "out_channels": ..., "kernel_size": ..., **_CONV}, conv2d),
    "MaxPool2d": ({**_POOL, "dilation": 1, "return_indices": False, "ceil_mode": False}, pool2d),
    "AvgPool2d": ({**_POOL, "ceil_mode": False}, pool2d),
    "AdaptiveAvgPool2d": ({"output_size": ...}, adaptive_pool2d),
    "AdaptiveMaxPool2d": ({"output_size": ...}, adaptive_pool2d),
    "Linear": ({"in_features": ..., "out_features": ...}, linear),
    "BatchNorm2d": ({"num_features": ...}, batch_norm2d),
    "Flatten": ({"start_dim": 1, "end_dim": -1}, flatten_layer),
}
