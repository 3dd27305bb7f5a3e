"""What transforms are given: PIL images, arrays, tensors (P10-P14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.data.pipelines import TO_TENSOR, steps
from reference.checker.finding import Text
from reference.checker.kinds import ARRAY, IMAGE, TENSOR
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.data.pipelines import Step
    from reference.checker.script import Script

PATH = "builtins.str"
SHOWN = {IMAGE: "PIL.Image", ARRAY: "numpy.ndarray", TENSOR: "torch.Tensor", PATH: "str"}
SPATIAL = (
    "Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip",
    "RandomVerticalFlip", "Grayscale", "ColorJitter",
)  # fmt: skip


class NormalizeInput(Rule):
    """`Normalize` before `ToTensor`, or of a PIL image."""

    name = "normalize-before-to-tensor"
    claims = ("transforms.normalize-tensor-only",)
    severity = "error"
    message = Text(
        en="Normalize accepts only tensors: put it after ToTensor.",
        zh="Normalize 只接受张量：请放在 ToTensor 之后。",
    )
    write = (
        "transforms.Compose([\n"
        "    transforms.ToTensor(),\n"
        "    transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),\n"
        "])"
    )
    valid = (
        """
        import torchvision
        from PIL import Image
        from torchvision import transforms

        norm = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
        norm(transforms.ToTensor()(Image.open("0013035.jpg")))
        only = transforms.Compose([norm])
        both = transforms.Compose([transforms.Resize(32), transforms.ToTensor(), norm])
        data = torchvision.datasets.CIFAR10("data", transform=both)
        """,
    )
    invalid = (
        Bad(
            """
            from PIL import Image
            from torchvision import transforms

            img = Image.open("0013035.jpg")
            norm = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
            img_norm = norm(img)  # finding
            """
        ),
        Bad(
            """
            from torchvision import transforms

            compose = transforms.Compose([
                transforms.Resize((32, 32)),
                transforms.Normalize([0.5], [0.5]),  # finding
                transforms.ToTensor(),
            ])
            """,
            fixed="""
            from torchvision import transforms

            compose = transforms.Compose([
                transforms.Resize((32, 32)),
                transforms.ToTensor(),
                transforms.Normalize([0.5], [0.5]),
            ])
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the Normalize that are given something else than a tensor."""
        for step in steps(script):
            if step.name == "Normalize":
                behind = _to_tensor_behind(script, step)
                if step.given.type in (IMAGE, ARRAY, PATH) or (behind and not step.given.type):
                    yield Match(node=step.node, fix=_swapped(script, step.node, behind))


def _to_tensor_behind(script: Script, step: Step) -> cst.BaseExpression | None:
    """Return the ToTensor that directly follows a transform in the list of a Compose."""
    element = script.parent(step.node)
    listed = script.parent(element) if isinstance(element, cst.Element) else None
    if not isinstance(listed, cst.List | cst.Tuple):
        return None
    values = [e.value for e in listed.elements]
    index = next(i for i, value in enumerate(values) if value is step.node)
    for value in values[index + 1 :]:
        if script.types.of(value).rpartition(".")[2] in TO_TENSOR:
            return value
    return None


def _swapped(
    script: Script, node: cst.BaseExpression, other: cst.BaseExpression | None
) -> edits.Fix:
    """Return the fix: move a transform behind another one of the list, if that is the next."""
    element = script.parent(node)
    listed = script.parent(element) if element else None
    if other is None or not isinstance(listed, cst.List | cst.Tuple):
        return {}
    values = [e.value for e in listed.elements]
    first = next(i for i, value in enumerate(values) if value is node)
    if values[first + 1] is not other:
        return {}
    return {node: other, other: node}


class ToTensorInput(Rule):
    """`ToTensor` of a tensor, or of the name of a file."""

    name = "to-tensor-input"
    claims = ("transforms.to-tensor-file",)
    severity = "error"
    message = Text(
        en="ToTensor accepts a PIL image or an array, and this is {given}: apply it once, to the "
        "opened image.",
        zh="ToTensor 只接受 PIL 图片或数组，这里传入的是 {given}：请只对打开后的图片使用一次。",
    )
    write = "tensor_img = transforms.ToTensor()(Image.open(img_path))"
    valid = (
        """
        import numpy as np
        from PIL import Image
        from torchvision import transforms

        to_tensor = transforms.ToTensor()
        img = Image.open("0013035.jpg")
        print(to_tensor(img), to_tensor(np.array(img)), to_tensor(unknown))
        print(to_tensor(transforms.ToPILImage()(to_tensor(img))))
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torchvision import transforms

            to_tensor = transforms.ToTensor()
            img_path = "0013035.jpg"
            tensor_img = to_tensor(img_path)  # finding
            test_set = torchvision.datasets.CIFAR10("data", train=False, transform=to_tensor)
            img, target = test_set[0]
            tensor_img = to_tensor(img)  # finding
            """
        ),
        Bad(
            """
            from torchvision import transforms

            twice = transforms.Compose([
                transforms.ToTensor(),
                transforms.Resize(32),
                transforms.ToTensor(),  # finding
            ])
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the ToTensor that are given a tensor or a path."""
        for step in steps(script):
            if step.name in TO_TENSOR and step.given.type in (TENSOR, PATH):
                yield Match(node=step.node, fields={"given": SHOWN[step.given.type]})


class TransformOfArray(Rule):
    """`Resize` or another transform of images applied to an array or a path."""

    name = "transform-of-array"
    claims = ("transforms.array-into-resize",)
    severity = "error"
    message = Text(
        en="{name} takes a PIL image or a tensor, and this is {given}: open the image with PIL, or "
        "put ToTensor first.",
        zh="{name} 只接受 PIL 图片或张量，这里传入的是 {given}：请用 PIL 打开图片，"
        "或者先做 ToTensor。",
    )
    write = "small = transforms.Resize((512, 512))(Image.open(img_path))"
    valid = (
        """
        import cv2
        from PIL import Image
        from torchvision import transforms

        resize = transforms.Resize(32)
        print(resize(Image.open("0013035.jpg")), resize(tensor_img))
        both = transforms.Compose([transforms.ToTensor(), resize])
        print(both(cv2.imread("0013035.jpg")))
        """,
    )
    invalid = (
        Bad(
            """
            import cv2
            from torchvision import transforms

            resize = transforms.Resize(32)
            print(resize(cv2.imread("0013035.jpg")))  # finding
            print(resize("0013035.jpg"))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the transforms of images that are given an array or a path."""
        for step in steps(script):
            if step.name in SPATIAL and step.given.type in (ARRAY, PATH):
                fields = {"name": step.name, "given": SHOWN[step.given.type]}
                yield Match(node=step.node, fields=fields)


RULES = (NormalizeInput, ToTensorInput, TransformOfArray)
