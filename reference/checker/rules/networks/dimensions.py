"""Tensors with too few dimensions for convolution and pooling (P17, P19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.rules.networks.layer_sizes import fields_of
from reference.checker.shapes.mismatches import mismatches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_WORDS = {
    "dims": {
        "what": "input",
        "what_zh": "输入",
        "needed": "(N, C, H, W), that is, images, channels, height and width",
        "needed_zh": "(N, C, H, W)，即图片数、通道数、高和宽",
    },
    "weight": {
        "what": "kernel",
        "what_zh": "卷积核",
        "needed": "kernels of four dimensions: output channels, input channels, height and width",
        "needed_zh": "四维的卷积核，即输出通道数、输入通道数、高和宽",
    },
}


class InputDims(Rule):
    """A tensor with too few dimensions for a convolution or pooling."""

    name = "input-dims"
    claims = ("conv.two-dims-rejected", "conv.input-4d", "maxpool.two-dims-rejected")
    severity = "error"
    message = Text(
        en="This {what} has the shape {shape}; convolution and pooling need {needed}. "
        "Reshape it first.",
        zh="这里{what_zh}的形状是 {shape}，而卷积和池化需要 {needed_zh}："
        "先用 torch.reshape 改变形状。",
    )
    write = "input = torch.reshape(input, (1, 1, 5, 5))"
    valid = (
        """
        import torch
        import torch.nn.functional as F

        input = torch.tensor([[1, 2, 0], [0, 1, 2], [1, 2, 1]])
        kernel = torch.tensor([[1, 2], [0, 1]])
        input = torch.reshape(input, (1, 1, 3, 3))
        kernel = torch.reshape(kernel, (1, 1, 2, 2))
        print(F.conv2d(input, kernel, stride=1))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            import torch.nn.functional as F

            input = torch.tensor([[1, 2, 0], [0, 1, 2], [1, 2, 1]])
            kernel = torch.tensor([[1, 2], [0, 1]])
            output = F.conv2d(input, kernel, stride=1)  # finding
            """
        ),
        Bad(
            """
            import torch
            from torch.nn import MaxPool2d

            pool = MaxPool2d(3, ceil_mode=True)
            output = pool(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls with the wrong input: there the mistake is, not in the layer."""
        for error in mismatches(script):
            words = _WORDS.get(error.reason.kind)
            if words is not None:
                calls = [call for at, call in error.calls if at is script]
                node = calls[-1] if calls else error.layer
                yield Match(node=node, fields=fields_of(error) | words)


RULES = (InputDims,)
