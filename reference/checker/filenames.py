"""The names of files that code builds, such as `"tudui_{}.pth".format(i)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script

ANY = "\0"  # stands for a part that is known only when the script runs
_FORMAT_FIELD = re.compile(r"\{[^{}]*\}")
_PERCENT_FIELD = re.compile(r"%[-+ #0-9.]*[a-zA-Z]")


def file_name(script: Script, node: cst.BaseExpression | None) -> str:
    """Return the path that an expression builds, with `ANY` for each part that is not known."""
    if node is None:
        return ANY
    node = script.value(node)
    match node:
        case cst.FormattedString():
            return "".join(_part(script, part) for part in node.parts)
        case cst.BinaryOperation():
            return _of_operation(script, node)
        case cst.Call():
            return _of_call(script, node)
        case _:
            value = script.literal(node)
            return str(value) if isinstance(value, str | int) else ANY


def _part(script: Script, part: cst.BaseFormattedStringContent) -> str:
    if isinstance(part, cst.FormattedStringText):
        return part.value
    expression = part.expression if isinstance(part, cst.FormattedStringExpression) else None
    return file_name(script, expression)


def _of_operation(script: Script, node: cst.BinaryOperation) -> str:
    left = file_name(script, node.left)
    match node.operator:
        case cst.Add():
            return left + file_name(script, node.right)
        case cst.Divide():  # pathlib
            return f"{left}/{file_name(script, node.right)}"
        case cst.Modulo():
            return _PERCENT_FIELD.sub(ANY, left)
        case _:
            return ANY


def _of_call(script: Script, call: cst.Call) -> str:
    name = script.name(call.func)
    if name in ("os.path.join", "pathlib.Path"):
        return "/".join(file_name(script, arg.value) for arg in call.args)
    if name in ("builtins.str", "os.path.abspath") and len(call.args) == 1:
        return file_name(script, call.args[0].value)
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "format":
        return _FORMAT_FIELD.sub(ANY, file_name(script, call.func.value))
    return ANY


def folder_of(path: str) -> str:
    """Return the folder of a path, without a slash at its end; empty for the current folder."""
    return path.replace("\\", "/").rpartition("/")[0]


def may_be_same_file(first: str, second: str) -> bool:
    """Return whether two names, without their folders, may be those of one file."""
    first, second = (_base(name) for name in (first, second))
    if not _says_something(first) or not _says_something(second):
        return False
    return _matches(first, second) or _matches(second, first)


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].strip()


def _says_something(name: str) -> bool:
    return bool(re.search(r"[^\W\d_]", name.rpartition(".")[0].replace(ANY, "")))


def _matches(pattern: str, name: str) -> bool:
    parts = (re.escape(part) for part in pattern.split(ANY))
    return re.fullmatch(".+".join(parts), name.replace(ANY, "0")) is not None
