"""Parsing a file without risk: Python's own parser first, then LibCST's."""

from __future__ import annotations

import ast
import warnings
from collections import deque

MAX_DEPTH = 150  # nested expressions and blocks; LibCST's parser crashes at some thousands


class TooNestedError(ValueError):
    """Code is nested too deeply to be checked; no learner writes such code."""


def lines_of(code: str) -> list[str]:
    """Return the lines of code as Python counts them: no form feed or U+2028 ends one."""
    return code.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def check_syntax(code: bytes, name: str) -> None:
    """Raise an error if code cannot be compiled by Python, or not parsed safely by LibCST.

    Args:
        code: the content of a file.
        name: the file's, for the error.

    Raises:
        SyntaxError: it is not Python, or not in the encoding that it declares.
        ValueError: it contains null bytes.
        TooNestedError: it is nested too deeply.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes: rules find them
            tree = ast.parse(code, name)
    except (RecursionError, MemoryError) as error:
        raise TooNestedError from error
    level: deque[ast.AST] = deque([tree])
    for _ in range(MAX_DEPTH):
        level = deque(child for node in level for child in ast.iter_child_nodes(node))
        if not level:
            break
    else:
        raise TooNestedError
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What is wrong although it can be parsed, such as a return outside a function.
        compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
