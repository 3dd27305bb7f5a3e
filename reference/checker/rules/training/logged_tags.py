"""The tags under which values and pictures are logged (P8, P14, P17, P28)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import IMAGES, batch_part, is_output
from reference.checker.training.sets import misnamed, origins
from reference.checker.training.steps import literal_range, logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script
    from reference.checker.training.steps import Log

TEST = re.compile(r"(?<![a-z])(test|val|valid|validation|eval)(?![a-z])|测试|验证", re.IGNORECASE)
TRAIN = re.compile(r"(?<![a-z])train(ing)?(?![a-z])|训练", re.IGNORECASE)
OUTPUT = re.compile(r"(?<![a-z])out(put)?s?(?![a-z])|输出", re.IGNORECASE)
INPUT = re.compile(r"(?<![a-z])inputs?(?![a-z])|输入", re.IGNORECASE)
CURVES = """
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter("logs")
for epoch in range(10):
    for imgs, targets in train_loader:
        loss = update(imgs, targets)
        train_step += 1
        writer.add_scalar("{first}", loss.item(), train_step)
    writer.add_scalar("{second}", total_test_loss, test_step){mark}
    test_step += 1
"""
PICTURES = """
import torchvision
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

train_set = torchvision.datasets.CIFAR10("data", train=True)
test_set = torchvision.datasets.CIFAR10("data", train=False)
writer = SummaryWriter("logs")
for i in range(10):
    img, target = {data}[i]
    writer.add_image("{tag}", img, i){mark}
"""
LAYER = """
from torch.utils.data import DataLoader

for data in DataLoader(dataset, batch_size=64):
    imgs, targets = data
    writer.add_images("input", imgs, step)
    output = tudui(imgs)
    writer.add_images("output", {value}, step){mark}
    step = step + 1
"""


class SameTag(Rule):
    """Two curves under one tag."""

    name = "same-tag-two-series"
    claims = ("train.one-tag-one-curve",)
    severity = "warning"
    message = Text(
        en="Line {line} logs another series under the tag {tag}, and TensorBoard draws both as one "
        "curve: give each a tag of its own.",
        zh="第 {line} 行已经用标签 {tag} 记录了另一组数据，TensorBoard 会把两者画成一条曲线："
        "应当各用各的标签。",
    )
    write = """
writer.add_scalar("train_loss", loss.item(), total_train_step)
writer.add_scalar("test_loss", total_test_loss, total_test_step)
"""
    valid = (
        CURVES.format(first="train_loss", second="test_loss", mark=""),
        """
        from torch.utils.tensorboard import SummaryWriter

        train_writer, test_writer = SummaryWriter("logs/train"), SummaryWriter("logs/test")
        for epoch in range(10):
            for imgs, targets in loader:
                train_writer.add_scalar("loss", update(imgs, targets), epoch)
            test_writer.add_scalar("loss", total, epoch)
        """,
        """
        writer.add_image("Resize", img, 0)
        writer.add_image("Resize", img_resize_2, 1)
        for epoch in range(10):
            if epoch:
                writer.add_scalar("loss", a, epoch)
            else:
                writer.add_scalar("loss", b, epoch)
        """,
        """
        for i in range(100):
            writer.add_scalar("y=2x", 2 * i, i)
        for i in range(100, 200):
            writer.add_scalar("y=2x", 2 * i, i)
        """,
    )
    invalid = (
        Bad(CURVES.format(first="loss", second="loss", mark="  # finding")),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            for i in range(100):
                writer.add_scalar("y=2x", 2 * i, i)
            for i in range(100):
                writer.add_scalar("y=2x", 3 * i, i)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the second of two logs of scalars in different loops under one tag."""
        seen: dict[object, list[Log]] = {}
        for log in logs(script):
            tag = script.literal(log.tag)
            if log.method != "add_scalar" or not isinstance(tag, str) or not log.loops:
                continue
            other = next((o for o in seen.get(tag, []) if _overlap(script, o, log)), None)
            seen.setdefault(tag, []).append(log)
            if other is not None:
                fields = {"line": str(script.line(other.call)), "tag": repr(tag)}
                yield Match(node=log.call, fields=fields)


def _overlap(script: Script, first: Log, second: Log) -> bool:
    """Return whether two logs with one tag draw different series into one curve."""
    same_writer = script.value(first.writer) is script.value(second.writer) or (
        script.code(first.writer) == script.code(second.writer)
        and not isinstance(script.value(first.writer), cst.Call)
    )
    if not same_writer or first.loops[0] is second.loops[0]:
        return False
    if first.step is None or second.step is None:
        return True
    pairs = ((first.value, second.value), (first.step, second.step))
    if all(script.code(a) == script.code(b) for a, b in pairs):
        return False  # the same value, logged at several places
    ranges = [_range(script, log) for log in (first, second)]
    return None in ranges or bool(set(ranges[0] or ()) & set(ranges[1] or ()))


