"""ImageNet, which torchvision does not download (P25)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class ImageNetDownload(Rule):
    """`ImageNet(root, download=True)`."""

    name = "imagenet-download"
    claims = ("env.imagenet-download",)
    severity = "error"
    message = Text(
        en="torchvision cannot download ImageNet, and the class has no argument download: this "
        "line fails. Download the archives from ImageNet's site, put them into the folder, and "
        "leave out the argument.",
        zh="torchvision 不能下载 ImageNet，这个类也没有 download 参数，这一行会报错。"
        "请到 ImageNet 官网下载压缩包，放进该文件夹，并去掉这个参数。",
    )
    valid = (
        """
        import torchvision

        torchvision.datasets.ImageNet("data", split="val")
        torchvision.datasets.CIFAR10("data", download=True)
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torchvision.datasets import ImageNet

            data = torchvision.datasets.ImageNet("data", split="train", download=True)  # finding
            data = ImageNet(root="data", download=False)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls with the argument."""
        for call in script.calls("torchvision.datasets.ImageNet"):
            if argument(call, None, "download") is not None:
                yield Match(node=call)


RULES = (ImageNetDownload,)
