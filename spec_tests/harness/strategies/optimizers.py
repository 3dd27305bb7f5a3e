"""Cases of the optimizers."""

from typing import Any

from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import Draw, case_of, optional, pair
from spec_tests.harness.vectors import Case


@st.composite
def _updates(draw: Draw, operator: str, parameters: dict[str, Any]) -> Case:
    count, steps = pair(draw, 1, 5)
    parameters |= {"lr": draw(st.sampled_from([0.125, 0.5]))}
    parameters |= optional(draw, weight_decay=0.25, maximize=True)
    return case_of(draw, operator, {"params": (count,), "grads": (steps, count)}, parameters)


@st.composite
def sgd(draw: Draw) -> Case:
    parameters = optional(draw, momentum=draw(st.sampled_from([0.5, 0.75])))
    dampened = draw(st.booleans())
    extra: dict[str, Any] = {"dampening": 0.25} if dampened else {"nesterov": True}
    if bool(parameters) and draw(st.booleans()):
        parameters |= extra
    return draw(_updates("sgd", parameters))


@st.composite
def adam(draw: Draw) -> Case:
    parameters = optional(draw, betas=(0.5, 0.75), amsgrad=True)
    return draw(_updates("adam", parameters | optional(draw, eps=0.25)))
