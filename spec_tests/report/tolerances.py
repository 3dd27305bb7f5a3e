"""Generate docs/TOLERANCES.md: how far a result may be from the expected value, and why."""

from collections.abc import Iterator
from typing import Any

from spec_tests.harness.tolerances import FEWEST, ROUNDINGS, ROUNDOFF, relative, roundings
from spec_tests.harness.vectors import Case

DTYPES = ("float64", "float32", "float16", "bfloat16")


def _case(operator: str, shapes: dict[str, list[int]], **parameters: Any) -> Case:
    inputs = {name: {"shape": shape} for name, shape in shapes.items()}
    return Case(operator=operator, name="example", inputs=inputs, parameters=parameters)


# A batch of 64 in the course's networks; ten steps of an optimizer.
EXAMPLES = {
    "adam": _case("adam", {"grads": [10, 1]}),
    "adaptive_avg_pool2d": _case("adaptive_avg_pool2d", {"input": [64, 512, 7, 7]}),
    "avg_pool2d": _case("avg_pool2d", {}, kernel_size=3),
    "batch_norm": _case("batch_norm", {"input": [64, 32, 16, 16]}),
    "conv2d": _case("conv2d", {"weight": [32, 32, 5, 5]}),
    "cross_entropy": _case("cross_entropy", {"input": [64, 10]}),
    "dropout": _case("dropout", {}),
    "flatten": _case("flatten", {}),
    "l1_loss": _case("l1_loss", {"input": [64, 10]}),
    "linear": _case("linear", {"weight": [64, 1024]}),
    "max_pool2d": _case("max_pool2d", {}),
    "mse_loss": _case("mse_loss", {"input": [64, 10]}),
    "relu": _case("relu", {}),
    "sgd": _case("sgd", {"grads": [10, 1]}),
    "sigmoid": _case("sigmoid", {}),
}

INTRO = """# Tolerances

How far the result of an implementation may be from the expected value, by operator and dtype. The
vectors may be stricter, and are where a result is exact; drawn cases use these tolerances.
Nothing was measured and then widened: a test compares the tolerance of each vector with this
derivation.

`python -m spec_tests.report.docs` generates this page from `spec_tests/harness/tolerances.py`."""

DERIVATION = f"""## Derivation

A rounding to nearest changes a value by at most the unit roundoff u of its dtype, relative to the
value: {{units}}.
A result that takes n roundings in a row, of values no larger than s, is within n u s of the exact
one, to first order in u (Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 3.1
and 4.2). For a sum, n is its number of terms, whatever the order of summation.

A result passes if |actual - expected| <= atol + rtol |expected|, with rtol = n u, and atol = n u s
for results that cancel; s is the largest absolute value of the case, and at least 1. No computed
result is allowed fewer than {FEWEST} roundings, because functions such as exp and rsqrt are seldom
rounded correctly, and libraries rearrange formulas. A gradient may take two more for each element
of the gradient of the output.

Elements that are selected and not computed must be equal. NaN must be NaN, an infinity the same
infinity; the sign of a zero is not compared. int64 must be equal. A value that the course prints
with four digits may be half a unit of the last one away."""

HALF = """## float16 and bfloat16

They are for storage. Sums, means, squares and exponentials are computed in float32 at least, and
the result is rounded once, as PyTorch does: in float16, a sum of ones accumulated in float16
stops at 2048, and the square of 256 is infinite. The expected value is rounded to the dtype as
well, so that rtol is 2 u of the dtype, plus n u of float32. An implementation without these
dtypes does not fail: the case is reported as not implemented."""

LIMITS = """## What the suite does not claim to find

- Errors below these tolerances, and the order in which numbers are added.
- What PyTorch's documentation leaves open: the sign of a zero, the gradient at NaN, NaN and
  infinities that dropout drops, the exact point of overflow, and the index of the maximum where a
  window has several NaN.
- Sizes beyond those of the vectors (at most 20,000 elements) and of the drawn cases: indices of
  more than 31 bits, and algorithms that a library chooses for large inputs only.
- Mistakes that depend on the machine, the number of threads, memory that was used before, or a
  compiled graph that is used again. Only the zeros of dropout are compared between two calls.
- The quality of random numbers: the vectors count the zeros of dropout, and find those that
  depend on others at one distance. Seeds, and the same numbers on another device, are not
  compared.
- Other dtypes (int32, bool, complex, quantised, float8), inputs of several dtypes, autocast.
- Gradients of gradients, forward-mode derivatives, and gradients through an operation in place.
- Optimizers: several parameters, parameters without a gradient, a learning rate that changes,
  options newer than torch 2.6, and whether an optimizer keeps the caller's arrays.
- Operators and options that the course does not use, and whole networks that only fail together.
- The wording of an error beyond what a vector states; from a library with its own error classes,
  any message. Warnings are not compared.
- What an implementation reports as not implemented, half precision and other layouts in
  particular.
- Speed, memory, and results that differ from one run to the next within the tolerance.

A mistake that no case shows is not found. How many are is measured with faults (`nox -s faults`):
wrong operators, many of them modelled on public defects, each of which at least one vector
rejects."""


def tolerances_document() -> str:
    """Return the document."""
    units = ", ".join(f"{ROUNDOFF[dtype]:.1e} for {dtype}" for dtype in DTYPES)
    derivation = DERIVATION.format(units=units)
    parts = (INTRO, derivation, HALF, "## By operator", TABLE_INTRO, "\n".join(_table()), LIMITS)
    return "\n\n".join(parts) + "\n"


TABLE_INTRO = """n is the number of roundings that one element of a result takes at most;
rtol is that of the example: a layer of the course's networks with a batch of 64, or ten steps of an
optimizer."""


def _table() -> Iterator[str]:
    columns = ["operator", "n", "counted are", "example", "its n"]
    yield f"| {' | '.join([*columns, *(f'rtol {dtype}' for dtype in DTYPES)])} |"
    yield "|---|---|---|---|---:|" + "---:|" * len(DTYPES)
    for operator, counted in ROUNDINGS.items():
        example = EXAMPLES[operator]
        n = roundings(example)
        limits = (f"{relative(n, dtype):.1e}" if n else "0" for dtype in DTYPES)
        counts = counted.of.replace("*", r"\*")
        cells = [f"`{operator}`", counted.formula, counts, _described(example), str(n), *limits]
        yield f"| {' | '.join(cells)} |"


def _described(example: Case) -> str:
    shapes = (f"{name} {tuple(tensor['shape'])}" for name, tensor in example.inputs.items())
    options = (f"{name}={value}" for name, value in example.parameters.items())
    return ", ".join([*shapes, *options])
