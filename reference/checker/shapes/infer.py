"""The shapes of tensors, as far as the code tells: literals, batches, and what layers make of them.

Code that chooses or repeats, and functions that are not known here, give an unknown shape: what is
reported must be certain.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.flow import reaching
from reference.checker.kinds import DATASETS
from reference.checker.networks import created, is_changed, method, module_class, sequence
from reference.checker.parameters import passed
from reference.checker.shapes.functions import function_shape, method_shape, operation_shape
from reference.checker.shapes.images import batch_shapes, sample_shape
from reference.checker.shapes.layers import LAYERS, SAME_SHAPE, MismatchError
from reference.checker.training.loops import IMAGES, TARGETS, Part, part_of_batch
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference.checker.script import Script
    from reference.checker.shapes.layers import Shape

MAX_DEPTH = 30
_BRANCHES = (cst.If, cst.For, cst.While, cst.Try, cst.Match)


class LayerMismatchError(Exception):
    """A layer of a network does not fit its input.

    Attributes:
        reason: what does not fit.
        layer: the call that creates the layer, or the call of a function such as `F.conv2d`.
        script: the script that contains it.
        calls: the calls on the way to it, the innermost first, with their scripts.
    """

    def __init__(self, reason: MismatchError, layer: cst.Call, script: Script) -> None:
        super().__init__(reason.kind)
        self.reason, self.layer, self.script = reason, layer, script
        self.calls: list[tuple[Script, cst.Call]] = []


@lru_cache(maxsize=16)
def shapes_of(script: Script, *, last: bool = False) -> Shapes:
    """Return the shapes of a script's expressions, shared by the rules."""
    return Shapes(script, last=last)


