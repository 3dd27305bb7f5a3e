"""What an expression is: the type of its value, as far as the code tells.

A type is the full name of a class, such as `torch.Tensor`, `PIL.Image.Image`, `numpy.ndarray`,
`torch.utils.data.DataLoader`, `torchvision.datasets.CIFAR10`, `torch.nn.Conv2d`, or a class of the
script; `torchvision.models` stands for the networks there. `batch` is what a DataLoader yields,
`sample` what a data set does. An empty string is a value of which nothing is known.
"""

from __future__ import annotations

import re
from functools import singledispatchmethod
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.iteration import iterated
from reference.checker.kinds import (
    ARRAY,
    DATASETS,
    IMAGE,
    LOADER,
    LOSSES,
    MODULES,
    TENSOR,
    TRANSFORMS,
)
from reference.checker.parameters import passed
from reference.checker.samples import image_of_sample, transformed

if TYPE_CHECKING:
    from reference.checker.bindings import Binding
    from reference.checker.script import Script

_FUNCTIONS = {
    "PIL.Image.open": IMAGE,
    "PIL.Image.fromarray": IMAGE,
    "cv2.imread": ARRAY,
    "cv2.cvtColor": ARRAY,
    "cv2.resize": ARRAY,
    "torch.device": "torch.device",
    "torch.cuda.is_available": "builtins.bool",
    "torch.load": "loaded",
    "builtins.len": "builtins.int",
    "builtins.int": "builtins.int",
    "builtins.float": "builtins.float",
    "builtins.str": "builtins.str",
    "builtins.open": "file",
    "builtins.input": "builtins.str",
    "os.path.join": "builtins.str",
    "os.listdir": "builtins.list",
}  # fmt: skip
_TENSOR_METHODS = {
    "item": "builtins.float", "tolist": "builtins.list", "numpy": ARRAY, "size": "torch.Size",
    "dim": "builtins.int", "numel": "builtins.int", "backward": "builtins.None",
}  # fmt: skip
_SAME_MODULE = frozenset(
    ["to", "cuda", "cpu", "train", "eval", "double", "float", "half", "apply", "requires_grad_"]
)
_MODULE_METHODS = {"forward": TENSOR, "state_dict": "state_dict", "parameters": "parameters"}
_NOT_TENSORS = re.compile(
    r"torch\.(manual_seed|save|compile|vmap|set_\w+|get_\w+|is_\w+|no_grad"
    r"|(jit|hub|cuda|utils|optim|fx|ao|quantization|distributed|backends|onnx|profiler)\..*)$"
)
_LITERALS = {
    cst.Integer: "builtins.int",
    cst.Float: "builtins.float",
    cst.SimpleString: "builtins.str",
    cst.FormattedString: "builtins.str",
    cst.ConcatenatedString: "builtins.str",
    cst.List: "builtins.list",
    cst.ListComp: "builtins.list",
    cst.Dict: "builtins.dict",
}


