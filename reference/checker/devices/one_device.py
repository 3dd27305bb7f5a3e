"""The fix that moves everything to one device, which the script chooses once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.devices.gpu import choice, device_variables, gpu
from reference.checker.edits import Fix, expression

if TYPE_CHECKING:
    from reference.checker.script import Script


def one_device(script: Script, moves: list[tuple[cst.Call, str]]) -> Fix:
    """Return the fix that moves everything to one device, which it defines if need be."""
    if not moves:
        return {}
    first, name = moves[0]
    variable = _device_before(script, first, name)
    fix: Fix = {}
    if variable is None:
        statement = _last_import(script, first)
        if statement is not None and not _is_global(script, "device"):
            line = cst.parse_statement(f"device = torch.device({choice(name)})")
            line = line.with_changes(leading_lines=[cst.EmptyLine()])
            fix[statement] = cst.FlattenSentinel([statement, line])
            variable = "device"
    for call, other in moves:
        shared = variable is not None and other == name and not _is_hidden(script, call, variable)
        fix[call] = _moved(call, variable if shared and variable else choice(other))
    return fix


def _device_before(script: Script, first: cst.Call, name: str) -> str | None:
    """Return a global variable that is chosen as a GPU or the CPU, defined before some code."""
    for variable, device in device_variables(script):
        is_global = script.scope(variable) is script.scope(script.module)
        if is_global and script.before(variable, first) and _may_be(script, device, name):
            return variable.value
    return None


def _may_be(script: Script, device: cst.BaseExpression, name: str) -> bool:
    """Return whether a device is a GPU of a kind, or one that is chosen when the script runs."""
    if isinstance(device, cst.Call) and script.name(device.func) == "torch.device":
        device = device.args[0].value if device.args else device
    return gpu(script, device) == name or isinstance(device, cst.IfExp | cst.Call)


def _last_import(script: Script, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """Return the last of the script's import lines above some code."""
    lines = (s for s in script.module.body if isinstance(s, cst.SimpleStatementLine))
    above = [line for line in lines if script.before(line, node)]
    imports = [line for line in above if isinstance(line.body[-1], cst.Import | cst.ImportFrom)]
    return imports[-1] if imports else None


def _is_global(script: Script, name: str) -> bool:
    scope = script.scope(script.module)
    return scope is not None and name in scope


def _is_hidden(script: Script, node: cst.CSTNode, name: str) -> bool:
    """Return whether a global name means something else in the function around some code."""
    scope = script.scope(node)
    return (
        scope is not None
        and name in scope
        and bool([a for a in scope[name] if a.scope is not script.scope(script.module)])
    )


def _moved(call: cst.Call, device: str) -> cst.Call:
    """Return `x.cuda()` or `x.to("cuda")` as `x.to(device)`."""
    func = cst.ensure_type(call.func, cst.Attribute).with_changes(attr=cst.Name("to"))
    others = [arg for arg in call.args if arg.keyword and arg.keyword.value != "device"]
    return call.with_changes(func=func, args=[cst.Arg(expression(device)), *others])
