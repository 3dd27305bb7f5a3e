"""Pictures that are brought into the shape of a batch (P32)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.edits import Fix, expression
from reference.checker.finding import Text
from reference.checker.kinds import TRANSFORMS
from reference.checker.pictures import Step, new_shape, steps
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.images import transformed_shape
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

CHANNELS = 3
_UNKNOWN = (CHANNELS, -1, -2)  # the shape of a picture of any height and width
_KEEPS_SHAPE = {"convert", "to", "cuda", "cpu", "float", "unsqueeze", "copy"}


class PictureReshape(Rule):
    """A picture that is reshaped to more or fewer values than it has."""

    name = "picture-reshape"
    claims = ("infer.prepare-image", "tensor.view-changes-shape-only")
    severity = "error"
    message = Text(
        en="After the transforms the picture has {height} x {width} pixels in each channel, which "
        "do not fit into {shape} (RuntimeError: shape … is invalid for input of size …): resize it "
        "to the size that the network takes.",
        zh="经过变换，图片每个通道有 {height} x {width} 个像素，放不进 {shape}（RuntimeError: "
        "shape … is invalid for input of size …）：要缩放到网络需要的尺寸。",
    )
    valid = (
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
        image = transform(Image.open("dog.jpg").convert("RGB"))
        image = torch.reshape(image, (1, 3, 32, 32))
        flat = image.reshape(-1, 3072)
        digit = transforms.Compose([transforms.Resize((28, 28)), transforms.ToTensor()])
        three = digit(Image.open("3.png")).reshape(1, 1, 28, 28)
        any_size = transforms.ToTensor()(Image.open("dog.jpg")).reshape(1, 3, 32, 32)
        """,
    )
    invalid = (
        Bad("""
            import torch
            from PIL import Image
            from torchvision import transforms

            transform = transforms.Compose([transforms.Resize((32, 24)), transforms.ToTensor()])
            image = transform(Image.open("dog.png").convert("RGB"))
            image = torch.reshape(image, (1, 3, 32, 32))  # finding
            resize = transforms.Resize((64, 64))
            other = transforms.ToTensor()(resize(Image.open("cat.jpg")))
            batch = other.view(-1, 3, 32, 24)  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the reshapes that a picture does not fit."""
        for step, sizes, shape in _reshapes(script):
            if None in shape or -1 in shape or not _misfits(sizes, shape):
                continue
            fields = {
                "height": str(shape[1]),
                "width": str(shape[2]),
                "shape": str(tuple(sizes)),
            }
            yield Match(node=step.node, fields=fields)


def _reshapes(script: Script) -> Iterator[tuple[Step, list[int], tuple[int | None, ...]]]:
    """Yield where a picture is reshaped, to which sizes, and its shape before."""
    for opened in script.calls("PIL.Image.open"):
        for step in steps(script, opened):
            sizes = new_shape(script, step)
            known = [size for size in sizes or () if isinstance(size, int)]
            if sizes and len(known) == len(sizes):
                shape = _shape_before(script, step)
                if shape is not None:
                    yield step, known, shape


def _shape_before(script: Script, step: Step) -> tuple[int | None, ...] | None:
    """Return the shape that transforms give a picture, if nothing else changes it."""
    shape: tuple[int | None, ...] | None = _UNKNOWN
    for before in step.before:
        call = before.node
        if not isinstance(call, cst.Call):
            return None
        if TRANSFORMS.match(script.types.of(call.func)):
            shape = transformed_shape(script, call.func, shape)
        elif not isinstance(call.func, cst.Attribute) or call.func.attr.value not in _KEEPS_SHAPE:
            return None
    return shape


def _misfits(sizes: list[int], shape: tuple[int | None, ...]) -> bool:
    """Return whether neither three channels nor a gray picture fits into sizes."""
    wanted = math.prod(size for size in sizes if size != -1)
    pixels = math.prod(size or 0 for size in shape[1:])
    counts = (CHANNELS * pixels, pixels)
    if -1 in sizes:
        return bool(wanted) and all(count % wanted for count in counts)
    return wanted not in counts


class ResizeKeepsRatio(Rule):
    """`Resize(32)` before a reshape to a square."""

    name = "resize-keeps-ratio"
    claims = ("infer.prepare-image",)
    severity = "warning"
    message = Text(
        en="Resize({size}) makes the shorter side {size} pixels long and keeps the aspect ratio: "
        "only a square picture then fits into {shape}. Write Resize(({size}, {size})).",
        zh="Resize({size}) 只把短边缩放到 {size}，长宽比不变，只有正方形的图片才能变形为 {shape}："
        "应写 Resize(({size}, {size}))。",
    )
    valid = PictureReshape.valid
    invalid = (
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            transform = transforms.Compose([
                transforms.Resize(32),
                transforms.ToTensor(),
            ])
            image = transform(Image.open("dog.png").convert("RGB"))
            image = torch.reshape(image, (1, 3, 32, 32))  # finding
            """,
            fixed="""
            import torch
            from PIL import Image
            from torchvision import transforms

            transform = transforms.Compose([
                transforms.Resize((32, 32)),
                transforms.ToTensor(),
            ])
            image = transform(Image.open("dog.png").convert("RGB"))
            image = torch.reshape(image, (1, 3, 32, 32))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the reshapes to a square of pictures whose shorter side was resized."""
        for opened in script.calls("PIL.Image.open"):
            for step in steps(script, opened):
                sizes = new_shape(script, step) or []
                found = _shorter_side(script, step)
                if found is None or len(sizes) < CHANNELS:
                    continue
                call, size = found
                if sizes[-2:] == [size, size]:
                    fields = {"size": str(size), "shape": str(tuple(sizes))}
                    given = argument(call, 0, "size")
                    fix: Fix = {given: expression(f"({size}, {size})")} if given is not None else {}
                    yield Match(node=step.node, fields=fields, fix=fix)


def _shorter_side(script: Script, step: Step) -> tuple[cst.Call, int] | None:
    """Return the Resize with one number that a picture passed, if nothing else has a size."""
    transforms = [
        script.value(before.node.func)
        for before in step.before
        if isinstance(before.node, cst.Call) and TRANSFORMS.match(script.types.of(before.node.func))
    ]
    created = [t for t in transforms if isinstance(t, cst.Call)]
    created += [call for transform in created for call in script.within(transform, cst.Call)]
    sized = [c for c in created if script.name(c.func).endswith(("Crop", ".Resize"))]
    if len(sized) != 1 or not script.name(sized[0].func).endswith(".Resize"):
        return None
    size = script.literal(argument(sized[0], 0, "size"))
    return (sized[0], size) if isinstance(size, int) and size > 1 else None


RULES = (PictureReshape, ResizeKeepsRatio)
