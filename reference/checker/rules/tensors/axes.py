"""The order of a picture's axes, which reshape does not change (P10, P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.layouts import layout
from reference.checker.pictures import Step, new_shape
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

CHANNELS = 3
_TO_TENSOR = ("torch.from_numpy", "torch.tensor", "torch.as_tensor", "torch.Tensor")
_SAME_ORDER = ("float", "to", "cuda", "cpu", "astype", "copy", "double", "type", "div")


class ReshapeMixesAxes(Rule):
    """reshape or view instead of permute: H x W x C to C x H x W, or back."""

    name = "reshape-mixes-axes"
    claims = ("tensor.reshape-mixes",)
    severity = "warning"
    message = Text(
        en="The axes here are {order}, and {method} does not exchange them: it reads the numbers "
        "in their old order, and the picture is garbled. Write {write}.",
        zh="这里各维的顺序是 {order}，{method} 并不交换维度，只是按原来的顺序重新分组，"
        "图像会被打乱。应写 {write}。",
    )
    write = ""
    valid = (
        """
        import numpy as np
        import torch
        from PIL import Image

        image = np.array(Image.open("dog.jpg"))
        tensor = torch.from_numpy(image).permute(2, 0, 1)
        batch = torch.reshape(tensor, (1, 3, 32, 32))
        flat = image.reshape(-1)
        same = image.reshape(1, 32, 32, 3)
        rows = data.reshape(-1, 3, 32, 32)
        """,
    )
    invalid = (
        Bad("""
            import cv2
            import numpy as np
            import torch
            from PIL import Image
            from torchvision import transforms

            image = np.array(Image.open("dog.jpg"))
            tensor = torch.from_numpy(image).float()
            batch = torch.reshape(tensor, (1, 3, 32, 32))  # finding
            other = torch.tensor(cv2.imread("dog.jpg")).view(3, 32, 32)  # finding
            shown = transforms.ToTensor()(Image.open("dog.jpg")).reshape(32, 32, 3)  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the reshapes that put the channels elsewhere."""
        for call, tensor in _all_reshapes(script):
            sizes = new_shape(script, Step(call, ()))
            if not sizes or len(sizes) < CHANNELS or CHANNELS not in (sizes[-3], sizes[-1]):
                continue
            order = layout(script, _image(script, tensor))
            first = sizes[-3] == CHANNELS and sizes[-1] != CHANNELS
            last = sizes[-1] == CHANNELS and sizes[-3] != CHANNELS
            if (order == "HWC" and first) or (order == "CHW" and last):
                axes = "2, 0, 1" if first else "1, 2, 0"
                fields = {
                    "order": " x ".join(order),
                    "method": script.code(call.func).rpartition(".")[2],
                    "write": f"permute({axes})",
                }
                yield Match(node=call, fields=fields)


def _all_reshapes(script: Script) -> Iterator[tuple[cst.Call, cst.BaseExpression]]:
    for call in script.calls("torch.reshape", "numpy.reshape"):
        if call.args:
            yield call, call.args[0].value
    for call, tensor in script.method_calls("reshape", "view"):
        if script.name(call.func) not in ("torch.reshape", "numpy.reshape"):
            yield call, tensor


def _image(script: Script, node: cst.BaseExpression) -> cst.BaseExpression:
    """Return the array or tensor in which an expression's axes were last arranged."""
    for _ in range(10):
        node = script.value(node)
        if isinstance(node, cst.BinaryOperation):
            node = node.left
        elif not isinstance(node, cst.Call):
            break
        elif script.name(node.func) in _TO_TENSOR and node.args:
            node = node.args[0].value
        elif isinstance(node.func, cst.Attribute) and node.func.attr.value in _SAME_ORDER:
            node = node.func.value
        else:
            break
    return node


RULES = (ReshapeMixesAxes,)
