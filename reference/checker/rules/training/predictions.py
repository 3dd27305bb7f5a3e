"""The predicted classes: argmax over the outputs, compared with the targets (P28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.infer import LayerMismatchError, shapes_of
from reference.checker.training.loops import TARGETS, batch_part, is_output
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script
    from reference.checker.shapes.layers import Shape

HITS = "accuracy = (outputs.argmax(1) == targets).sum()"
TEST = """
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

test_data = torchvision.datasets.CIFAR10(
    "data", train=False, transform=torchvision.transforms.ToTensor()
)
net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
for data in DataLoader(test_data, batch_size={size}):
    imgs, targets = data
    outputs = net(imgs)
    {line}
"""


class PredictionDim(Rule):
    """`max` over the images of a batch, or predictions that keep the dim of the classes."""

    name = "prediction-dim"
    claims = ("eval.hits", "eval.argmax-direction")
    severity = "warning"
    message = Text(
        en="{code} does not have the shape of the targets, one class for each image, so this does "
        "not count the correct predictions: write outputs.argmax(1).",
        zh="{code} 的形状和目标不同，不是每张图片一个类别，这样比较得不到预测正确的个数："
        "应当写 outputs.argmax(1)。",
    )
    write = HITS
    valid = (
        *(
            TEST.format(size=64, line=line)
            for line in (
                "accuracy = (outputs.argmax(1) == targets).sum()",
                "accuracy = (torch.max(outputs, 1)[1] == targets).sum()",
                "hits = (torch.argmax(outputs, dim=-1) == targets).sum()",
                "_, best = torch.max(outputs.data, 1)\n    hits = (best == targets).sum()",
                "print(outputs.argmax())",
                "hits = (outputs.argmax(1, keepdim=True) == targets.view(-1, 1)).sum()",
            )
        ),
    )
    invalid = tuple(
        Bad(TEST.format(size=64, line=f"{line}  # finding"))
        for line in (
            "accuracy = (torch.max(outputs, 0)[1] == targets).sum().item()",
            "_, best = torch.max(outputs.data, 0)\n    hits = (best == targets).sum()",
            "accuracy = (outputs.argmax(dim=1, keepdim=True) == targets).sum()",
        )
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the comparisons of targets with predictions of another shape."""
        for node, prediction in _compared(script):
            call = _argmax(script, prediction)
            outputs = _outputs(script, call) if call is not None else None
            if call is None or outputs is None or _is_over_classes(script, call):
                continue
            shape = _shape(script, outputs)
            if shape and shape[0] == 1:
                continue
            over_images = _dim(script, call) == 0 and shape and None not in shape
            fails = over_images and shape and shape[0] != shape[-1]
            severity: Severity = "error" if fails else "warning"
            yield Match(node=node, severity=severity, fields={"code": script.code(call)})


