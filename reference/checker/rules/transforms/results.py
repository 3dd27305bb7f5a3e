"""What transforms return, and the numbers of Normalize (P12, P13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import loop
from reference.checker.data.pipelines import steps
from reference.checker.finding import Text
from reference.checker.kinds import IMAGE, TRANSFORMS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

# methods of PIL images that return another image
NEW_IMAGE = frozenset(
    ["convert", "resize", "crop", "rotate", "transpose", "filter", "reduce", "point"]
)


class NormalizeChannels(Rule):
    """Means or standard deviations that do not fit the channels of the images."""

    name = "normalize-channels"
    claims = ("transforms.normalize-three",)
    severity = "error"
    message = Text(
        en="Normalize has {given} means and standard deviations, and the image has {channels} "
        "channels: give one number for each channel.",
        zh="Normalize 给了 {given} 个均值和标准差，而图片有 {channels} 个通道：每个通道各给一个。",
    )
    write = "transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])  # gray: ([0.5], [0.5])"
    valid = (
        """
        from torchvision import datasets, transforms

        one = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        three = transforms.Compose([
            transforms.Grayscale(3),
            transforms.ToTensor(),
            transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ])
        datasets.CIFAR10("data", transform=one)
        datasets.CIFAR10("data", transform=three)
        datasets.MNIST("data", transform=three)
        """,
    )
    invalid = (
        Bad(
            """
            from torchvision import datasets, transforms

            norm = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
            steps = [transforms.ToTensor(), norm]  # finding
            datasets.MNIST("data", transform=transforms.Compose(steps))
            two = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5])  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the Normalize that do not fit their images, or in themselves."""
        for call in script.calls("torchvision.transforms.Normalize"):
            sizes = {_size(script, call, 0, "mean"), _size(script, call, 1, "std")} - {0, 1}
            if len(sizes) > 1:
                small, large = sorted(sizes)
                yield Match(node=call, fields={"given": f"{small} / {large}", "channels": "3"})
        for step in steps(script):
            channels = step.given.channels
            given = _size(script, step.created, 0, "mean") if step.name == "Normalize" else 0
            if channels and given > 1 and given != channels:
                fields = {"given": str(given), "channels": str(channels)}
                yield Match(node=step.node, fields=fields)


def _size(script: Script, call: cst.Call, position: int, name: str) -> int:
    """Return how many numbers an argument has; 0 if it is not known."""
    value = script.literal(argument(call, position, name))
    return len(value) if isinstance(value, list) else 0


class TransformResultDropped(Rule):
    """A transform, or `img.convert("RGB")`, whose result is not used."""

    name = "image-result-dropped"
    claims = ("transforms.new-image",)
    severity = "warning"
    message = Text(
        en="This returns a new image and does not change {image}: assign the result.",
        zh="这一行返回新的图片，并不改变 {image} 本身：请把结果赋值给变量。",
    )
    write = 'image = image.convert("RGB")'
    valid = (
        """
        from PIL import Image
        from torchvision import transforms

        img = Image.open("0013035.jpg")
        img = img.convert("RGB")
        img.show()
        img.thumbnail((32, 32))
        print(transforms.Resize(32)(img))
        """,
    )
    invalid = (
        Bad(
            """
            from PIL import Image
            from torchvision import transforms

            image = Image.open("dog.png")
            image.convert("RGB")  # finding
            resize = transforms.Resize((32, 32))
            resize(image)  # finding
            """,
            fixed="""
            from PIL import Image
            from torchvision import transforms

            image = Image.open("dog.png")
            image = image.convert("RGB")
            resize = transforms.Resize((32, 32))
            image = resize(image)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the statements that make a new image and drop it."""
        if script.path.suffix == ".ipynb":
            return  # a notebook shows the value of a cell's last line
        for statement in script.nodes(cst.Expr):
            call = statement.value
            image = _image_of(script, call) if isinstance(call, cst.Call) else None
            if image is None:
                continue
            fix: edits.Fix = {}
            if isinstance(image, cst.Name) and loop(script, statement) is None:
                target = cst.AssignTarget(image)
                fix = {statement: cst.Assign([target], call)}
            yield Match(node=statement, fields={"image": script.code(image)}, fix=fix)


def _image_of(script: Script, call: cst.Call) -> cst.BaseExpression | None:
    """Return the image of which a call makes a new one."""
    if TRANSFORMS.match(script.types.of(call.func)):
        return argument(call, 0, "img")
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    if isinstance(call.func, cst.Attribute) and method in NEW_IMAGE:
        return call.func.value if script.types.of(call.func.value) == IMAGE else None
    is_function = script.name(call.func).startswith("torchvision.transforms.functional.")
    return argument(call, 0, "img") if is_function else None


RULES = (NormalizeChannels, TransformResultDropped)
