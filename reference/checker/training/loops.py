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

    from reference.checker.bindings import Binding
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


def batch_loop_around(script: Script, node: cst.CSTNode) -> BatchLoop | None:
    """Return the innermost loop over batches around a node."""
    loops = {loop.node: loop for loop in batch_loops(script)}
    return next((loops[p] for p in script.parents(node) if p in loops), None)  # type: ignore[index]


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
    if of or not isinstance(node, cst.Name):
        return of == "loaded"
    uses = (script.parent(name) for name in script.accesses(node))
    return any(isinstance(u, cst.Attribute) and u.attr.value in _NETWORK_METHODS for u in uses)


def is_output(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether the value of an expression is what a network returned."""
    value = script.value(node)
    return isinstance(value, cst.Call) and is_network(script, value.func)


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a batch.

    Attributes:
        loader: the DataLoader that the batch comes from.
        path: where in the batch: `(0,)` the images, `(1,)` the targets, `()` the whole batch.
    """

    loader: cst.BaseExpression
    path: tuple[int, ...]


def part_of_binding(script: Script, binding: Binding) -> Part | None:
    """Return which part of a batch a name is after a binding."""
    found = _source(script, binding, ())
    return found if found is None or isinstance(found, Part) else part_of_batch(script, *found)


def part_of_batch(
    script: Script, node: cst.BaseExpression, path: tuple[int, ...] = ()
) -> Part | None:
    """Return which part of a batch an expression is: `data[0].to(device)`, a name for it.

    Args:
        script: the script.
        node: the expression.
        path: where in its value to look.
    """
    for _ in range(MAX_STEPS):
        match node:
            case cst.Name():
                binding = script.binding(node)
                found = _source(script, binding, path) if binding else None
                if found is None or isinstance(found, Part):
                    return found
                node, path = found
            case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=method))):
                if method not in _SAME_DATA:
                    return None
                node = inner
            case cst.Subscript(value=inner, slice=[cst.SubscriptElement(slice=cst.Index(index))]):
                position = script.literal(index)
                if not isinstance(position, int):
                    return None
                node, path = inner, (position, *path)
            case cst.Call(func=cst.Name(value="next"), args=[cst.Arg(value=inner)]):
                loader, _ = iterated(script, inner)
                known = loader is not None and script.types.of(loader) == LOADER
                return Part(loader, path) if loader is not None and known else None
            case _:
                return None
    return None


def batch_part(script: Script, node: cst.BaseExpression) -> int | None:
    """Return which part of a batch an expression is: IMAGES, TARGETS; None for anything else."""
    part = part_of_batch(script, node)
    return part.path[0] if part and len(part.path) == 1 else None


def _source(
    script: Script, binding: Binding, path: tuple[int, ...]
) -> Part | tuple[cst.BaseExpression, tuple[int, ...]] | None:
    """Return the part of a batch that a name is, or the expression and path to look at next."""
    if isinstance(binding.statement, cst.Param):
        values = passed(script, binding.statement)
        return (values[0], path) if len(values) == 1 else None
    if binding.expression is not None:
        return binding.expression, path
    if binding.value is None or isinstance(binding.statement, cst.AugAssign):
        return None
    if not binding.iterated:
        return binding.value, (*binding.path, *path)
    loader, inner = iterated(script, binding.value, binding.path)
    if loader is None or not _is_loop_over_batches(script, binding.statement):
        return None
    return Part(loader, (*inner, *path))


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
    return source if any(comes_from(script, call.args[0].value, loop) for call in calls) else None


def comes_from(script: Script, node: cst.BaseExpression, loop: cst.For) -> bool:
    """Return whether a value is what a loop gives, a part of it, or made from it."""
    for _ in range(MAX_STEPS):
        if isinstance(node, cst.Call):
            is_function = script.name(node.func).startswith("torch")
            if isinstance(node.func, cst.Attribute) and not is_function:
                node = node.func.value
            elif node.args:
                node = node.args[0].value
            else:
                return False
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