class ArgmaxMissing(Rule):
    """Outputs that are compared with the targets, without argmax."""

    name = "argmax-missing"
    claims = ("eval.hits", "eval.argmax-probability")
    severity = "warning"
    message = Text(
        en="The outputs are numbers for all classes and never equal the targets: compare the most "
        "probable classes, outputs.argmax(1) == targets.",
        zh="输出是每个类别的得分，不会等于目标：应当比较最可能的类别，即 outputs.argmax(1) == "
        "targets。",
    )
    write = HITS
    valid = (
        TEST.format(size=64, line="accuracy = (outputs.argmax(1) == targets).sum()"),
        TEST.format(size=64, line="outputs = outputs.argmax(1)\n    hits = (outputs == targets)"),
    )
    invalid = (Bad(TEST.format(size=64, line="hits = (outputs == targets).sum()  # finding")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the comparisons of a network's outputs with targets."""
        for node, outputs in _compared(script):
            if is_output(script, outputs):
                shape = _shape(script, outputs)
                fails = shape and shape[0] and shape[-1] and shape[-1] not in (1, shape[0])
                yield Match(node=node, severity="error" if fails else "warning")


class ArgmaxKeyword(Rule):
    """argmax with an argument that it does not have."""

    name = "argmax-argument"
    claims = ("eval.argmax-dim",)
    severity = "error"
    message = Text(
        en="argmax has no argument {name}: write dim.",
        zh="argmax 没有 {name} 这个参数：应当写 dim。",
    )
    valid = ("print(outputs.argmax(dim=1, keepdim=True), array.argmax(axis=1))",)
    invalid = (
        Bad(
            "print(outputs.argmax(direction=1))  # finding\n",
            fixed="print(outputs.argmax(dim=1))\n",
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the keywords of argmax that do not exist."""
        for call, _ in script.method_calls("argmax"):
            for arg in call.args:
                keyword = arg.keyword
                known = ("dim", "keepdim", "axis", "input", "out", "keepdims", "skipna")
                if keyword is not None and keyword.value not in known:
                    known_fix = keyword.value == "direction"
                    yield Match(
                        node=call,
                        fields={"name": keyword.value},
                        fix={keyword: cst.Name("dim")} if known_fix else {},
                    )


def _compared(script: Script) -> Iterator[tuple[cst.Comparison, cst.BaseExpression]]:
    """Yield the comparisons with the targets of a batch, and what is compared with them."""
    for node in script.nodes(cst.Comparison):
        if len(node.comparisons) == 1 and isinstance(node.comparisons[0].operator, cst.Equal):
            sides = (node.left, node.comparisons[0].comparator)
            for side, other in (sides, sides[::-1]):
                if batch_part(script, other) == TARGETS:
                    yield node, side


def _argmax(script: Script, node: cst.BaseExpression) -> cst.Call | None:
    """Return the call of argmax, or of `max` whose second result is taken, of a prediction."""
    node = script.value(node)
    binding = script.binding(node) if isinstance(node, cst.Name) else None
    if binding is not None and binding.path == (1,) and not binding.iterated:
        found = binding.value  # _, predicted = torch.max(outputs, 1)
        is_max = isinstance(found, cst.Call) and script.code(found.func).endswith("max")
        return found if isinstance(found, cst.Call) and is_max else None
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name("argmax"))):
            return node
        case cst.Subscript(
            value=cst.Call(func=cst.Attribute(attr=cst.Name("max"))) as call,
            slice=[cst.SubscriptElement(cst.Index(cst.Integer("1")))],
        ):
            return call
        case cst.Attribute(
            value=cst.Call(func=cst.Attribute(attr=cst.Name("max"))) as call,
            attr=cst.Name("indices"),
        ):
            return call
    return None


def _is_function(script: Script, call: cst.Call) -> bool:
    return script.name(call.func).startswith("torch.")


def _outputs(script: Script, call: cst.Call) -> cst.BaseExpression | None:
    """Return the outputs of a network of which a call takes the argmax; None if it is not that."""
    on: cst.BaseExpression | None = None
    if _is_function(script, call):
        on = argument(call, 0, "input")
    elif isinstance(call.func, cst.Attribute):
        on = call.func.value
    if isinstance(on, cst.Attribute) and on.attr.value == "data":
        on = on.value
    return on if on is not None and is_output(script, on) else None


def _dim(script: Script, call: cst.Call) -> object:
    """Return the dim of argmax; None if it is not given."""
    position = 1 if _is_function(script, call) else 0
    given = argument(call, position, "dim") or argument(call, None, "axis")
    return None if given is None else script.literal(given)


def _is_over_classes(script: Script, call: cst.Call) -> bool:
    """Return whether a call gives one class for each image; argmax(0) is another rule's mistake."""
    keepdim = argument(call, 2 if _is_function(script, call) else 1, "keepdim")
    if keepdim is not None and script.literal(keepdim) is not False:
        return False
    return script.code(call.func).endswith("argmax") or _dim(script, call) != 0


def _shape(script: Script, node: cst.BaseExpression) -> Shape | None:
    try:
        return shapes_of(script).of(node)
    except LayerMismatchError:
        return None


RULES = (PredictionDim, ArgmaxMissing, ArgmaxKeyword)
