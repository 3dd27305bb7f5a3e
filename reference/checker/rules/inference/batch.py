"""The batch that a network takes instead of a single picture (P32)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import TENSOR, TRANSFORMS
from reference.checker.networks import created, module_class
from reference.checker.pictures import Step, steps
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import file_name
from reference.checker.saving.saved import content_of, saved_as
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_MAY_ADD = re.compile(r"unsqueeze|expand|reshape|view|stack|repeat|atch|Lambda|[Cc]ollate")
_LINEAR = ("torch.nn.Linear", "torch.nn.LazyLinear")


class BatchDimensionMissing(Rule):
    """A single image that a network gets without a batch dimension."""

    name = "batch-dimension-missing"
    claims = ("infer.batch-dimension",)
    severity = "error"
    files: ClassVar = {
        "train.py": """
        import torch
        from torch import nn

        net = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(4704, 10))
        torch.save(net, "net.pth")
        """
    }
    message = Text(
        en="The network takes a batch of images, and this is one image of three dimensions: "
        "nn.Flatten keeps its channels, and the linear layer fails with RuntimeError: mat1 and "
        "mat2 shapes cannot be multiplied. Add the dimension of the batch.",
        zh="网络接收的是一批图片，而这里是一张三维的图片：nn.Flatten 会保留它的通道维，"
        "线性层报 RuntimeError: mat1 and mat2 shapes cannot be multiplied。要补上批次这一维。",
    )
    valid = (
        """
        import torch
        import torchvision
        from PIL import Image
        from torchvision import transforms

        to_tensor = transforms.ToTensor()
        net = torchvision.models.vgg16(weights="DEFAULT")
        image = to_tensor(Image.open("dog.jpg").convert("RGB"))
        output = net(image.unsqueeze(0))
        output = net(image[None])
        output = net(torch.stack([image]))
        one = transforms.Compose([to_tensor, transforms.Lambda(lambda x: x.unsqueeze(0))])
        output = net(one(Image.open("dog.jpg")))
        """,
        """
        import torch
        from PIL import Image
        from torch import nn
        from torchvision import transforms

        conv = nn.Conv2d(3, 6, 3)
        output = conv(transforms.ToTensor()(Image.open("dog.jpg")))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from PIL import Image
            from torch import nn
            from torchvision import transforms

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))

                def forward(self, x):
                    return self.model(x)

            net = Net()
            transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
            image = transform(Image.open("dog.jpg").convert("RGB"))
            output = net(image)  # finding
            """,
            fixed="""
            import torch
            from PIL import Image
            from torch import nn
            from torchvision import transforms

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))

                def forward(self, x):
                    return self.model(x)

            net = Net()
            transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
            image = transform(Image.open("dog.jpg").convert("RGB"))
            output = net(image.unsqueeze(0))
            """,
        ),
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            net = torch.load("net.pth", weights_only=False)
            output = net(transforms.ToTensor()(Image.open("dog.jpg")))  # finding
            """,
            fixed="""
            import torch
            from PIL import Image
            from torchvision import transforms

            net = torch.load("net.pth", weights_only=False)
            output = net(transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of networks with a single image."""
        for opened in script.calls("PIL.Image.open"):
            for step in steps(script, opened):
                call = step.node
                if not step.network or not isinstance(call, cst.Call) or len(call.args) != 1:
                    continue
                image = call.args[0].value
                single = script.types.of(image) == TENSOR and not any(
                    _adds(script, before) for before in step.before
                )
                if single and _needs_batch(script, call.func):
                    new = cst.Call(
                        cst.Attribute(image, cst.Name("unsqueeze")), [cst.Arg(cst.Integer("0"))]
                    )
                    yield Match(node=call, fix={image: new} if _is_simple(image) else {})


def _is_simple(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name | cst.Attribute | cst.Call)


def _adds(script: Script, step: Step) -> bool:
    """Return whether a step may add a dimension."""
    if isinstance(step.node, cst.Subscript):
        return True
    func = step.node.func
    if TRANSFORMS.match(script.types.of(func)):
        return bool(_MAY_ADD.search(script.code(script.value(func))))
    return bool(_MAY_ADD.search(script.code(func).rpartition(".")[2]))


def _needs_batch(script: Script, network: cst.BaseExpression) -> bool:
    """Return whether a network flattens its input for linear layers, as far as is known."""
    loaded = script.value(network)
    call = created(script, network)
    if isinstance(loaded, cst.Call) and script.types.of(loaded) == "loaded":
        saved = saved_as(script, file_name(script, argument(loaded, 0, "f")))
        if content_of(saved) != "network":
            return False
        script, call = saved[0].script, created(saved[0].script, saved[0].value)
    if call is None:
        return False
    if script.types.of(call) == "torchvision.models":
        return True
    found = module_class(script, call)
    where, node = found or (script, call)
    names = [where.name(inner.func) for inner in where.within(node, cst.Call)]
    return any(name in _LINEAR for name in names) and "latten" in where.code(node)


RULES = (BatchDimensionMissing,)