def _range(script: Script, log: Log) -> range | None:
    """Return the steps of a log in a loop over a literal range."""
    binding = script.binding(log.step) if isinstance(log.step, cst.Name) else None
    is_loop = binding is not None and binding.iterated
    return literal_range(script, binding.value) if binding is not None and is_loop else None


class TagOfOtherSet(Rule):
    """A tag that names the other one of the two sets."""

    name = "tag-of-other-set"
    claims = ("cifar10.train-flag", "cifar10.test-dataset")
    severity = "warning"
    message = Text(
        en="The tag says {tag}, but what is logged comes from the {set} set: change the tag or the "
        "data set.",
        zh="标签写的是 {tag}，但记录的数据来自 train={train} 的数据集：请改标签，或者换数据集。",
    )
    write = 'writer.add_image("train_set", img, i)'
    valid = (
        PICTURES.format(data="train_set", tag="train_set", mark=""),
        PICTURES.format(data="test_set", tag="test_set", mark=""),
        PICTURES.format(data="train_set", tag="latest", mark=""),
        """
        import torchvision
        from torch.utils.data import DataLoader, random_split

        full = torchvision.datasets.CIFAR10("data", train=True)
        train_set, val_set = random_split(full, [45000, 5000])
        writer.add_scalar("val_loss", evaluate(net, DataLoader(val_set, 64)), 1)
        """,
    )
    invalid = (
        Bad(PICTURES.format(data="train_set", tag="test_set", mark="  # finding")),
        Bad(PICTURES.format(data="test_set", tag="训练集", mark="  # finding")),
        Bad(
            """
            import torchvision
            from torch.utils.data import DataLoader

            train_data = torchvision.datasets.CIFAR10("data", train=True)
            for i, data in enumerate(DataLoader(train_data, batch_size=64)):
                imgs, targets = data
                writer.add_images("test_data", imgs, i)  # finding
                loss = loss_fn(net(imgs), targets)
                loss.backward()
                writer.add_scalar("test_loss", loss.item(), i)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the logs whose tag names the set that the value does not come from."""
        if any(misnamed(script)):
            return  # the data set is wrong, not the tag
        for log in logs(script):
            tag = script.literal(log.tag)
            says = {"test"} if isinstance(tag, str) and TEST.search(tag) else set()
            if isinstance(tag, str) and TRAIN.search(tag):
                says.add("train")
            found = origins(script, log.value) if len(says) == 1 else set()
            if len(found) == 1 and None not in found and found != says:
                (of,) = found
                fields = {"tag": repr(tag), "set": str(of), "train": str(of == "train")}
                yield Match(node=log.call, fields=fields)


class InputLoggedAsOutput(Rule):
    """The pictures that go into the network, logged as its output."""

    name = "input-logged-as-output"
    claims = ("conv.batch-shape", "maxpool.keeps-channels", "sigmoid.pixel-range")
    severity = "warning"
    message = Text(
        en="The tag says {tag}, but {name} is the input, as it comes from the DataLoader: log what "
        "the network returned.",
        zh="标签写的是 {tag}，但 {name} 是从 DataLoader 取出的输入：应当记录网络返回的结果。",
    )
    write = """
output = tudui(imgs)
writer.add_images("output", output, step)
"""
    valid = (
        LAYER.format(value="output", mark=""),
        """
        from torch.utils.data import DataLoader

        for imgs, targets in DataLoader(dataset, batch_size=64):
            imgs = tudui(imgs)
            writer.add_images("output", imgs, step)
        """,
    )
    invalid = (Bad(LAYER.format(value="imgs", mark="  # finding")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the logs of a batch's images under a tag that says output."""
        for log in logs(script):
            tag = script.literal(log.tag)
            if log.method == "add_scalar" or not isinstance(tag, str) or not OUTPUT.search(tag):
                continue
            if batch_part(script, log.value) == IMAGES:
                fields = {"tag": repr(tag), "name": script.code(log.value)}
                yield Match(node=log.call, fields=fields)


class OutputLoggedAsInput(Rule):
    """What the network returned, logged as its input."""

    name = "output-logged-as-input"
    claims = ("conv.batch-shape", "sigmoid.pixel-range")
    severity = "warning"
    message = Text(
        en="The tag says {tag}, but {name} is what the network returned: log the images of the "
        "batch.",
        zh="标签写的是 {tag}，但 {name} 是网络返回的结果：应当记录这一批的输入图片。",
    )
    write = 'writer.add_images("input", imgs, step)'
    valid = (LAYER.format(value="output", mark=""),)
    invalid = (
        Bad(
            """
            from torch import nn

            net = nn.MaxPool2d(3)
            for imgs, targets in loader:
                output = net(imgs)
                writer.add_images("input", output, step)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the logs of a network's output under a tag that says input."""
        for log in logs(script):
            tag = script.literal(log.tag)
            if log.method == "add_scalar" or not isinstance(tag, str) or not INPUT.search(tag):
                continue
            if is_output(script, log.value):
                fields = {"tag": repr(tag), "name": script.code(log.value)}
                yield Match(node=log.call, fields=fields)


RULES = (SameTag, TagOfOtherSet, InputLoggedAsOutput, OutputLoggedAsInput)
