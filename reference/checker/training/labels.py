"""Values that a script prints or logs, with the words that name them there."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_PERCENT = re.compile(r"%[-+ #0]*[\d*]*(?:\.\d+)?[diouxXeEfFgGcrsa]")


@dataclass(frozen=True, eq=False)
class Labelled:
    """A value with its label.

    Attributes:
        label: the text before it, or the tag.
        value: the expression.
        after: the text that follows it directly.
        call: the call of print or of a writer's method.
    """

    label: str
    value: cst.BaseExpression
    after: str
    call: cst.Call


def printed(script: Script) -> Iterator[Labelled]:
    """Yield the values that `print` prints, in f-strings, `format`, `%` and separate arguments."""
    for call in script.calls("builtins.print"):
        pieces: list[str | cst.BaseExpression] = []
        for arg in call.args:
            if arg.keyword is None and not arg.star:
                pieces += [*_pieces(script, arg.value), " "]
        for before, value, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
            if isinstance(value, cst.BaseExpression):
                label = before if isinstance(before, str) else ""
                if label == " ":  # from the argument before: print("accuracy:", accuracy)
                    at = next(i for i, piece in enumerate(pieces) if piece is value)
                    earlier = pieces[at - 2] if at > 1 else ""
                    label = earlier if isinstance(earlier, str) else ""
                yield Labelled(label, value, after if isinstance(after, str) else "", call)


def scalars(script: Script) -> Iterator[Labelled]:
    """Yield the values that `add_scalar` logs, with their tags as labels."""
    for call, _ in script.method_calls("add_scalar"):
        tag, value = argument(call, 0, "tag"), argument(call, 1, "scalar_value")
        if tag is not None and value is not None:
            pieces = _pieces(script, tag)
            yield Labelled("".join(p for p in pieces if isinstance(p, str)), value, "", call)


def _pieces(script: Script, node: cst.BaseExpression) -> list[str | cst.BaseExpression]:
    """Return the texts and values that a text is made of, in order."""
    match node:
        case cst.FormattedString():
            return [
                part.value if isinstance(part, cst.FormattedStringText) else part.expression
                for part in node.parts
                if isinstance(part, cst.FormattedStringText | cst.FormattedStringExpression)
            ]
        case cst.Call(func=cst.Attribute(value=text, attr=cst.Name("format"))):
            return _formatted(script.literal(text), node)
        case cst.BinaryOperation(operator=cst.Add()):
            return [*_pieces(script, node.left), *_pieces(script, node.right)]
        case cst.BinaryOperation(operator=cst.Modulo()):
            return _substituted(script.literal(node.left), node.right)
        case cst.Call(func=cst.Name("str" | "round" | "float"), args=[cst.Arg(value=inner), *_]):
            return [inner]
    content = script.literal(node)
    return [content] if isinstance(content, str) else [node]


def _formatted(text: object, call: cst.Call) -> list[str | cst.BaseExpression]:
    """Return the pieces of `"…{}…".format(value)`."""
    pieces: list[str | cst.BaseExpression] = []
    if not isinstance(text, str) or any(arg.star for arg in call.args):
        return pieces
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError:
        return pieces
    for number, (before, name, _, _) in enumerate(fields):
        pieces.append(before)
        if name is not None:
            position = int(name) if name.isdigit() else number
            given = argument(call, None if name and not name.isdigit() else position, name)
            pieces += [given] if given is not None else []
    return pieces


def _substituted(text: object, right: cst.BaseExpression) -> list[str | cst.BaseExpression]:
    """Return the pieces of `"…%d…" % value`."""
    if not isinstance(text, str):
        return []
    values = [e.value for e in right.elements] if isinstance(right, cst.Tuple) else [right]
    pieces: list[str | cst.BaseExpression] = []
    for number, before in enumerate(_PERCENT.split(text)):
        pieces.append(before)
        pieces += values[number : number + 1]
    return pieces
