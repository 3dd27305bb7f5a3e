"""The names of files that code builds, such as `"tudui_{}.pth".format(i)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script

ANY = "\0"  # stands for a part that is known only when the script runs
NUMBER = "\1"  # the same, for a whole number
_FORMAT_FIELD = re.compile(r"\{[^{}]*\}")
_PERCENT_FIELD = re.compile(r"%[-+ #0-9.]*[a-zA-Z]")


def file_name(script: Script, node: cst.BaseExpression | None) -> str:
    """Return the path that an expression builds, with `ANY` or `NUMBER` for parts not known."""
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
            return str(value) if isinstance(value, str | int) else _unknown(script, node)


def _unknown(script: Script, node: cst.BaseExpression) -> str:
    return NUMBER if script.types.of(node) == "builtins.int" else ANY


def _part(script: Script, part: cst.BaseFormattedStringContent) -> str:
    if isinstance(part, cst.FormattedStringText):
        return part.value
    expression = part.expression if isinstance(part, cst.FormattedStringExpression) else None
    return file_name(script, expression)


def _of_operation(script: Script, node: cst.BinaryOperation) -> str:
    left, right = file_name(script, node.left), file_name(script, node.right)
    match node.operator:
        case cst.Add() if left == NUMBER:  # i + 1
            return NUMBER
        case cst.Add():
            return left + right
        case cst.Divide():  # pathlib
            return f"{left}/{right}"
        case cst.Modulo():
            values = [right]
            if isinstance(node.right, cst.Tuple):
                values = [file_name(script, element.value) for element in node.right.elements]
            return _filled(_PERCENT_FIELD, left, values)
        case _:
            return ANY


def _filled(field: re.Pattern[str], text: str, values: list[str]) -> str:
    """Return a text with its fields replaced by values, in order."""
    rest = iter(values)
    return field.sub(lambda _: next(rest, ANY), text)


def _of_call(script: Script, call: cst.Call) -> str:
    name = script.name(call.func)
    values = [file_name(script, arg.value) for arg in call.args]
    if name in ("os.path.join", "pathlib.Path"):
        return "/".join(values)
    if name in ("builtins.str", "os.path.abspath") and len(values) == 1:
        return values[0]
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "format":
        return _filled(_FORMAT_FIELD, file_name(script, call.func.value), values)
    return _unknown(script, call)


def is_known(path: str) -> bool:
    """Return whether all parts of a path are known."""
    return ANY not in path and NUMBER not in path


def shown(path: str) -> str:
    """Return a path for a message."""
    return path.replace(ANY, "…").replace(NUMBER, "…")


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
    return bool(re.search(r"[^\W\d_]", name.rpartition(".")[0]))


def _matches(pattern: str, name: str) -> bool:
    regex = re.escape(pattern).replace(ANY, ".+").replace(NUMBER, r"\d+")
    return re.fullmatch(regex, name.replace(ANY, "0").replace(NUMBER, "0")) is not None
