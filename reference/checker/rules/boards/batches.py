"""Batches of images for TensorBoard: add_image or add_images, channels (P15, P18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.layouts import FORMATS, layout, logged_images
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.infer import LayerMismatchError, Shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

CHANNELS = (1, 3)  # that add_images accepts


class AddImageBatch(Rule):
    """A batch given to `add_image`, or one image to `add_images`."""

    name = "add-image-batch"
    claims = ("tensorboard.dimensions", "tensorboard.images-nchw")
    severity = "error"
    message = Text(
        en="{method} is for {dims}, and this is {layout}: write {other}.",
        zh="{method} 用于 {dims}，而这里是 {layout}：请写 {other}。",
    )
    write = 'writer.add_images("test_data", imgs, step)  # NCHW; add_image: CHW'
    valid = (
        """
        from torch.utils.data import DataLoader

        for imgs, targets in DataLoader(test_set, batch_size=64):
            writer.add_images("imgs", imgs, 0)
            writer.add_image("first", imgs[0], 0)
            writer.add_image("grid", torchvision.utils.make_grid(imgs), 0)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            for step, data in enumerate(DataLoader(test_set, batch_size=64)):
                imgs, targets = data
                writer.add_image("imgs", imgs, step)  # finding
                writer.add_images("first", imgs[0], step)  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            for step, data in enumerate(DataLoader(test_set, batch_size=64)):
                imgs, targets = data
                writer.add_images("imgs", imgs, step)
                writer.add_image("first", imgs[0], step)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the batches given to add_image and the single images given to add_images."""
        for call, method, image, given in logged_images(script):
            found = layout(script, image)
            other = next((name for name, order in FORMATS.items() if order == found), method)
            if other != method and given == FORMATS[method]:
                fields = {"method": method, "dims": given, "layout": found, "other": other}
                func = call.func.with_changes(attr=cst.Name(other))
                yield Match(node=call, fields=fields, fix={call.func: func})


class AddImagesChannels(Rule):
    """The output of a convolution with other than 1 or 3 channels given to `add_images`."""

    name = "add-images-channels"
    claims = (
        "tensorboard.images-resize",
        "tensorboard.images-six-channels",
        "conv.six-channels-need-reshape",
    )
    severity = "error"
    message = Text(
        en="The output of this network has {channels} channels, and add_images shows pictures with "
        "1 or 3: reshape it first.",
        zh="这个网络的输出有 {channels} 个通道，而 add_images 只能显示 1 或 3 个通道的图片："
        "请先用 torch.reshape 变换形状。",
    )
    valid = (
        """
        import torch
        from torch import nn


        class Tudui(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 6, 3)

            def forward(self, x):
                return self.conv1(x)


        tudui = Tudui()
        output = tudui(imgs)
        output = torch.reshape(output, (-1, 3, 30, 30))
        writer.add_images("output", output, 0)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torch.nn import Conv2d


            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = Conv2d(in_channels=3, out_channels=6, kernel_size=3)
                    self.relu = nn.ReLU()

                def forward(self, x):
                    x = self.conv1(x)
                    x = self.relu(x)
                    return x


            net = Net()
            for imgs, targets in loader:
                output = net(imgs)
                writer.add_images("output", output, 0)  # finding
                writer.add_images("conv", nn.Conv2d(3, 8, 3)(imgs), 0)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the outputs of networks that add_images cannot show."""
        for call, method, image, given in logged_images(script):
            channels = _channels(script, image)
            if method == "add_images" and given == "NCHW" and channels not in (None, *CHANNELS):
                yield Match(node=call, fields={"channels": str(channels)})


def _channels(script: Script, image: cst.BaseExpression) -> int | None:
    """Return the channels of a batch of images; None if they are not known."""
    try:
        shape = Shapes(script).of(image)
    except LayerMismatchError:
        return None
    return shape[1] if shape is not None and len(shape) == len("NCHW") else None


RULES = (AddImageBatch, AddImagesChannels)
