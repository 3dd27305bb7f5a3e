"""Images and targets of a batch that are mixed up (P27, P30)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import DATASETS
from reference.checker.networks import first_step
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import (
    TARGETS,
    batch_part,
    is_network,
    part_of_batch,
    part_of_binding,
)
from reference.checker.training.losses import loss_calls, operands
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

UNPACK = """
for imgs, targets in loader:
    imgs = imgs.to(device)
    targets = targets.to(device)
"""
MOVE = """
import torch
from torch.utils.data import DataLoader

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
for data in DataLoader(dataset, batch_size=64):
    imgs, targets = data
    {first}
    {second}
"""


class TargetsOverwritten(Rule):
    """`targets = imgs.to(device)`: one part of a batch that replaces the other."""

    name = "targets-overwritten"
    claims = ("dataloader.two-parts",)
    severity = "error"
    message = Text(
        en="This puts {wrong} into {target}, which was the other part of the batch: write "
        "{target}.{method}(…).",
        zh="这里把 {wrong} 放进了 {target}，而 {target} 本来是批次的另一部分：应当写 "
        "{target}.{method}(…)。",
    )
    write = UNPACK
    valid = (
        MOVE.format(first="imgs = imgs.to(device)", second="targets = targets.to(device)"),
        MOVE.format(first="inputs = imgs.to(device)", second="labels = targets.to(device)"),
        """
        from torch.utils.data import DataLoader

        for imgs, targets in DataLoader(dataset, batch_size=64):
            targets = imgs.clone()  # an autoencoder reproduces its input
        """,
    )
    invalid = (
        Bad(
            MOVE.format(
                first="imgs = imgs.to(device)", second="targets = imgs.to(device)  # finding"
            ),
            fixed=MOVE.format(
                first="imgs = imgs.to(device)", second="targets = targets.to(device)"
            ),
        ),
        Bad(
            """
            from torch.utils.data import DataLoader

            for i, (x, y) in enumerate(DataLoader(dataset, batch_size=64)):
                x, y = x.cuda(), x.cuda()  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            for i, (x, y) in enumerate(DataLoader(dataset, batch_size=64)):
                x, y = x.cuda(), y.cuda()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the moves of one part of a batch into the name of the other."""
        for assign in script.nodes(cst.Assign):
            for target, value in _pairs(assign):
                moved = _moved(value)
                if moved is None or not isinstance(target, cst.Name) or moved.value == target.value:
                    continue
                parts = (_before(script, target), batch_part(script, moved))
                if None not in parts and parts[0] != parts[1]:
                    method = value.func.attr.value  # type: ignore[attr-defined]
                    fields = {"wrong": moved.value, "target": target.value, "method": method}
                    yield Match(node=assign, fields=fields, fix={moved: target})


def _pairs(
    assign: cst.Assign,
) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """Yield the targets and values of `x = a` and of `x, y = a, b`."""
    target, value = assign.targets[0].target, assign.value
    if isinstance(target, cst.Tuple) and isinstance(value, cst.Tuple):
        elements = zip(target.elements, value.elements, strict=False)
        yield from ((t.value, v.value) for t, v in elements)
    else:
        yield target, value


def _moved(node: cst.BaseExpression) -> cst.Name | None:
    """Return `x` for `x.to(…)` and `x.cuda(…)`."""
    match node:
        case cst.Call(func=cst.Attribute(value=cst.Name() as moved, attr=cst.Name("to" | "cuda"))):
            return moved
    return None


def _before(script: Script, target: cst.Name) -> int | None:
    """Return the part of a batch that a name was before an assignment to it."""
    earlier = [b for b in script.bindings(target) if script.before(b.name, target)]
    part = part_of_binding(script, earlier[-1]) if earlier else None
    return part.path[0] if part and len(part.path) == 1 else None


def _has_pictures(script: Script, loader: cst.BaseExpression) -> bool:
    """Return whether a loader gives the pictures and labels of a data set of torchvision."""
    call = script.value(loader)
    dataset = argument(call, 0, "dataset") if isinstance(call, cst.Call) else None
    return bool(DATASETS.match(script.types.of(dataset)))


class NetworkGetsTargets(Rule):
    """The targets of a batch that are given to the network."""

    name = "network-gets-targets"
    claims = ("dataloader.two-parts",)
    severity = "error"
    message = Text(
        en="{name} is the second part of the batch, the targets; the network needs the images, the "
        "first part: imgs, targets = data.",
        zh="{name} 是批次的第二部分，即目标；网络需要的是第一部分，即图片：imgs, targets = data。",
    )
    write = UNPACK
    valid = (
        """
        from torch import nn
        from torch.utils.data import DataLoader

        net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
        for imgs, targets in DataLoader(dataset, batch_size=64):
            output = net(imgs)
        """,
        """
        from torch import nn
        from torch.utils.data import DataLoader

        embedding = nn.Embedding(10, 3)
        for imgs, targets in DataLoader(dataset, batch_size=64):
            output = embedding(targets)
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torch import nn
            from torch.utils.data import DataLoader

            dataset = torchvision.datasets.CIFAR10("data")
            net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
            for data in DataLoader(dataset, batch_size=64):
                targets, imgs = data
                output = net(imgs)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of networks with the second part of a batch of pictures."""
        for call in script.nodes(cst.Call):
            first = call.args[0].value if len(call.args) == 1 else None
            part = part_of_batch(script, first) if first is not None else None
            is_target = part is not None and part.path == (TARGETS,)
            if first is None or part is None or not is_target:
                continue
            takes = is_network(script, call.func) and not _takes_numbers(script, call.func)
            if takes and _has_pictures(script, part.loader):
                yield Match(node=call, fields={"name": script.code(first)})


def _takes_numbers(script: Script, network: cst.BaseExpression) -> bool:
    """Return whether the first layer looks up numbers, as an Embedding does."""
    first = first_step(script, network)
    return first is None or first[0].types.of(first[1]) == "torch.nn.Embedding"


class LossOfSample(Rule):
    """A loss of one sample of a data set, whose label is an int."""

    name = "loop-over-dataset"
    claims = ("optim.loop-over-dataset",)
    severity = "error"
    message = Text(
        en="A data set gives single images with a plain int as label, which the loss rejects: loop "
        "over a DataLoader.",
        zh="数据集每次给出一张图片和一个 int 标签，损失函数不接受：应当遍历 DataLoader。",
    )
    valid = (
        """
        import torch
        import torchvision
        from torch import nn

        dataset = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
        loss_fn = nn.CrossEntropyLoss()
        for img, target in dataset:
            loss = loss_fn(net(img.unsqueeze(0)), torch.tensor([target]))
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torch import nn

            dataset = torchvision.datasets.CIFAR10("data")
            loss_fn = nn.CrossEntropyLoss()
            for data in dataset:
                img, target = data
                loss = loss_fn(net(img), target)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of losses with the label of a sample."""
        for call, _ in loss_calls(script):
            pair = operands(call)
            if pair is not None and script.types.of(pair[1]) == "builtins.int":
                yield Match(node=call)


RULES = (TargetsOverwritten, NetworkGetsTargets, LossOfSample)
