"""Cases of convolution and the linear layer."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    LARGEST,
    Draw,
    case_of,
    image_shape,
    optional,
    pair,
    shape_of,
)
from spec_tests.harness.vectors import EXACT, Case


@st.composite
def conv2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, kernel = pair(draw, 1, largest), pair(draw, 1, 4)
    groups, group_channels, multiplier = (draw(st.integers(1, 2)) for _ in range(3))
    dilation, padding = pair(draw, 1, 3), pair(draw, 0, 3)
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    if mode == "reflect":
        padding = min(padding[0], sides[0] - 1), min(padding[1], sides[1] - 1)
    if mode == "circular":
        padding = min(padding[0], sides[0]), min(padding[1], sides[1])
    parameters: dict[str, Any] = {"dilation": dilation, "groups": groups}
    named = draw(st.sampled_from(["same", "valid", None])) if mode == "zeros" else None
    parameters |= {"padding": named or padding} | ({} if named else {"padding_mode": mode})
    if named != "same":
        parameters["stride"] = pair(draw, 1, 4)
        pads = (0, 0) if named else padding
        spans = zip(sides, pads, kernel, dilation, strict=True)
        assume(all(side + 2 * p > d * (k - 1) for side, p, k, d in spans))
    shapes = {
        "input": image_shape(draw, groups * group_channels, sides),
        "weight": (groups * multiplier, group_channels, *kernel),
    } | optional(draw, bias=(groups * multiplier,))
    return case_of(draw, "conv2d", shapes, parameters, EXACT)


@st.composite
def linear(draw: Draw, largest: int = LARGEST) -> Case:
    features, outputs = pair(draw, 1, largest)
    shapes = {"input": (*shape_of(draw, 2, 4), features), "weight": (outputs, features)}
    return case_of(draw, "linear", shapes | optional(draw, bias=(outputs,)), {}, EXACT)
