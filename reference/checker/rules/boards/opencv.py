"""Images read by OpenCV, whose colours are in the order blue, green, red (P6, P8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.kinds import TRANSFORMS
from reference.checker.layouts import read_by_opencv
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

SHOWING = ("PIL.Image.fromarray", "matplotlib.pyplot.imshow")


class OpencvColours(Rule):
    """An array of `cv2.imread`, which is BGR, used as RGB."""

    name = "opencv-bgr"
    claims = ("tensorboard.image-opencv", "dataset.opencv-for-pillow")
    severity = "warning"
    message = Text(
        en="cv2.imread returns the colours in the order blue, green, red, and here they are taken "
        "as red, green, blue: red and blue are swapped. Convert the image with "
        "cv2.cvtColor(img, cv2.COLOR_BGR2RGB) first.",
        zh="cv2.imread 读出的颜色顺序是蓝、绿、红（BGR），而这里按红、绿、蓝使用，"
        "红色和蓝色会对调。"
        "请先用 cv2.cvtColor(img, cv2.COLOR_BGR2RGB) 转换。",
    )
    valid = (
        """
        import cv2
        from PIL import Image

        img = cv2.imread("0013035.jpg")
        img = cv2.cvtColor(img, cv2.COLOR_BGR2RGB)
        writer.add_image("test", img, 1, dataformats="HWC")
        picture = Image.fromarray(cv2.imread("0013035.jpg")[:, :, ::-1])
        gray = cv2.imread("0013035.jpg", cv2.IMREAD_GRAYSCALE)
        writer.add_image("gray", gray, 1, dataformats="HW")
        cv2.imwrite("copy.jpg", cv2.imread("0013035.jpg"))
        """,
    )
    invalid = (
        Bad(
            """
            import cv2 as cv
            import matplotlib.pyplot as plt
            from torchvision.transforms import ToTensor

            img = cv.imread("0013035.jpg", 1)
            small = cv.resize(img, (32, 32))
            writer.add_image("test", small, 1, dataformats="HWC")  # finding
            plt.imshow(img)  # finding
            tensor = ToTensor()(img)  # finding
            """,
            fixed="""
            import cv2 as cv
            import matplotlib.pyplot as plt
            from torchvision.transforms import ToTensor

            img = cv.imread("0013035.jpg", 1)
            small = cv.resize(img, (32, 32))
            writer.add_image("test", cv.cvtColor(small, cv.COLOR_BGR2RGB), 1, dataformats="HWC")
            plt.imshow(cv.cvtColor(img, cv.COLOR_BGR2RGB))
            tensor = ToTensor()(cv.cvtColor(img, cv.COLOR_BGR2RGB))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls that take an array of cv2.imread for RGB."""
        if not any(script.calls("cv2.imread")):
            return
        for call in script.nodes(cst.Call):
            image = _shown(script, call)
            if image is None or (imread := read_by_opencv(script, image)) is None:
                continue
            fix: edits.Fix = {}
            if isinstance(imread.func, cst.Attribute):
                cv2 = script.code(imread.func.value)
                code = f"{cv2}.cvtColor({script.code(image)}, {cv2}.COLOR_BGR2RGB)"
                fix = {image: edits.expression(code)}
            yield Match(node=call, fix=fix)


def _shown(script: Script, call: cst.Call) -> cst.BaseExpression | None:
    """Return the image that a call takes for RGB."""
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "add_image":
        return argument(call, 1, "img_tensor")
    if script.name(call.func) in SHOWING:
        return argument(call, 0, "X") or argument(call, None, "obj")
    is_transform = TRANSFORMS.match(script.types.of(call.func))
    return argument(call, 0, "img") if is_transform else None


RULES = (OpencvColours,)
