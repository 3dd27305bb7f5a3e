"""The layers of a script that do not fit their input, each reported once."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import LOSSES
from reference.checker.networks import classes
from reference.checker.shapes.images import batch_shapes
from reference.checker.shapes.infer import LayerMismatchError, Shapes, shapes_of
from reference.checker.training.loops import batch_loops, comes_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reference.checker.script import Script


@lru_cache(maxsize=8)
def mismatches(script: Script) -> tuple[LayerMismatchError, ...]:
    """Return the mismatches in the networks that a script calls, defines or creates."""
    shapes = shapes_of(script)
    found: dict[cst.CSTNode, LayerMismatchError] = {}
    for look in _looks(script, shapes):
        try:
            look()
        except LayerMismatchError as error:
            found.setdefault(error.layer, error)
    return tuple(found.values())


def network_calls(script: Script) -> Iterator[cst.Call]:
    """Yield the calls of networks, layers and functions of layers outside networks."""
    for call in script.nodes(cst.Call):
        of = script.types.of(call.func)
        is_network = script.types.is_module_type(of) and not LOSSES.match(of)
        if is_network or script.name(call.func).startswith("torch.nn.functional."):
            owner = script.enclosing(call, cst.ClassDef)
            if owner is None or owner not in classes(script):
                yield call


def _looks(script: Script, shapes: Shapes) -> Iterator[Callable[[], object]]:
    """Yield functions that each look at one network; first those with a known input."""
    for call in network_calls(script):
        yield partial(shapes.of, call)
    for owner in classes(script):
        yield partial(shapes.of_class, script, owner)
    for call in script.calls("torch.nn.Sequential"):
        yield partial(shapes.applied, call, None)


def at_last_batch(script: Script) -> Iterator[tuple[cst.Call, LayerMismatchError | None]]:
    """Yield the calls of networks for which a whole batch is one input, as after `flatten(imgs)`.

    With each comes the mismatch that the smaller last batch of the DataLoader causes, if any.
    """
    shapes, at_end = shapes_of(script), shapes_of(script, last=True)
    for loop in batch_loops(script):
        may_stop = next(script.within(loop.node.body, cst.Break), None) is not None
        calls = [
            c for c in loop.outputs if c.args and comes_from(script, c.args[0].value, loop.node)
        ]
        for call in () if may_stop else calls:
            try:
                given = batch_shapes(script, loop.loader)[0]
                output = shapes.of(call)
            except LayerMismatchError:
                continue  # the other batches do not fit either
            if not given or not output or None in (given[0], output[0]):
                continue
            if given[0] in (1, output[0]):
                continue
            try:
                at_end.of(call)
            except LayerMismatchError as error:
                yield call, error
            else:
                yield call, None
