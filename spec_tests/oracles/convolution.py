"""Definition of convolution; the package's docstring explains the conventions."""

from collections.abc import Iterator
from typing import Any

from spec_tests.oracles.nested import Nested, Number, Size, depth, pair


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
    (stride_y, stride_x), (dilation_y, dilation_x) = pair(stride), pair(dilation)
    height, width = len(input[0][0]), len(input[0][0][0])
    kernel = len(weight[0][0]), len(weight[0][0][0])
    (top, bottom), (left, right) = _paddings(padding, kernel, (dilation_y, dilation_x))
    # The last position in the padded input at which a window can start.
    last_y = height + top + bottom - dilation_y * (kernel[0] - 1) - 1
    last_x = width + left + right - dilation_x * (kernel[1] - 1) - 1
    channels_per_group, kernels_per_group = len(weight[0]), len(weight) // groups

    def window_sum(image: Nested, out: int, y: int, x: int) -> Number:
        first = out // kernels_per_group * channels_per_group
        total = bias[out] if bias else 0
        for channel in range(channels_per_group):
            for i in range(kernel[0]):
                for j in range(kernel[1]):
                    row = _source(y - top + i * dilation_y, height, padding_mode)
                    column = _source(x - left + j * dilation_x, width, padding_mode)
                    if row is not None and column is not None:
                        total += image[first + channel][row][column] * weight[out][channel][i][j]
        return total

    return [
        [
            [
                [window_sum(image, out, y, x) for x in range(0, last_x + 1, stride_x)]
                for y in range(0, last_y + 1, stride_y)
            ]
            for out in range(len(weight))
        ]
        for image in input
    ]
