"""A whole batch that is given to a network as one input (P21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.mismatches import at_last_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

FLATTENED = """
from torch import nn

model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
output = model(imgs)
"""
CLASS = """
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

data = torchvision.datasets.CIFAR10(
    "data", train=False, transform=torchvision.transforms.ToTensor()
)
loader = DataLoader(data, batch_size=64{drop_last})

class Tudui(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear({features}, 10)

    def forward(self, input):
        output = self.linear1(input){inner}
        return output

tudui = Tudui()
for data in loader:
    imgs, targets = data
    output = tudui(torch.flatten(imgs{start})){outer}
"""


class LastBatch(Rule):
    """A linear layer as large as a whole batch, which the smaller last batch does not fill."""

    name = "last-batch-too-small"
    claims = ("linear.last-batch-fails", "linear.flatten-merges-batch", "dataloader.drop-last")
    severity = "error"
    message = Text(
        en="The whole batch is flattened into {expected} numbers; the last batch has fewer images "
        "and gives only {given}, which fails here. Flatten each image separately, with "
        "nn.Flatten() "
        "or torch.flatten(imgs, 1), or give the DataLoader drop_last=True.",
        zh="这里把整批图片展平成 {expected} 个数；最后一批图片较少，只有 {given} 个，会在这里报错。"
        "应当逐张展平：用 nn.Flatten() 或 torch.flatten(imgs, 1)；或者给 DataLoader 设 "
        "drop_last=True。",
    )
    write = FLATTENED
    valid = (
        CLASS.format(drop_last=", drop_last=True", features=196608, start="", inner="", outer=""),
        CLASS.format(drop_last="", features=3072, start=", 1", inner="", outer=""),
    )
    invalid = (
        Bad(CLASS.format(drop_last="", features=196608, start="", inner="  # finding", outer="")),
        Bad(
            """
            import torchvision
            from torch import nn
            from torch.utils.data import DataLoader

            data = torchvision.datasets.CIFAR10(
                "data", train=False, transform=torchvision.transforms.ToTensor()
            )
            linear = nn.Linear(12288, 10)
            for imgs, targets in DataLoader(data, batch_size=4, drop_last=True):
                output = linear(imgs.reshape(-1))
            for imgs, targets in DataLoader(data, batch_size=6):
                output = nn.Linear(18432, 10)(imgs.reshape(1, 1, 1, -1))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of layers that the last batch does not fit."""
        seen: set[cst.CSTNode] = set()
        for call, error in at_last_batch(script):
            if error is None:
                continue
            inner = next((inner for at, inner in error.calls if at is script), call)
            if inner not in seen:
                seen.add(inner)
                sizes = {"expected": error.reason.expected, "given": error.reason.given}
                yield Match(node=inner, fields={name: str(size) for name, size in sizes.items()})


class FlattenMergesBatch(Rule):
    """A whole batch as one input of a network, which gives one result for all images."""

    name = "flatten-merges-batch"
    claims = ("linear.flatten-merges-batch",)
    severity = "advice"
    message = Text(
        en="All images of the batch are joined into one vector, so the network gives one result "
        "for "
        "all of them. Flatten each image separately: nn.Flatten() or torch.flatten(imgs, 1).",
        zh="整批图片被连成了一个向量，网络只给出一个结果，而不是每张图片一个。"
        "应当逐张展平：用 nn.Flatten() 或 torch.flatten(imgs, 1)。",
    )
    valid = (
        CLASS.format(drop_last="", features=3072, start=", 1", inner="", outer=""),
        CLASS.format(drop_last="", features=196608, start="", inner="", outer=""),
    )
    invalid = (
        Bad(
            CLASS.format(
                drop_last=", drop_last=True",
                features=196608,
                start="",
                inner="",
                outer="  # finding",
            )
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of networks that get a whole batch as one vector."""
        for call, error in at_last_batch(script):
            if error is None:
                yield Match(node=call)


class LoaderDropout(Rule):
    """`dropout`, a layer, in place of the DataLoader's `drop_last`."""

    name = "loader-dropout"
    claims = ("linear.drop-last-not-dropout",)
    severity = "error"
    message = Text(
        en="A DataLoader has no dropout, which is a layer: drop_last=True leaves out an incomplete "
        "last batch.",
        zh="DataLoader 没有 dropout 参数，dropout 是一种层：丢掉不完整的最后一批要写 "
        "drop_last=True。",
    )
    valid = (
        """
        from torch.utils.data import DataLoader

        loader = DataLoader(test_data, batch_size=64, drop_last=True)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data, batch_size=64, dropout=True)  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data, batch_size=64, drop_last=True)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the DataLoaders with an argument `dropout`."""
        for call in script.calls(LOADER):
            for arg in call.args:
                if arg.keyword is not None and arg.keyword.value == "dropout":
                    is_flag = isinstance(script.literal(arg.value), bool)
                    fix: Fix = {arg.keyword: cst.Name("drop_last")} if is_flag else {}
                    yield Match(node=arg, fix=fix)


RULES = (LastBatch, FlattenMergesBatch, LoaderDropout)
