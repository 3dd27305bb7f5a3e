"""Definition of convolution; the package's docstring explains the conventions."""

from collections.abc import Iterator
from typing import Any

from spec_tests.oracles.nested import Nested, Number, Size, depth, pair

Sources = list[tuple[int, int]]


def _source(index: int, length: int, mode: str) -> int | None:
    """Return the index of the element that a position in the padded input takes; None for a zero.

    Args:
        index: counted from the first element of the input; negative in the padding before it.
        length: of the input.
        mode: a padding mode of torch.nn.Conv2d.
    """
    if 0 <= index < length:
        return index
    if mode == "zeros":
        return None
    if mode == "replicate":
        return min(max(index, 0), length - 1)
    if mode == "circular":
        return index % length
    # reflect: without repeating the border, so that -1 takes 1 and length takes length - 2
    return -index if index < 0 else 2 * (length - 1) - index


def _sources(
    length: int, padding: tuple[int, int], *, kernel: int, dilation: int, stride: int, mode: str
) -> list[Sources]:
    """Return for each window along an axis the kernel's indices and the input's, without zeros."""
    before, after = padding
    # The last position in the padded input at which a window can start.
    last = length + before + after - dilation * (kernel - 1) - 1
    windows = []
    for start in range(-before, last - before + 1, stride):
        sources = ((i, _source(start + i * dilation, length, mode)) for i in range(kernel))
        windows.append([(i, source) for i, source in sources if source is not None])
    return windows


def _paddings(
    padding: Size | str, kernel: tuple[int, int], dilation: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the padding (before, after) of the height, then of the width.

    'same' pads dilation * (kernel - 1) in all; if that is odd, one more after than before.
    """
    for axis in range(2):
        total = dilation[axis] * (kernel[axis] - 1)
        if padding == "same":
            yield total // 2, total - total // 2
        else:
            amount = 0 if isinstance(padding, str) else pair(padding)[axis]  # 'valid'
            yield amount, amount


def conv2d(
    input: Nested,
    weight: Nested,
    bias: Nested | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Nested:
    """Return the cross-correlation of the padded input x with each kernel w of its group.

    y[n, o, i, j] = b[o] + sum over c, u, v of
                    x[n, g C/G + c, i s + u d - p, j s + v d - p] * w[o, c, u, v]

    with stride s, padding p and dilation d, each one for the height and one for the width. Output
    channel o belongs to group g = floor(o / (O / G)). `padding_mode` defines x outside the input.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (O, C/G, kH, kW).
        bias: (O).
        stride: as in torch.nn.functional.
        padding: in 'zeros' mode also 'same' or 'valid'.
        dilation: as in torch.nn.functional.
        groups: G.
        padding_mode: 'zeros', 'reflect', 'replicate' or 'circular', as in torch.nn.Conv2d.

    Returns:
        (N, O, oH, oW) or (O, oH, oW), with oH = floor((H + 2 p - d (kH - 1) - 1) / s) + 1.
    """
    if depth(input) == 3:
        rest: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
        }
        return conv2d([input], weight, bias, **rest, padding_mode=padding_mode)[0]
    kernel = len(weight[0][0]), len(weight[0][0][0])
    rows, columns = (
        _sources(size, pads, kernel=k, dilation=d, stride=s, mode=padding_mode)
        for size, pads, k, d, s in zip(
            (len(input[0][0]), len(input[0][0][0])),
            _paddings(padding, kernel, pair(dilation)),
            kernel,
            pair(dilation),
            pair(stride),
            strict=True,
        )
    )
    channels_per_group, kernels_per_group = len(weight[0]), len(weight) // groups

    def window_sum(image: Nested, out: int, rows: Sources, columns: Sources) -> Number:
        first = out // kernels_per_group * channels_per_group
        total = bias[out] if bias else 0
        for channel, plane in enumerate(weight[out]):
            for i, row in rows:
                for j, column in columns:
                    total += image[first + channel][row][column] * plane[i][j]
        return total

    return [
        [
            [[window_sum(image, out, y, x) for x in columns] for y in rows]
            for out in range(len(weight))
        ]
        for image in input
    ]
