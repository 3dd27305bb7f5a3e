"""Pictures on their way into a network (P32)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import TRANSFORMS
from reference.checker.pictures import Step, new_shape, steps
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import file_name
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

_MAY_BE_TRANSPARENT = re.compile(r"(?i)\.(png|gif|webp|tiff?|ico)\s*$")
_CHOOSES_CHANNELS = re.compile(r"convert|Grayscale|RGB|Lambda|repeat")
RGB = 3


class ConvertMissing(Rule):
    """A picture that goes into a network without `convert("RGB")`."""

    name = "convert-rgb-missing"
    claims = ("infer.needs-rgb", "infer.prepare-image")
    severity = "warning"
    message = Text(
        en="The network takes three channels, but a picture may have four (a PNG with "
        'transparency) or one (gray): write .convert("RGB") after Image.open.',
        zh="网络要三个通道，而图片可能有四个（带透明度的 PNG）或一个（灰度图）："
        '在 Image.open 之后加上 .convert("RGB")。',
    )
    valid = (
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        image = Image.open("dog.png")
        print(image)
        image = image.convert("RGB")
        image = transforms.ToTensor()(image)
        image = torch.reshape(image, (1, 3, 32, 32))
        """,
        """
        from PIL import Image
        from torch.utils.data import Dataset

        class MyData(Dataset):
            def __getitem__(self, idx):
                img = Image.open(self.paths[idx])
                return self.transform(img), self.labels[idx]

        Image.open("dog.png").show()
        """,
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        digit = transforms.Compose([transforms.Grayscale(), transforms.ToTensor()])
        image = torch.reshape(digit(Image.open("3.png")), (1, 1, 28, 28))
        colour = transforms.ToTensor()(Image.open("dog.png"))[:3]
        output = model(colour.unsqueeze(0))
        normalize = transforms.Normalize((0.5,), (0.5,))
        gray = normalize(transforms.ToTensor()(Image.open("gray.png")))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            path = "./imgs/dog.png"
            image = Image.open(path)  # finding
            transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
            image = transform(image)
            image = torch.reshape(image, (1, 3, 32, 32))
            """,
            fixed="""
            import torch
            from PIL import Image
            from torchvision import transforms

            path = "./imgs/dog.png"
            image = Image.open(path).convert("RGB")
            transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
            image = transform(image)
            image = torch.reshape(image, (1, 3, 32, 32))
            """,
        ),
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            def classify(path, model):
                model.eval()
                image = transforms.ToTensor()(Image.open(path))  # finding
                return model(image.unsqueeze(0).to("cpu"))
            """,
            fixed="""
            import torch
            from PIL import Image
            from torchvision import transforms

            def classify(path, model):
                model.eval()
                image = transforms.ToTensor()(Image.open(path).convert("RGB"))
                return model(image.unsqueeze(0).to("cpu"))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the pictures that are opened for a network and not converted."""
        for opened in script.calls("PIL.Image.open"):
            done = list(steps(script, opened))
            if any(_chooses_channels(script, step) for step in done):
                continue
            path = file_name(script, argument(opened, 0, "fp"))
            transparent = bool(_MAY_BE_TRANSPARENT.search(path))
            severity: Severity | None = "warning" if transparent else "advice"
            if not any(step.network or _is_rgb(new_shape(script, step)) for step in done):
                if not transparent or not any(_normalizes(script, step) == RGB for step in done):
                    continue
                severity = "advice"
            new = cst.Call(
                cst.Attribute(opened, cst.Name("convert")),
                [cst.Arg(cst.SimpleString('"RGB"'))],
            )
            yield Match(node=opened, severity=severity, fix={opened: new})


def _chooses_channels(script: Script, step: Step) -> bool:
    """Return whether a step makes a fixed number of channels, or needs another one than three."""
    if isinstance(step.node, cst.Subscript):
        return isinstance(step.node.slice[0].slice, cst.Slice)  # such as image[:3]
    code = script.code(step.node.func)
    if TRANSFORMS.match(script.types.of(step.node.func)):
        code = script.code(script.value(step.node.func))
    shape = new_shape(script, step)
    gray = shape is not None and len(shape) > 2 and shape[-3] == 1  # noqa: PLR2004 - C, H, W
    return bool(_CHOOSES_CHANNELS.search(code)) or gray or _normalizes(script, step) == 1


def _is_rgb(shape: list[object] | None) -> bool:
    return shape is not None and len(shape) > 2 and shape[-3] == RGB  # noqa: PLR2004 - C, H, W


def _normalizes(script: Script, step: Step) -> int:
    """Return for how many channels a transform normalizes; 0 if it does not."""
    if not isinstance(step.node, cst.Call):
        return 0
    transform = script.value(step.node.func)
    if not isinstance(transform, cst.Call) or not TRANSFORMS.match(script.types.of(transform)):
        return 0
    for call in (transform, *script.within(transform, cst.Call)):
        if script.name(call.func).endswith(".Normalize"):
            mean = script.literal(argument(call, 0, "mean"))
            return len(mean) if isinstance(mean, list) else 0
    return 0


RULES = (ConvertMissing,)
