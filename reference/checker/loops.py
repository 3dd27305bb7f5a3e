"""The loops over batches: which of them train a network, which test it, and what a batch has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.iteration import iterated
from reference.checker.kinds import LOADER, LOSSES
from reference.checker.parameters import calls_of, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

IMAGES, TARGETS = 0, 1  # the parts of a batch
MAX_STEPS = 20  # from a name to where its value comes from
_NETWORK_METHODS = {"parameters", "state_dict", "load_state_dict", "train", "eval"}
_SAME_DATA = {"to", "cuda", "cpu", "float", "long", "double", "detach", "clone", "contiguous"}
Loop = cst.For | cst.While


@dataclass(frozen=True, eq=False)
class BatchLoop:
    """A loop over the batches of a DataLoader.

    Attributes:
        node: the loop.
        loader: what it iterates over, without `enumerate` and `tqdm`.
        trains: whether it computes gradients, by `backward()`.
        outputs: the calls of a network in it, without those in a loop over batches inside.
        around: the loop around it, usually that of the epochs; also around the call of the
            function that it is in.
    """

    node: cst.For
    loader: cst.BaseExpression
    trains: bool
    outputs: tuple[cst.Call, ...]
    around: Loop | None


@lru_cache(maxsize=8)
def batch_loops(script: Script) -> tuple[BatchLoop, ...]:
    """Return the loops over batches, in the order of the code."""
    loaders = {}
    for loop in script.nodes(cst.For):
        loader = _loader(script, loop)
        if loader is not None:
            loaders[loop] = loader
    inside = dict[cst.For, list[cst.Call]]((loop, []) for loop in loaders)
    backward = set()
    for call in script.nodes(cst.Call):
        around = next((p for p in script.parents(call) if p in loaders), None)
        if isinstance(around, cst.For) and _in_same_function(script, call, around):
            inside[around].append(call)
            if _goes_backward(script, call):
                backward.add(around)
    return tuple(
        BatchLoop(
            node=loop,
            loader=loader,
            trains=loop in backward,
            outputs=tuple(call for call in inside[loop] if is_network(script, call.func)),
            around=loop_around(script, loop),
        )
        for loop, loader in loaders.items()
    )


def training_loops(script: Script) -> list[BatchLoop]:
    """Return the loops over batches that train."""
    return [loop for loop in batch_loops(script) if loop.trains]


def test_loops(script: Script) -> list[BatchLoop]:
    """Return the loops over batches that call a network and do not train it."""
    return [loop for loop in batch_loops(script) if not loop.trains and loop.outputs]


def loop_around(script: Script, node: cst.CSTNode) -> Loop | None:
    """Return the loop around a node, or around the only call of the function that it is in."""
    for _ in range(MAX_STEPS):
        around = script.enclosing(node, cst.For, cst.While, cst.FunctionDef, cst.ClassDef)
        if not isinstance(around, cst.FunctionDef):
            return around if isinstance(around, cst.For | cst.While) else None
        calls = calls_of(script, around)
        if len(calls) != 1:
            return None
        node = calls[0]
    return None


def loops_around(script: Script, node: cst.CSTNode) -> Iterator[Loop]:
    """Yield the loops around a node, from the inside, as `loop_around` does."""
    loop = loop_around(script, node)
    while loop is not None:
        yield loop
        loop = loop_around(script, loop)


def is_network(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a network or a layer, and not a loss.

    A variable of unknown origin counts as one if the script uses it as networks are used, for
    example with `.parameters()`.
    """
    of = script.types.of(node)
    if script.types.is_module_type(of):
        return not LOSSES.match(of)
    if of not in ("", "loaded") or not isinstance(node, cst.Name):
        return False
    uses = (script.parent(name) for name in script.accesses(node))
    return any(isinstance(u, cst.Attribute) and u.attr.value in _NETWORK_METHODS for u in uses)


