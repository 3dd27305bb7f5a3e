"""The accuracy of a test: counted, divided, by the right number (P28, P29)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.counts import is_count, is_sum_of_means
from reference.checker.training.labels import printed, scalars
from reference.checker.training.loops import batch_loop_around
from reference.checker.training.sets import Set, which_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

ACCURACY = re.compile(r"acc(?![a-z])|accuracy|正确率|准确率|精度|精确率|准确度", re.IGNORECASE)
COUNTED = """
import torch
import torchvision
from torch.utils.data import DataLoader

train_data = torchvision.datasets.CIFAR10("data", train=True)
test_data = torchvision.datasets.CIFAR10("data", train=False)
train_data_size = len(train_data)
test_data_size = len(test_data)
test_dataloader = DataLoader(test_data, batch_size=64)
total_accuracy = 0
with torch.no_grad():
    for imgs, targets in test_dataloader:
        accuracy = (net(imgs).argmax(1) == targets).sum()
        total_accuracy = total_accuracy + accuracy
{line}
"""


class AccuracyNotDivided(Rule):
    """A number of correct predictions that is printed or logged as the accuracy."""

    name = "accuracy-not-divided"
    claims = ("eval.accuracy-above-one", "eval.hits")
    severity = "warning"
    message = Text(
        en="{name} counts correct predictions or adds up batches, and is not the accuracy: "
        "divide the "
        "number of correct predictions by the number of images, len(test_data).",
        zh="{name} 是预测正确的个数，或是各批次的累加，不是正确率："
        "应当用预测正确的个数除以图片总数 len(test_data)。",
    )
    valid = (
        COUNTED.format(line='print("accuracy: {}".format(total_accuracy / test_data_size))'),
        COUNTED.format(line='print("整体测试集上的正确个数：{}".format(total_accuracy))'),
        COUNTED.format(line='print(f"Accuracy: {total_accuracy}/{test_data_size}")'),
        COUNTED.format(line="total_accuracy /= test_data_size\nprint('acc', total_accuracy)"),
        COUNTED.format(line='print("acc: %.2f" % (total_accuracy / 10000))'),
        """
        val_acc = 0
        for imgs, targets in loader:
            val_acc += (net(imgs).argmax(1) == targets).sum() / len(test_data)
        print("val_acc:{}".format(val_acc))
        """,
        """
        for imgs, targets in loader:
            accuracy = (net(imgs).argmax(1) == targets).float().mean()
            print("accuracy", accuracy)
        """,
    )
    invalid = (
        *(
            Bad(COUNTED.format(line=f"{line}  # finding"))
            for line in (
                'print("整体测试集上的正确率：{}".format(total_accuracy))',
                'print(f"loss: {total_loss}, accuracy: {total_accuracy.item()}")',
                'print("test acc:", total_accuracy)',
                'print("Accuracy: %d" % total_accuracy)',
                'print("准确率: " + str(total_accuracy))',
                'writer.add_scalar("test_accuracy", total_accuracy, step)',
            )
        ),
        Bad(
            """
            acc = 0.0
            for imgs, targets in loader:
                acc += (net(imgs).argmax(1) == targets).float().mean().item()
            print(f"accuracy {acc}")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the printed and logged counts that a text or a tag calls accuracy."""
        for found in (*printed(script), *scalars(script)):
            is_share = found.after.lstrip().startswith(("/", "of", "out of"))
            if is_share or not ACCURACY.search(found.label):
                continue
            if is_count(script, found.value) or is_sum_of_means(script, found.value):
                yield Match(node=found.call, fields={"name": script.code(found.value)})


class AccuracyOfOtherSize(Rule):
    """A count of correct predictions that is divided by the size of something else."""

    name = "accuracy-wrong-size"
    claims = ("train.accuracy-denominator", "eval.accuracy-above-one")
    severity = "warning"
    message = Text(
        en="This divides the number of correct predictions by {size}; the accuracy is their share "
        "of the images that were tested: divide by the length of that data set.",
        zh="这里用预测正确的个数除以 {size}；正确率是其中占被测图片的比例："
        "应当除以测试所用数据集的长度。",
    )
    valid = (
        COUNTED.format(line="print(total_accuracy / len(test_data))"),
        COUNTED.format(line="print(total_accuracy / len(test_dataloader.dataset))"),
        COUNTED.format(line="print(total_loss / len(test_dataloader))"),
    )
    invalid = tuple(
        Bad(COUNTED.format(line=f"{line}  # finding"))
        for line in (
            "print(total_accuracy / train_data_size)",
            "print(total_accuracy / len(test_dataloader))",
            "test_accuracy = 100 * total_accuracy.item() / len(train_data)",
        )
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the divisions of counts by the length of a loader, or of the other data set."""
        for node in script.nodes(cst.BinaryOperation):
            is_division = isinstance(node.operator, cst.Divide)
            measured = _length_of(script, node.right) if is_division else None
            if measured is None or not _has_count(script, node.left):
                continue
            other = {"train": "test", "test": "train"}.get(which_set(script, measured) or "")
            is_other = other is not None and _counted_sets(script, node.left) == {other}
            if is_other or script.types.of(measured) == LOADER:
                yield Match(node=node, fields={"size": f"len({script.code(measured)})"})


def _length_of(script: Script, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Return `x` for `len(x)`, or for a variable that is it."""
    call = script.value(node)
    is_length = isinstance(call, cst.Call) and script.name(call.func) == "builtins.len"
    return call.args[0].value if isinstance(call, cst.Call) and is_length and call.args else None


def _counted_sets(script: Script, node: cst.BaseExpression) -> set[Set | None]:
    """Return over which images the loops go in which a count is made."""
    names = [n for n in (node, *script.within(node, cst.Name)) if isinstance(n, cst.Name)]
    places: list[cst.CSTNode] = [
        binding.name
        for name in names
        if is_count(script, name)
        for binding in script.bindings(name)
    ]
    found = set()
    for place in places or [node]:
        loop = batch_loop_around(script, place)
        if loop is not None:
            found.add(which_set(script, loop.loader))
    return found


def _has_count(script: Script, node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Multiply):
        return _has_count(script, node.left) or _has_count(script, node.right)
    return is_count(script, node)


RULES = (AccuracyNotDivided, AccuracyOfOtherSize)