class Types:
    """The types of a script's expressions."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._known: dict[cst.CSTNode, str] = {}

    def of(self, node: cst.BaseExpression | None) -> str:
        """Return the type of an expression; empty if it is not known."""
        if node is None:
            return ""
        if node not in self._known:
            self._known[node] = ""  # while it is looked for: definitions may be circular
            self._known[node] = self._infer(node)
        return self._known[node]

    def is_module(self, node: cst.BaseExpression | None) -> bool:
        """Return whether an expression is a network, a layer or a loss."""
        return self.is_module_type(self.of(node))

    def is_module_type(self, name: str) -> bool:
        """Return whether a type is `torch.nn.Module` or, as far as is known, derived from it."""
        if not name or MODULES.match(name):
            return bool(name)
        found = self.script.project.class_def(self.script, name)
        if found is None:
            return False
        script, node = found
        bases = (script.name(base.value) for base in node.bases)
        return any(base != name and script.types.is_module_type(base) for base in bases)

    def is_loss(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression is the result of a loss: `loss_fn(output, target)`."""
        node = self.script.value(node)
        if not isinstance(node, cst.Call):
            return False
        name = self.script.name(node.func)
        is_function = name.startswith("torch.nn.functional.")
        if is_function and name.endswith(("_loss", ".cross_entropy")):
            return True
        return bool(LOSSES.match(self.of(node.func)))

    @singledispatchmethod
    def _infer(self, node: cst.BaseExpression) -> str:
        return _LITERALS.get(type(node), "")

    @_infer.register(cst.UnaryOperation)
    def _of_unary(self, node: cst.UnaryOperation) -> str:
        return self.of(node.expression)

    @_infer.register(cst.IfExp)
    def _of_choice(self, node: cst.IfExp) -> str:
        return self.of(node.body) or self.of(node.orelse)

    @_infer.register(cst.NamedExpr)
    def _of_named(self, node: cst.NamedExpr) -> str:
        return self.of(node.value)

    @_infer.register(cst.BinaryOperation)
    def _of_operation(self, node: cst.BinaryOperation) -> str:
        types = (self.of(node.left), self.of(node.right))
        return next((t for t in (TENSOR, ARRAY) if t in types), "")

    @_infer.register(cst.Comparison)
    def _of_comparison(self, node: cst.Comparison) -> str:
        types = (self.of(node.left), *(self.of(c.comparator) for c in node.comparisons))
        return TENSOR if TENSOR in types else "builtins.bool"

    @_infer.register(cst.Name)
    def _of_name(self, node: cst.Name) -> str:
        if node.value in ("True", "False"):
            return "builtins.bool"
        binding = self.script.binding(node)
        return self.of_binding(binding) if binding else ""

    def of_binding(self, binding: Binding) -> str:
        """Return the type that a name has after a binding."""
        value, statement = binding.value, binding.statement
        if isinstance(statement, cst.Param):
            return self._of_self(statement) or self._of_parameter(statement)
        if value is None:
            return ""
        if isinstance(statement, cst.AugAssign):
            before = self.of(statement.target)
            return TENSOR if TENSOR in (before, self.of(value)) else before
        if binding.iterated:
            return self._of_item(value, binding.path)
        return self._part(value, self.of(value), binding.path)

    def _of_item(self, value: cst.BaseExpression, path: tuple[int, ...]) -> str:
        """Return the type of what a loop over a value gives, or of a part of it."""
        source, path = iterated(self.script, value, path)
        if source is None:
            return "builtins.int"
        value = source
        if isinstance(value, cst.Call) and self.script.name(value.func) == "builtins.range":
            return "builtins.int"
        of = self.of(value)
        item = "batch" if of == LOADER else "sample" if DATASETS.match(of) else ""
        return self._part(value, item or (TENSOR if of == TENSOR else ""), path)

    def _part(self, value: cst.BaseExpression, of: str, path: tuple[int, ...]) -> str:
        """Return the type of a part of a value, as in `images, targets = batch`."""
        if not path:
            return of
        if isinstance(value, cst.Tuple | cst.List) and path[0] < len(value.elements):
            inner = value.elements[path[0]].value
            return self._part(inner, self.of(inner), path[1:])
        if of == "batch":
            return TENSOR
        if of == "sample":
            return image_of_sample(self.script, value) if path[0] == 0 else "builtins.int"
        return TENSOR if of == TENSOR else ""

    def _of_self(self, param: cst.Param) -> str:
        function = self.script.enclosing(param, cst.FunctionDef)
        owner = self.script.enclosing(function, cst.ClassDef, cst.FunctionDef) if function else None
        if function is None or not isinstance(owner, cst.ClassDef) or function.decorators:
            return ""  # of a function in a method, or of a static or class method
        if function.name.value in ("__new__", "__init_subclass__", "__class_getitem__"):
            return ""  # of a method whose first parameter is the class
        return self.script.name(owner.name) if param in function.params.params[:1] else ""

    def _of_parameter(self, param: cst.Param) -> str:
        """Return the type of what the calls pass for a parameter, or of its annotation."""
        types = {self.of(value) for value in passed(self.script, param)}
        if len(types) == 1 and (of := types.pop()):
            return of
        return self.script.name(param.annotation.annotation) if param.annotation else ""

    @_infer.register(cst.Attribute)
    def _of_attribute(self, node: cst.Attribute) -> str:
        name, of = node.attr.value, self.of(node.value)
        if of in (TENSOR, ARRAY) and name in ("data", "T", "grad", "mT"):
            return of
        if of == TENSOR and name == "shape":
            return "torch.Size"
        found = self.script.project.class_def(self.script, of) if of else None
        if found is None:
            return ""
        script, owner = found
        for assign in script.within(owner, cst.Assign):
            for target in assign.targets:
                if (
                    isinstance(target.target, cst.Attribute)
                    and target.target.attr.value == name
                    and isinstance(target.target.value, cst.Name)
                    and target.target.value.value == "self"
                ):
                    return script.types.of(assign.value)
        return ""

    @_infer.register(cst.Subscript)
    def _of_subscript(self, node: cst.Subscript) -> str:
        of = self.of(node.value)
        if of in (TENSOR, ARRAY):
            return of
        if of == "batch":
            return TENSOR
        if DATASETS.match(of):
            return "sample"
        index = node.slice[0].slice
        position = self.script.literal(index.value) if isinstance(index, cst.Index) else ...
        if of == "sample" and position in (0, 1):
            return image_of_sample(self.script, node.value) if position == 0 else "builtins.int"
        return ""

    @_infer.register(cst.Call)
    def _of_call(self, node: cst.Call) -> str:
        name = self.script.name(node.func)
        return (
            _of_library_call(name)
            or (name if name and self.script.project.class_def(self.script, name) else "")
            or self._of_method(node)
            or self._of_called_value(node)
            or self._of_function(node)
        )

    def _of_method(self, node: cst.Call) -> str:
        if not isinstance(node.func, cst.Attribute):
            return ""
        of, method = self.of(node.func.value), node.func.attr.value
        if of == TENSOR:
            return _TENSOR_METHODS.get(method, TENSOR)
        if of == IMAGE:
            return "" if method in ("save", "show", "getpixel", "getbands") else IMAGE
        if of == ARRAY:
            return ARRAY if method in ("astype", "transpose", "reshape", "copy") else ""
        if self.is_module_type(of):
            return of if method in _SAME_MODULE else _MODULE_METHODS.get(method, "")
        return ""

    def _of_called_value(self, node: cst.Call) -> str:
        """Return the type of what an object returns when it is called."""
        of = self.of(node.func)
        if TRANSFORMS.match(of) and node.args:
            return transformed(self.script, node.func, self.of(node.args[0].value))
        return TENSOR if self.is_module_type(of) else ""

    def _of_function(self, node: cst.Call) -> str:
        """Return the type of what a function of the script returns."""
        if not isinstance(node.func, cst.Name):
            return ""
        binding = self.script.binding(node.func)
        if binding is None or not isinstance(binding.statement, cst.FunctionDef):
            return ""
        returns = list(self.script.within(binding.statement, cst.Return))
        return self.of(returns[-1].value) if returns else ""


def _of_library_call(name: str) -> str:
    """Return the type of what a function or class of a library returns."""
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    if re.fullmatch(r"torchvision\.models\.[a-z]\w*", name):
        return "torchvision.models"
    last = name.rpartition(".")[2]
    if last[:1].isupper() and name.startswith(("torch", "tensorboardX.", "PIL.", "numpy.")):
        return name
    if name.startswith("numpy."):
        return ARRAY
    is_function = name.startswith("torch.") and last[:1].islower()
    return TENSOR if is_function and not _NOT_TENSORS.match(name) else ""