def is_output(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether the value of an expression is what a network returned."""
    value = script.value(node)
    return isinstance(value, cst.Call) and is_network(script, value.func)


def batch_part(script: Script, node: cst.BaseExpression) -> int | None:
    """Return which part of a batch an expression is: IMAGES, TARGETS; None for anything else."""
    for _ in range(MAX_STEPS):
        match node:
            case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=method))):
                if method not in _SAME_DATA:
                    return None
                node = inner
            case cst.Subscript(value=inner, slice=[cst.SubscriptElement(slice=cst.Index(index))]):
                part = script.literal(index)
                return part if is_batch(script, inner) and isinstance(part, int) else None
            case cst.Name():
                found = _part_of_name(script, node)
                if found is None or isinstance(found, int):
                    return found
                node = found
            case _:
                return None
    return None


def is_batch(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a whole batch: `data` in `for data in loader`."""
    node = script.value(node)
    if isinstance(node, cst.Call) and script.name(node.func) == "builtins.next" and node.args:
        source, _ = iterated(script, node.args[0].value)
        return source is not None and script.types.of(source) == LOADER
    if not isinstance(node, cst.Name) or (binding := script.binding(node)) is None:
        return False
    if not binding.iterated or binding.value is None:
        return False
    source, path = iterated(script, binding.value, binding.path)
    return source is not None and path == () and _is_loop_over_batches(script, binding.statement)


def _part_of_name(script: Script, node: cst.Name) -> int | cst.BaseExpression | None:
    """Return the part of a batch that a name is, or the expression to look at next."""
    binding = script.binding(node)
    if binding is None:
        return None
    if isinstance(binding.statement, cst.Param):
        values = passed(script, binding.statement)
        return values[0] if len(values) == 1 else None
    if binding.value is None or binding.expression is not None:
        return binding.expression
    if binding.iterated:
        _, path = iterated(script, binding.value, binding.path)
        is_part = len(path) == 1 and _is_loop_over_batches(script, binding.statement)
        return path[0] if is_part else None
    is_part = len(binding.path) == 1 and is_batch(script, binding.value)
    return binding.path[0] if is_part else None


def _is_loop_over_batches(script: Script, node: cst.CSTNode) -> bool:
    return any(loop.node is node for loop in batch_loops(script))


def _loader(script: Script, loop: cst.For) -> cst.BaseExpression | None:
    """Return what a loop over batches iterates over; None for other loops.

    A loop over something unknown is one if it passes what it gets to a network.
    """
    source, _ = iterated(script, loop.iter)
    if source is None or script.types.of(source) == LOADER:
        return source
    if script.types.of(source) or not isinstance(source, cst.Name | cst.Attribute):
        return None
    calls = [c for c in script.within(loop.body, cst.Call) if is_network(script, c.func) and c.args]
    return source if any(_comes_from(script, call.args[0].value, loop) for call in calls) else None


def _comes_from(script: Script, node: cst.BaseExpression, loop: cst.For) -> bool:
    """Return whether a loop gives a value, as it is or as a part of what it gives."""
    for _ in range(MAX_STEPS):
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            node = node.func.value
        elif isinstance(node, cst.Subscript):
            node = node.value
        elif not isinstance(node, cst.Name) or (binding := script.binding(node)) is None:
            return False
        elif binding.statement is loop:
            return True
        elif binding.value is None or binding.iterated:
            return False
        else:
            node = binding.value
    return False


def _goes_backward(script: Script, call: cst.Call) -> bool:
    """Return whether a call is `x.backward()`, or of a function of the script that contains it."""
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value == "backward"
    binding = script.binding(call.func) if isinstance(call.func, cst.Name) else None
    if binding is None or not isinstance(binding.statement, cst.FunctionDef):
        return False
    inner = script.within(binding.statement, cst.Attribute)
    return any(attribute.attr.value == "backward" for attribute in inner)


def _in_same_function(script: Script, node: cst.CSTNode, loop: cst.For) -> bool:
    return script.enclosing(node, cst.FunctionDef) is script.enclosing(loop, cst.FunctionDef)
