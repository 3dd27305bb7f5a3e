"""The class of each image: argmax over the outputs of a batch (P28, P32)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.edits import expression, with_keyword
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.images import batch_shapes
from reference.checker.shapes.infer import LayerMismatchError, Shapes
from reference.checker.training.loops import TARGETS, batch_part, is_network, part_of_batch
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_KEEP_ROWS = ("torch.nn.Softmax", "torch.nn.LogSoftmax", "torch.nn.Flatten")


class ArgmaxOfBatch(Rule):
    """The class of each image by `argmax(0)`, or by `argmax()` of a whole batch."""

    name = "argmax-of-batch"
    claims = ("eval.argmax-direction", "infer.class")
    severity = "warning"
    message = Text(
        en="The outputs of a network are one row for each image, and the class of an image is the "
        "largest value of its row: write argmax(1). argmax(0) compares the images with each "
        "other, and argmax() gives a single number for the whole batch.",
        zh="网络的输出每张图片占一行，图片的类别是这一行里最大值的位置：应写 argmax(1)。"
        "argmax(0) 是在图片之间比较，argmax() 对整个批次只给出一个数。",
    )
    write = "outputs.argmax(1)"
    valid = (
        """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
        loss_fn = nn.CrossEntropyLoss()
        for images, targets in loader:
            outputs = net(images)
            correct = (outputs.argmax(1) == targets).sum()
            best = torch.argmax(outputs, dim=-1)
            index = outputs[0].argmax(0)
        print(net(image).argmax())
        print(nn.Linear(3, 10)(torch.rand(3)).argmax(0))
        for image, target in DataLoader(test_data, batch_size=1):
            hits += (net(image).argmax() == target).sum()
        print(torch.tensor([[0.1, 0.2], [0.3, 0.4]]).argmax(0))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
            for images, targets in loader:
                outputs = net(images)
                correct = (outputs.argmax(0) == targets).sum()  # finding
                hits = (torch.argmax(outputs) == targets).sum()  # finding
                best = torch.argmax(net(images), dim=0)  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
            for images, targets in loader:
                outputs = net(images)
                correct = (outputs.argmax(1) == targets).sum()
                hits = (torch.argmax(outputs, dim=1) == targets).sum()
                best = torch.argmax(net(images), dim=1)
            """,
        ),
        Bad(
            """
            def test(model, loader):
                model.eval()
                for images, targets in loader:
                    predicted = model(images).argmax(dim=0)  # finding
            """,
            fixed="""
            def test(model, loader):
                model.eval()
                for images, targets in loader:
                    predicted = model(images).argmax(dim=1)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of argmax over the images of a batch."""
        for call in script.calls("torch.argmax"):
            if call.args and _is_output(script, call.args[0].value):
                yield from _match(script, call, argument(call, 1, "dim"))
        for call, outputs in script.method_calls("argmax"):
            if _is_output(script, outputs):
                yield from _match(script, call, argument(call, 0, "dim"))


def _match(script: Script, call: cst.Call, dim: cst.BaseExpression | None) -> Iterator[Match]:
    """Yield the finding of argmax over the wrong dimension."""
    if dim is not None and script.literal(dim) == 0:
        yield Match(node=call, fix={dim: expression("1")})
    elif dim is None and _is_compared_with_targets(script, call):
        yield Match(node=call, fix={call: with_keyword(call, "dim", "1")})


def _is_compared_with_targets(script: Script, call: cst.Call) -> bool:
    """Return whether a number is compared with the targets of a batch of several images."""
    comparison = script.parent(call)
    if not isinstance(comparison, cst.Comparison):
        return False
    for target in comparison.comparisons:
        if batch_part(script, target.comparator) == TARGETS:
            part = part_of_batch(script, target.comparator)
            _, sizes = batch_shapes(script, part.loader) if part else (None, (None,))
            return sizes != (1,)
    return False


def _is_output(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is what a network returns for a batch."""
    call = script.value(node)
    if not isinstance(call, cst.Call) or script.types.of(call.func) in _KEEP_ROWS:
        return False
    return is_network(script, call.func) and not _is_vector(script, call)


def _is_vector(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression has one dimension, without that of a batch."""
    try:
        shape = Shapes(script).of(node)
    except LayerMismatchError:
        return False
    return shape is not None and len(shape) == 1


RULES = (ArgmaxOfBatch,)
