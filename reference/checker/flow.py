"""Where a value goes: the expressions of a script that have the value of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.bindings import Binding
    from reference.checker.script import Script

# Methods that return the network itself, or the same tensor elsewhere.
SAME_VALUE = frozenset(["to", "cuda", "cpu", "eval", "train", "requires_grad_", "share_memory"])
_SUITES = (cst.If, cst.Else, cst.For, cst.While, cst.Try, cst.ExceptHandler, cst.Finally)


def places(
    script: Script, node: cst.BaseExpression, *, moves: bool = True
) -> Iterator[cst.BaseExpression]:
    """Yield the expressions that have the value of an expression, itself first.

    The value is followed through assignments, attributes of `self`, calls such as
    `x.to(device)`, and the arguments and results of the script's own functions.

    Args:
        script: the script.
        node: the expression.
        moves: whether the result of `x.to(device)` and the like counts as x.
    """
    seen: set[cst.CSTNode] = set()
    pending = [node]
    while pending:
        node = pending.pop(0)
        if node not in seen:
            seen.add(node)
            yield node
            pending += (n for n in _next(script, node) if moves or not _is_call_of(n, node))


def _is_call_of(call: cst.BaseExpression, node: cst.BaseExpression) -> bool:
    """Return whether an expression is the call of a method of another one."""
    method = call.func if isinstance(call, cst.Call) else None
    return isinstance(method, cst.Attribute) and method.value is node


def _next(script: Script, node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Yield the expressions to which a value goes in one step."""
    parent = script.parent(node)
    match parent:
        case cst.Assign() if parent.value is node:
            for target in parent.targets:
                yield from _reads(script, target.target, node)
        case cst.AnnAssign() | cst.NamedExpr() if parent.value is node:
            yield from _reads(script, parent.target, node)
        case cst.Attribute() if parent.value is node and parent.attr.value in SAME_VALUE:
            call = script.parent(parent)
            if isinstance(call, cst.Call) and call.func is parent:
                yield call
        case cst.Element():
            yield from _reads_of_element(script, parent)
        case cst.Arg():
            yield from _reads_of_parameter(script, parent)
        case cst.Return():
            function = script.enclosing(parent, cst.FunctionDef)
            if function is not None:
                yield from _calls_of(script, function)
        case _:
            pass


def _reads(
    script: Script,
    target: cst.BaseExpression,
    value: cst.BaseExpression,
    path: tuple[int, ...] = (),
) -> Iterator[cst.BaseExpression]:
    """Yield the places that read a variable while it has a value that was assigned to it."""
    if isinstance(target, cst.Attribute):
        yield from _reads_of_attribute(script, target)
    elif isinstance(target, cst.Name):
        for name in script.accesses(target):
            if any(b.value is value and b.path == path for b in reaching(script, name)):
                yield name


def _reads_of_attribute(script: Script, target: cst.Attribute) -> Iterator[cst.BaseExpression]:
    """Yield the places in a class that read `self.x`."""
    owner = script.enclosing(target, cst.ClassDef)
    if owner is None or not isinstance(target.value, cst.Name):
        return
    for read in script.within(owner, cst.Attribute):
        owned = isinstance(read.value, cst.Name) and read.value.value == target.value.value
        is_target = isinstance(script.parent(read), cst.AssignTarget)
        if owned and read.attr.value == target.attr.value and not is_target:
            yield read


def _reads_of_element(script: Script, element: cst.Element) -> Iterator[cst.BaseExpression]:
    """Yield the places that read b after `a, b = x, y`, for the element y."""
    container = script.parent(element)
    assign = script.parent(container) if isinstance(container, cst.Tuple) else None
    if not isinstance(container, cst.Tuple) or not isinstance(assign, cst.Assign):
        return
    index = next(i for i, e in enumerate(container.elements) if e is element)
    for target in assign.targets:
        names = target.target
        if isinstance(names, cst.Tuple) and len(names.elements) == len(container.elements):
            yield from _reads(script, names.elements[index].value, container, (index,))


def _reads_of_parameter(script: Script, arg: cst.Arg) -> Iterator[cst.BaseExpression]:
    """Yield the places that read the parameter to which an argument of a call goes."""
    call = script.parent(arg)
    function = called_function(script, call) if isinstance(call, cst.Call) else None
    if function is None or not isinstance(call, cst.Call):
        return
    params = function.params.params
    if arg.keyword is not None:
        param = next((p for p in params if p.name.value == arg.keyword.value), None)
    else:
        index = next(i for i, a in enumerate(call.args) if a is arg)
        param = params[index] if index < len(params) else None
    if param is not None:
        for name in script.accesses(param.name):
            if any(b.statement is param for b in reaching(script, name)):
                yield name


def called_function(script: Script, call: cst.Call) -> cst.FunctionDef | None:
    """Return the function of the script that a call by name calls."""
    binding = script.binding(call.func) if isinstance(call.func, cst.Name) else None
    statement = binding.statement if binding else None
    return statement if isinstance(statement, cst.FunctionDef) else None


def _calls_of(script: Script, function: cst.FunctionDef) -> Iterator[cst.Call]:
    for call in script.nodes(cst.Call):
        named = isinstance(call.func, cst.Name) and call.func.value == function.name.value
        if named and called_function(script, call) is function:
            yield call


def reaching(script: Script, name: cst.Name) -> list[Binding]:
    """Return the bindings that a name may have where it is read, the last one first.

    After `if …: x = 1` and `else: x = 2` there are two. Loops are not followed back.
    """
    last = script.binding(name)
    if last is None:
        return []
    bindings = script.bindings(name)
    end = next(i for i, binding in enumerate(bindings, 1) if binding.name is last.name)
    around = set(script.parents(name))
    found = []
    for binding in reversed(bindings[:end]):
        found.append(binding)
        suite = script.enclosing(binding.name, *_SUITES, cst.FunctionDef)
        if suite is None or suite in around or isinstance(suite, cst.FunctionDef):
            break
    return found
