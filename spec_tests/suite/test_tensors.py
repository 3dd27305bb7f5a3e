"""The tensors of a case as arrays: values, dtypes and layouts."""

import numpy as np
import numpy.typing as npt
import pytest

from spec_tests.harness.tensors import LAYOUTS, array, arrays, tensor

IMAGES = np.arange(24, dtype="float32").reshape(2, 3, 2, 2)  # (N, C, H, W)
EXPANDED = {"expanded", "expanded_last"}  # for equal elements only
ROWS = [[1, 2], [1, 2]]  # the same twice, as an expanded array must be


def _laid_out(layout: str, values: npt.ArrayLike = IMAGES) -> np.ndarray:
    return array(tensor(values, "float32") | {"layout": layout})


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - EXPANDED))
def test_layout_keeps_the_values(layout: str) -> None:
    np.testing.assert_array_equal(_laid_out(layout), IMAGES)


def test_layouts_in_memory() -> None:
    """Strides in bytes, of float32 (2, 3, 2, 2) and (2, 2)."""
    strides = {layout: _laid_out(layout).strides for layout in set(LAYOUTS) - EXPANDED}
    assert strides == {
        "contiguous": (48, 16, 8, 4),
        "transposed": (4, 8, 24, 48),
        "channels_last": (48, 4, 24, 12),
        "channel_slice": (96, 4, 48, 24),
        "strided": (1400, 200, 40, 8),
        "reversed": (-48, -16, -8, -4),
    }
    expanded = _laid_out("expanded", ROWS)
    assert (expanded.strides, expanded.tolist()) == ((0, 4), ROWS)
    last = _laid_out("expanded_last", np.transpose(ROWS))
    assert (last.strides, last.tolist()) == ((4, 0), [[1, 1], [2, 2]])


def test_gaps_of_a_strided_array_differ_from_its_values() -> None:
    assert set(_laid_out("strided").base.ravel()) - set(IMAGES.ravel()) == {77}


def test_shared_memory() -> None:
    inputs = {"input": tensor(ROWS, "float32"), "target": tensor(ROWS, "float32")}
    both = arrays({**inputs, "target": inputs["target"] | {"shares": "input"}})
    assert both["target"] is both["input"]
    apart = arrays(inputs)
    assert not np.shares_memory(apart["target"], apart["input"])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_words_for_special_values(dtype: str) -> None:
    special = array({"dtype": dtype, "shape": [4], "data": ["inf", "-inf", "nan", -0.0]})
    assert special.dtype.name == dtype
    assert str(special.astype("float64")) == "[ inf -inf  nan  -0.]"


def test_int64_beyond_float64() -> None:
    assert array({"dtype": "int64", "shape": [1], "data": [2**53 + 1]}).tolist() == [2**53 + 1]


def test_fill() -> None:
    filled = {"dtype": "float32", "shape": [2, 2], "fill": 1.5, "except": [[[0, 1], "-inf"]]}
    assert array(filled).tolist() == [[1.5, -np.inf], [1.5, 1.5]]


def test_empty() -> None:
    assert array({"dtype": "float32", "shape": [0, 3], "data": []}).shape == (0, 3)
