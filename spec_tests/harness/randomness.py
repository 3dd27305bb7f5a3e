"""Whether zeros that are drawn with a probability of 1/2 are unrelated.

Let an element be -1 if it is zero, and 1 otherwise. Of independent elements, the m products of two
at a given distance are independent as well, and their sum is beyond LIMIT * sqrt(m) with a
probability of at most 2 exp(-LIMIT^2 / 2) = 4e-16 (Hoeffding, Journal of the American Statistical
Association 58, 1963). Of n elements and those of a second call there are 3 n such sums: even for
20,000 elements, one in 4e10 right implementations fails.
"""

import numpy as np
import numpy.typing as npt

LIMIT = 8.5


def relation(zeros: npt.NDArray[np.bool_], again: npt.NDArray[np.bool_]) -> str:
    """Return how zeros are related to others, or to those of a second call; "" if they are not."""
    first, second = (np.where(each.ravel(), -1.0, 1.0) for each in (zeros, again))
    distances = np.abs(np.arange(1 - first.size, first.size))
    limits = LIMIT * np.sqrt(first.size - distances)
    for calls, other in (("one call", first), ("two calls", second)):
        excess = np.abs(np.correlate(first, other, mode="full")) / limits
        excess[(distances == 0) & (other is first)] = 0  # each element is related to itself
        if excess.max() > 1:
            return f"the zeros of {calls} are related at a distance of {distances[excess.argmax()]}"
    return ""
