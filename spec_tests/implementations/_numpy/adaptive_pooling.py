"""Average pooling to an output of a given size."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from spec_tests.implementations._numpy.dtypes import exact, is_floating
from spec_tests.implementations._numpy.windows import Pair, check_planes, pair

Slices = tuple[slice, slice]


def adaptive_avg_pool2d(input: np.ndarray, output_size: int | Sequence[int | None]) -> np.ndarray:
    """Return the means of windows that are spread evenly over the plane."""
    size = _output_size(input, output_size)
    planes, output = exact(input), np.empty((*input.shape[:-2], *size), input.dtype)
    for place, window in _windows(input.shape[-2:], size):
        output[..., *place] = planes[..., *window].mean((-2, -1))
    return output


def adaptive_avg_pool2d_gradients(
    grad_output: np.ndarray, input: np.ndarray, output_size: int | Sequence[int | None]
) -> dict[str, np.ndarray]:
    """Return the gradient of the input: each pixel of a window has an equal share."""
    grads = exact(grad_output)
    sums = np.zeros(input.shape)
    for (row, column), window in _windows(input.shape[-2:], _output_size(input, output_size)):
        height, width = sums[..., *window].shape[-2:]
        sums[..., *window] += grads[..., row, column, None, None] / (height * width)
    return {"input": sums}


def _windows(size: Sequence[int], output_size: Pair) -> Iterator[tuple[Pair, Slices]]:
    """Yield the place of each output pixel, and its window.

    Window i of n along an axis of length L goes from floor(i L / n) up to ceil((i + 1) L / n).
    """
    height, width = size
    rows, columns = output_size
    for i, j in product(range(rows), range(columns)):
        yield (
            (i, j),
            (
                slice(i * height // rows, -(-(i + 1) * height // rows)),  # -(-a // b) rounds up
                slice(j * width // columns, -(-(j + 1) * width // columns)),
            ),
        )


def _output_size(input: np.ndarray, output_size: int | Sequence[int | None]) -> Pair:
    """Return the rows and columns of the output; refuse other input than images."""
    check_planes("adaptive_avg_pool2d", input, not_empty=2)
    if not is_floating(input):
        raise NotImplementedError(
            f'"adaptive_avg_pool2d" not implemented for {input.dtype}: use input.astype(float32)'
        )
    sizes = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    if len(sizes) != 2:
        raise RuntimeError(
            f"output_size must be an int or a pair of ints, got output_size={output_size!r}"
        )
    axes = zip(sizes, input.shape[-2:], strict=True)
    return pair("output_size", [old if new is None else new for new, old in axes], 0)
