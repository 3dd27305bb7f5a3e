"""Numbers of drawn cases that are not small integers, and sizes around those of blocks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import Draw
from spec_tests.harness.tensors import array, tensor

SPECIAL = (math.nan, math.inf, -math.inf)

# The lengths of vectorised and unrolled loops, and their neighbours.
BLOCKS = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33])


def varied(
    draw: Draw,
    values: Mapping[str, Any],
    special: Sequence[float] = SPECIAL,
    large: float = 2.0**40,
) -> dict[str, Any]:
    """Return a floating tensor as it is, or changed in one of these ways.

    - fractions that float64 has and float32 has not, or float32 and not half precision;
    - `large` times as large;
    - one of the `special` numbers at a drawn position.
    """
    numbers = array(values).astype("float64")
    if values["dtype"] not in {"float32", "float64"} or not numbers.size:
        return dict(values)
    kinds = ["integers", "integers", "fractions", "large", *(["special"] if special else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "fractions":
        numbers += numbers / 2.0 ** (34 if values["dtype"] == "float64" else 18)
    elif kind == "large":
        numbers *= large
    elif kind == "special":
        numbers.flat[draw(st.integers(0, numbers.size - 1))] = draw(st.sampled_from(special))
    return dict(values) | tensor(numbers, values["dtype"])
