"""The loops of a script that test a network, and what the network's mode changes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.networks import created, module_class
from reference.checker.training.loops import BatchLoop, test_loops, training_loops
from reference.checker.training.losses import loss_name
from reference.checker.training.updates import updates

if TYPE_CHECKING:
    from reference.checker.script import Script

_MODE_LAYERS = re.compile(
    r"torch\.nn\.(\w*Dropout|BatchNorm|SyncBatchNorm|InstanceNorm)|torchvision\.models"
)


@lru_cache(maxsize=8)
def evaluations(script: Script) -> tuple[BatchLoop, ...]:
    """Return the loops that test a network which the script trains, or whose hits they count.

    Loops that only show what a layer does to pictures are none.
    """
    if not any(update.step for update in updates(script)):
        return tuple(loop for loop in test_loops(script) if counts_hits(script, loop.node))
    training = training_loops(script)
    trained = {script.code(call.func) for loop in training for call in loop.outputs}
    return tuple(
        loop
        for loop in test_loops(script)
        if counts_hits(script, loop.node)
        or (
            any(script.code(call.func) in trained for call in loop.outputs)
            and (_has_loss(script, loop) or script.before(training[0].node, loop.node))
        )
    )


def _has_loss(script: Script, loop: BatchLoop) -> bool:
    return any(loss_name(script, call) for call in script.within(loop.node, cst.Call))


def counts_hits(script: Script, loop: cst.For) -> bool:
    """Return whether a loop compares the most probable classes with something."""
    names = {attribute.attr.value for attribute in script.within(loop, cst.Attribute)}
    return bool(names & {"argmax", "max", "topk"}) and any(
        isinstance(target.operator, cst.Equal)
        for comparison in script.within(loop, cst.Comparison)
        for target in comparison.comparisons
    )


def depends_on_mode(script: Script, network: cst.BaseExpression) -> bool:
    """Return whether a network has, as far as is known, layers such as Dropout and BatchNorm."""
    if script.types.of(network) == "torchvision.models":
        return True
    call = created(script, network)
    if call is None:
        return False
    found = module_class(script, call)
    where, node = found or (script, call)
    if any(_MODE_LAYERS.match(where.name(inner.func)) for inner in where.within(node, cst.Call)):
        return True
    inside = (where.types.of(inner) for inner in where.within(node, cst.Call))
    return any(of == "torchvision.models" for of in inside)
