"""Images for TensorBoard: the order of their axes, PIL images (P8, P9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.layouts import PATH, PIL, layout, logged_images
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst as cst

    from reference.checker.script import Script


class AddImageOrder(Rule):
    """An image whose axes are in another order than `dataformats` says, by default CHW."""

    name = "add-image-order"
    claims = (
        "tensorboard.image-hwc",
        "tensorboard.image-channel-axis",
        "tensorboard.image-garbled",
    )
    severity = "error"
    message = Text(
        en="The axes of this image are in the order {layout}, and {method} reads them as {given}: "
        'write dataformats="{layout}" (H height, W width, C channels).',
        zh="这张图片各维的顺序是 {layout}，而 {method} 按 {given} 来读："
        '请写 dataformats="{layout}"（H 高，W 宽，C 通道）。',
    )
    valid = (
        """
        import numpy as np
        from PIL import Image
        from torchvision import transforms

        img = Image.open("0013035.jpg")
        writer.add_image("test", np.array(img), 1, dataformats="HWC")
        writer.add_image("test", np.array(img).transpose(2, 0, 1), 1)
        writer.add_image("test", transforms.ToTensor()(img), 1)
        """,
        """
        import torchvision

        test_set = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
        img, target = test_set[0]
        writer.add_image("test", img, 1)
        writer.add_image("test", test_set[1][0], 1, dataformats="CHW")
        """,
    )
    invalid = (
        Bad(
            """
            import numpy as np
            import torch
            from PIL import Image

            img = Image.open("0013035.jpg")
            img_array = np.array(img)
            writer.add_image("test", img_array, 1)  # finding
            writer.add_image("gray", np.array(img.convert("L")), 1)  # finding
            writer.add_image("tensor", torch.from_numpy(img_array), 1)  # finding
            """,
            fixed="""
            import numpy as np
            import torch
            from PIL import Image

            img = Image.open("0013035.jpg")
            img_array = np.array(img)
            writer.add_image("test", img_array, 1, dataformats="HWC")
            writer.add_image("gray", np.array(img.convert("L")), 1, dataformats="HW")
            writer.add_image("tensor", torch.from_numpy(img_array), 1, dataformats="HWC")
            """,
        ),
        Bad(
            """
            import torchvision
            from PIL import Image

            to_tensor = torchvision.transforms.ToTensor()
            img = to_tensor(Image.open("0013035.jpg"))
            writer.add_image("test", img, 1, dataformats="HWC")  # finding
            """,
            fixed="""
            import torchvision
            from PIL import Image

            to_tensor = torchvision.transforms.ToTensor()
            img = to_tensor(Image.open("0013035.jpg"))
            writer.add_image("test", img, 1, dataformats="CHW")
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the images whose order is known to be another one than the call says."""
        for call, method, image, given in logged_images(script):
            found = layout(script, image)
            if found in ("", PIL, PATH) or found == given:
                continue
            if len(found) == len(given) or found == "HW":
                fields = {"layout": found, "method": method, "given": given}
                new = _with_formats(call, found)
                yield Match(node=call, fields=fields, write=script.code(new), fix={call: new})


def _with_formats(call: cst.Call, formats: str) -> cst.Call:
    kept = [arg for arg in call.args if not arg.keyword or arg.keyword.value != "dataformats"]
    new = call.with_changes(args=kept)
    return edits.with_keyword(new, "dataformats", f'"{formats}"')


class AddImagePil(Rule):
    """A PIL image, or the name of a file, given to `add_image`."""

    name = "add-image-pil"
    claims = ("tensorboard.image-blobname", "tensorboard.image-pil")
    severity = "error"
    message = Text(
        en="{method} takes an array or a tensor, and this is {given}: convert the image with "
        'ToTensor, or with numpy.array and dataformats="HWC".',
        zh="{method} 只接受数组或张量，这里传入的是 {given}：请先用 ToTensor 转换，"
        '或者用 numpy.array 转换并写上 dataformats="HWC"。',
    )
    valid = (
        """
        from PIL import Image
        from torchvision.transforms import ToTensor

        writer.add_image("test", ToTensor()(Image.open("0013035.jpg")))
        """,
    )
    invalid = (
        Bad(
            """
            from PIL import Image

            img_path = "0013035.jpg"
            img = Image.open(img_path)
            writer.add_image("test", img, 1)  # finding
            writer.add_image("test", img_path, 1)  # finding
            """
        ),
        Bad(
            """
            import torchvision

            test_set = torchvision.datasets.CIFAR10("data", train=False)
            for i in range(10):
                img, target = test_set[i]
                writer.add_image("test_set", img, i)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the PIL images and names of files that are logged."""
        shown = {PIL: "PIL.Image", PATH: "str"}
        for call, method, image, _ in logged_images(script):
            if (found := layout(script, image)) in shown:
                yield Match(node=call, fields={"method": method, "given": shown[found]})


RULES = (AddImageOrder, AddImagePil)
