"""Cases of the optimizers."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import Draw, case_of, optional
from spec_tests.harness.strategies.varied import varied
from spec_tests.harness.vectors import Case

COUNTS = st.sampled_from([1, 2, 3, 4, 5, 8, 9, 17])
STEPS = st.sampled_from([1, 2, 3, 4, 5, 12, 17])


@st.composite
def _updates(draw: Draw, operator: str, parameters: dict[str, Any]) -> Case:
    count, steps = draw(COUNTS), draw(STEPS)
    parameters |= {"lr": draw(st.sampled_from([0, 0.125, 0.5]))}
    parameters |= optional(draw, weight_decay=draw(st.sampled_from([0, 0.25])), maximize=True)
    shapes = {"params": (count,), "grads": (steps, count)}
    case = case_of(draw, operator, shapes, parameters)
    # Larger ones would grow beyond float32 with momentum.
    special = () if parameters["lr"] == 0 else (math.nan, math.inf, -math.inf)
    grads = varied(draw, case.inputs["grads"], special, large=1024)
    params = varied(draw, case.inputs["params"], (), large=1024)
    return replace(case, inputs={"params": params, "grads": grads})


@st.composite
def sgd(draw: Draw) -> Case:
    momentum = draw(st.sampled_from([0, 0.5, 0.75, 1]))
    parameters = optional(draw, momentum=momentum)
    if bool(parameters) and draw(st.booleans()):
        dampened = momentum == 0 or draw(st.booleans())
        parameters |= {"dampening": 0.25} if dampened else {"nesterov": True}
    return draw(_updates("sgd", parameters))


@st.composite
def adam(draw: Draw) -> Case:
    betas = draw(st.sampled_from([(0.5, 0.75), (0.0, 0.75), (0.0, 0.0)]))
    parameters = optional(draw, betas=betas, amsgrad=True, eps=draw(st.sampled_from([0, 0.25])))
    return draw(_updates("adam", parameters))