class Shapes:
    """The shapes of a script's expressions.

    Args:
        script: the script.
        params: the shapes of parameters, while a network's forward is followed.
        last: whether batches have the size of the last one, which may be smaller.
        depth: how many calls deep this is.
    """

    def __init__(
        self,
        script: Script,
        params: Mapping[cst.Param, Shape | None] | None = None,
        *,
        last: bool = False,
        depth: int = 0,
    ) -> None:
        self.script = script
        self.params = params or {}
        self.last = last
        self.depth = depth
        self._known: dict[cst.CSTNode, Shape | LayerMismatchError | None] = {}

    def of(self, node: cst.BaseExpression) -> Shape | None:
        """Return the shape of an expression; None if it is unknown, or not a tensor.

        Raises:
            LayerMismatchError: a layer on the way to it does not fit its input.
        """
        if node not in self._known:
            self._known[node] = None  # while it is looked for: definitions may be circular
            try:
                self._known[node] = self._infer(node)
            except LayerMismatchError as error:
                self._known[node] = error
        known = self._known[node]
        if isinstance(known, LayerMismatchError):
            raise known
        return known

    def _infer(self, node: cst.BaseExpression) -> Shape | None:
        match node:
            case cst.Name():
                return self._of_name(node)
            case cst.Call():
                return self._of_call(node)
            case cst.Subscript():
                return self._of_part(node)
            case cst.BinaryOperation():
                return operation_shape(self.of(node.left), self.of(node.right), node)
            case cst.UnaryOperation():
                return self.of(node.expression)
        return None

    def _of_name(self, node: cst.Name) -> Shape | None:
        bindings = reaching(self.script, node)
        if not bindings or self._changes_in_loop(node, bindings[0].name):
            return None
        shapes = set()
        for binding in bindings:
            if isinstance(binding.statement, cst.Param):
                shapes.add(self._of_param(binding.statement))
            elif binding.expression is not None:
                shapes.add(self.of(binding.expression))
            else:
                shapes.add(self._of_part(node))
        return shapes.pop() if len(shapes) == 1 else None

    def _changes_in_loop(self, node: cst.Name, bound: cst.CSTNode) -> bool:
        """Return whether a loop around a name changes it for its next round."""
        loop = self.script.enclosing(node, cst.For, cst.While, cst.FunctionDef)
        if not isinstance(loop, cst.For | cst.While) or loop in self.script.parents(bound):
            return False
        return any(loop in self.script.parents(b.name) for b in self.script.bindings(node))

    def _of_param(self, param: cst.Param) -> Shape | None:
        if param in self.params:
            return self.params[param]
        values = passed(self.script, param)
        return self.of(values[0]) if len(values) == 1 else None

    def _of_part(self, node: cst.BaseExpression) -> Shape | None:
        """Return the shape of the images or targets of a batch, or of a data set's image."""
        part = part_of_batch(self.script, node)
        if part is not None:
            return self._of_batch(part)
        if isinstance(node, cst.Name):
            binding = self.script.binding(node)
            if binding is None or binding.path != (0,) or binding.value is None:
                return None
            node = binding.value
        elif isinstance(node, cst.Subscript) and self.script.types.of(node.value) == "sample":
            node = node.value
        sample = node.value if isinstance(node, cst.Subscript) else None
        if sample is None or not DATASETS.match(self.script.types.of(sample)):
            return None
        return sample_shape(self.script, sample)

    def _of_batch(self, part: Part) -> Shape | None:
        images, targets = batch_shapes(self.script, part.loader, last=self.last)
        return images if part.path == (IMAGES,) else targets if part.path == (TARGETS,) else None

    def _of_call(self, node: cst.Call) -> Shape | None:
        if part_of_batch(self.script, node) is not None:
            return self._of_part(node)
        name = self.script.name(node.func)
        last = name.rpartition(".")[2]
        if name.startswith("torch.nn.functional.") and last in SAME_SHAPE and node.args:
            return self.of(node.args[0].value)
        if self.script.types.is_module(node.func):
            return self._of_module(node)
        try:
            if name.startswith("torch."):
                return function_shape(self, node, name)
            return method_shape(self, node)
        except MismatchError as error:
            raise LayerMismatchError(error, node, self.script) from error

    def _of_module(self, node: cst.Call) -> Shape | None:
        given = self.of(node.args[0].value) if len(node.args) == 1 else None
        if is_changed(self.script, node.func):
            return None
        try:
            return self.applied(node.func, given)
        except LayerMismatchError as error:
            if all(call is not node for _, call in error.calls):
                error.calls.append((self.script, node))
            raise

    def applied(self, network: cst.BaseExpression, given: Shape | None) -> Shape | None:
        """Return the shape of what a network or layer makes of a tensor of a shape."""
        if self.depth > MAX_DEPTH:
            return None
        call = created(self.script, network)
        if call is None:
            return None
        last = self.script.name(call.func).rpartition(".")[2]
        of = self.script.types.of(call)
        if of == "torch.nn.Sequential":
            return self._of_sequence(call, given)
        if of.startswith("torch.nn."):
            return self._of_layer(call, last, given)
        found = module_class(self.script, call)
        return self.of_class(*found, given) if found else None

    def _of_sequence(self, call: cst.Call, given: Shape | None) -> Shape | None:
        layers = sequence(self.script, call)
        if layers is None:
            return None
        for layer in layers:
            given = self.applied(layer, given)
        return given

    def _of_layer(self, call: cst.Call, name: str, given: Shape | None) -> Shape | None:
        if name in SAME_SHAPE:
            return given
        if name not in LAYERS or any(arg.star for arg in call.args):
            return None
        defaults, apply = LAYERS[name]
        options = {
            option: self._option(argument(call, position, option), default)
            for position, (option, default) in enumerate(defaults.items())
        }
        try:
            return apply(given, options)
        except MismatchError as error:
            raise LayerMismatchError(error, call, self.script) from error

    def _option(self, given: cst.BaseExpression | None, default: object) -> object:
        return default if given is None else self.script.literal(given)

    def of_class(
        self, script: Script, owner: cst.ClassDef, given: Shape | None = None
    ) -> Shape | None:
        """Return the shape of what the forward of a class returns.

        Raises:
            LayerMismatchError: a layer does not fit its input.
        """
        forward = method(owner, "forward")
        if forward is None or len(forward.params.params) != 2:  # noqa: PLR2004 - self and input
            return None
        if next(iter(b for kind in _BRANCHES for b in script.within(forward, kind)), None):
            return None
        inner = Shapes(
            script, {forward.params.params[1]: given}, last=self.last, depth=self.depth + 1
        )
        for line in forward.body.body:
            for statement in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(statement, cst.Assign | cst.Expr | cst.Return) and statement.value:
                    shape = inner.of(statement.value)
                    if isinstance(statement, cst.Return):
                        return shape
        return None
