"""The parameters of functions, and how the arguments of a call fit them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.python.libraries import parameters, similar
from reference.checker.python.members import methods
from reference.checker.python.reads import assigned_names, has_one_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference.checker.script import Script


@dataclass(frozen=True)
class Signature:
    """The parameters of a function, as its calls see them: a method's without `self`.

    Attributes:
        function: what the call names.
        positional: the parameters that can be given by position, in their order.
        named: those that can be given by name.
        required: those without a default.
        any_positional, any_named: whether it has `*args` and `**kwargs`.
    """

    function: str
    positional: tuple[str, ...]
    named: tuple[str, ...]
    required: tuple[str, ...]
    any_positional: bool = False
    any_named: bool = False


@dataclass(frozen=True)
class Misfit:
    """How the arguments of a call do not fit.

    Attributes:
        missing: the required parameters that are not given.
        too_many: the first argument that is too many.
        unknown: the arguments by names that the function does not have.
    """

    missing: tuple[str, ...]
    too_many: cst.Arg | None
    unknown: tuple[cst.Arg, ...]


def misfit(signature: Signature, call: cst.Call) -> Misfit | None:
    """Return how the arguments of a call do not fit; None if they do, or if that is not known."""
    if any(arg.star for arg in call.args):
        return None
    by_position = [arg for arg in call.args if arg.keyword is None]
    by_name = {arg.keyword.value: arg for arg in call.args if arg.keyword is not None}
    given = {*signature.positional[: len(by_position)], *by_name}
    missing = tuple(name for name in signature.required if name not in given)
    rest = by_position[len(signature.positional) :]
    too_many = None if signature.any_positional or not rest else rest[0]
    unknown = tuple(arg for name, arg in by_name.items() if name not in signature.named)
    if signature.any_named:
        unknown = ()
    return Misfit(missing, too_many, unknown) if missing or too_many or unknown else None


@lru_cache(maxsize=8)
def misfits(script: Script) -> list[tuple[cst.Call, Signature, Misfit, bool]]:
    """Return the calls that do not fit, and whether what they call is the script's own."""
    found = []
    for call in script.nodes(cst.Call):
        own = of_call(script, call)
        signature = own or of_library(script, call)
        wrong = misfit(signature, call) if signature else None
        if signature and wrong:
            found.append((call, signature, wrong, own is not None))
    return found


def of_call(script: Script, call: cst.Call) -> Signature | None:
    """Return the parameters of what a call calls, if it is a function or class of the script."""
    if isinstance(call.func, cst.Attribute):
        return _of_method(script, call.func)
    if isinstance(call.func, cst.Call):
        return _of_object(script, call.func)
    return _of_variable(script, call.func) if isinstance(call.func, cst.Name) else None


def _of_variable(script: Script, name: cst.Name) -> Signature | None:
    bindings = script.bindings(name)
    binding = script.binding(name) if bindings else None
    if binding is None:
        return None if bindings else _of_class(script, script.name(name))
    match binding.statement:
        case cst.FunctionDef() as function if len(bindings) == 1:
            return of_function(function)
        case cst.ClassDef() | cst.Import() | cst.ImportFrom():
            return _of_class(script, script.name(name))
        case cst.Assign():
            return _of_object(script, name)
        case _:
            return None


def of_library(script: Script, call: cst.Call) -> Signature | None:
    """Return the parameters of a class or function of PyTorch that a call calls."""
    name = script.name(call.func)
    listed = parameters(name)
    if listed is None or (isinstance(call.func, cst.Name) and len(script.bindings(call.func)) > 1):
        return None
    plain = [p for p in listed if not p.startswith("*")]
    names = [p.strip("!=") for p in plain]
    return Signature(
        name.rpartition(".")[2],
        tuple(n for p, n in zip(plain, names, strict=True) if not p.startswith("!")),
        tuple(names),
        tuple(n for p, n in zip(plain, names, strict=True) if not p.endswith("=")),
        any_positional=any(p.startswith("*") and not p.startswith("**") for p in listed),
        any_named=any(p.startswith("**") for p in listed),
    )


def of_function(
    function: cst.FunctionDef, *, bound: bool = False, shown: str = ""
) -> Signature | None:
    """Return the parameters of a function; None if a decorator may change them.

    Args:
        function: the function.
        bound: whether it is a method, whose first parameter the call does not give.
        shown: the name to show, if it is not the function's.
    """
    params = function.params
    if function.decorators:
        return None
    positional = [*params.posonly_params, *params.params]
    if bound and not positional and not isinstance(params.star_arg, cst.Param):
        return None  # a method without self is another mistake
    positional = positional[1:] if bound else positional
    posonly = params.posonly_params[1:] if bound else params.posonly_params
    return Signature(
        shown or function.name.value,
        _names(positional),
        _names(p for p in (*positional, *params.kwonly_params) if p not in posonly),
        _names(p for p in (*positional, *params.kwonly_params) if p.default is None),
        any_positional=isinstance(params.star_arg, cst.Param),
        any_named=params.star_kwarg is not None,
    )


def _names(params: Iterable[cst.Param]) -> tuple[str, ...]:
    return tuple(param.name.value for param in params)


def _of_class(script: Script, name: str) -> Signature | None:
    """Return the parameters with which a class of the script, or one it imports, is created."""
    members = methods(script, name)
    if members is None or "__new__" in members:
        return None
    init = members.get("__init__")
    short = name.rpartition(".")[2]
    if init is not None:
        return of_function(init, bound=True, shown=short)
    # A misspelt __init__ is another mistake.
    misspelt = any(similar(method.strip("_"), ["init"]) for method in members)
    return None if misspelt else Signature(short, (), (), ())


def _of_object(script: Script, node: cst.BaseExpression) -> Signature | None:
    """Return the parameters of an object of a class of the script, such as a network."""
    of = script.types.of(node)
    called = _method(script, node, of, "__call__")
    if called is None and script.types.is_module_type(of):
        called = _method(script, node, of, "forward")
    return of_function(called, bound=True, shown=script.code(node)) if called else None


def _of_method(script: Script, func: cst.Attribute) -> Signature | None:
    """Return the parameters of a method of an object of the script's classes."""
    of = script.types.of(func.value)
    method = _method(script, func.value, of, func.attr.value)
    if method is not None:
        return of_function(method, bound=True)
    own = methods(script, script.name(func.value)) if not of else None
    if own and func.attr.value in own:  # of a class: `Tudui.forward(imgs)`
        return of_function(own[func.attr.value], shown=script.code(func))
    return _of_object(script, func)


def _method(script: Script, node: cst.BaseExpression, of: str, name: str) -> cst.FunctionDef | None:
    """Return a method of an object; None if another one may have replaced it."""
    method = (methods(script, of) or {}).get(name) if of else None
    if method is None or name in {assigned for _, assigned in assigned_names(script)}:
        return None
    derived = {script.name(base.value) for c in script.nodes(cst.ClassDef) for base in c.bases}
    return method if of not in derived and has_one_type(script, node, of) else None
