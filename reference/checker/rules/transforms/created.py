"""How torchvision's transforms are created (P10, P13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.flow import places
from reference.checker.kinds import ARRAY, IMAGE, TENSOR, TRANSFORMS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

MODULE = "torchvision.transforms."
SIZED = ("Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop", "FiveCrop", "TenCrop")
WITHOUT_ARGUMENTS = tuple(MODULE + name for name in ("ToTensor", "PILToTensor", "ToPILImage"))
LAST_INTERPOLATION = 5  # as a number, which Resize still accepts
HEIGHT_AND_WIDTH = 2


class SizeAsTwoNumbers(Rule):
    """`Resize(512, 512)`, where the size must be one pair."""

    name = "size-as-two-numbers"
    claims = ("dataset.resize-two-ints", "transforms.crop-two-numbers")
    severity = "error"
    message = Text(
        en="{name} takes height and width as one argument, a pair; its second argument is "
        "something else. Write {name}(({sizes})).",
        zh="{name} 的高和宽要放在一个元组里，作为一个参数传入；它的第二个参数另有用途。"
        "请写 {name}(({sizes}))。",
    )
    valid = (
        """
        from torchvision import transforms

        transforms.Resize((512, 512))
        transforms.Resize(512, 2)
        transforms.Resize(512, transforms.InterpolationMode.NEAREST)
        transforms.RandomCrop(32, 4)
        transforms.RandomResizedCrop(224, (0.5, 1))
        """,
    )
    invalid = (
        Bad(
            """
            from torchvision import transforms

            size = 256
            transforms.Resize(512, 512)  # finding
            transforms.CenterCrop(size, size)  # finding
            transforms.RandomCrop(500, 1000)  # finding
            """,
            fixed="""
            from torchvision import transforms

            size = 256
            transforms.Resize((512, 512))
            transforms.CenterCrop((size, size))
            transforms.RandomCrop((500, 1000))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the transforms whose size is given as two arguments."""
        for call in script.calls(*(MODULE + name for name in SIZED)):
            name = script.name(call.func).rpartition(".")[2]
            values = [script.literal(arg.value) for arg in call.args if arg.keyword is None]
            first, second = (*values, ..., ...)[:HEIGHT_AND_WIDTH]
            if not isinstance(first, int) or not isinstance(second, int):
                continue
            if name == "Resize" and second <= LAST_INTERPOLATION:
                continue
            if name == "RandomCrop" and second < first // 2:
                continue  # a padding
            sizes = ", ".join(script.code(arg.value) for arg in call.args[:HEIGHT_AND_WIDTH])
            rest = call.args[HEIGHT_AND_WIDTH:]
            pair = cst.Arg(edits.expression(f"({sizes})"))
            yield Match(
                node=call,
                fields={"name": name, "sizes": sizes},
                severity="warning" if name == "RandomCrop" else None,
                write=f"{script.code(call.func)}(({sizes}))",
                fix={} if rest else {call: call.with_changes(args=[pair])},
            )


class TransformNotCreated(Rule):
    """The class of a transform where an object of it is needed."""

    name = "transform-not-created"
    claims = ("transforms.instance-first",)
    severity = "error"
    message = Text(
        en="{name} is a class: first create an object of it with {name}(…), then call that with "
        "the image.",
        zh="{name} 是类：要先用 {name}(…) 创建对象，再用这个对象处理图片。",
    )
    write = "tensor_trans = transforms.ToTensor()\ntensor_img = tensor_trans(img)"
    valid = (
        """
        import torchvision
        from torchvision import transforms

        to_tensor = transforms.ToTensor()
        print(to_tensor(img), transforms.Resize(size), isinstance(to_tensor, transforms.ToTensor))
        compose = transforms.Compose
        both = compose([to_tensor, transforms.Resize(32)])
        data = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from PIL import Image
            from torchvision import transforms
            from torchvision.transforms import ToTensor

            img = Image.open("0013035.jpg")
            tensor_img = ToTensor(img)  # finding
            to_tensor = transforms.ToTensor  # finding
            print(to_tensor(img))
            both = transforms.Compose([transforms.Resize(32), ToTensor])  # finding
            steps = [transforms.Resize(32), ToTensor]  # finding
            data = torchvision.datasets.CIFAR10("data", transform=transforms.Compose(steps))
            data = torchvision.datasets.CIFAR10("data", transform=ToTensor)  # finding
            """,
            fixed="""
            import torchvision
            from PIL import Image
            from torchvision import transforms
            from torchvision.transforms import ToTensor

            img = Image.open("0013035.jpg")
            tensor_img = ToTensor()(img)
            to_tensor = transforms.ToTensor()
            print(to_tensor(img))
            both = transforms.Compose([transforms.Resize(32), ToTensor()])
            steps = [transforms.Resize(32), ToTensor()]
            data = torchvision.datasets.CIFAR10("data", transform=transforms.Compose(steps))
            data = torchvision.datasets.CIFAR10("data", transform=ToTensor())
            """,
        ),
        Bad(
            """
            from PIL import Image
            from torchvision import transforms

            small = transforms.Resize(Image.open("0013035.jpg"))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the classes that are used as transforms, or called with an image."""
        nodes: list[cst.Name | cst.Attribute] = [*script.nodes(cst.Name)]
        for node in [*nodes, *script.nodes(cst.Attribute)]:
            parent = script.parent(node)
            if isinstance(parent, cst.Attribute | cst.ImportAlias) or not _may_be_class(node):
                continue
            name = script.name(node)
            if not TRANSFORMS.match(name):
                continue
            needs_nothing = name in WITHOUT_ARGUMENTS
            if isinstance(parent, cst.Call) and parent.func is node:
                wrong = _is_called_with_image(script, parent, needs_nothing=needs_nothing)
            else:
                wrong = _is_used_as_transform(script, node, needs_nothing=needs_nothing)
            if wrong:
                fix: edits.Fix = {node: cst.Call(node)} if needs_nothing else {}
                yield Match(node=node, fields={"name": name.rpartition(".")[2]}, fix=fix)


def _may_be_class(node: cst.Name | cst.Attribute) -> bool:
    """Return whether a name is written as those of classes are."""
    last = node.value if isinstance(node, cst.Name) else node.attr.value
    return last[:1].isupper()


def _is_called_with_image(script: Script, call: cst.Call, *, needs_nothing: bool) -> bool:
    image = argument(call, 0, "img")
    if image is None or script.name(call.func).endswith(".ToPILImage"):
        return False
    return needs_nothing or script.types.of(image) in (IMAGE, TENSOR, ARRAY)


def _is_used_as_transform(
    script: Script, node: cst.Name | cst.Attribute, *, needs_nothing: bool
) -> bool:
    """Return whether a class goes where a transform belongs, also by other names."""
    if isinstance(script.parent(node), cst.Annotation | cst.Param):
        return False
    for place in places(script, node):
        parent = script.parent(place)
        if isinstance(parent, cst.Arg) and parent.keyword and parent.keyword.value == "transform":
            return True
        if isinstance(parent, cst.Element) and _is_composed(script, parent):
            return True
        if not isinstance(parent, cst.Call) or parent.func is not place or place is node:
            continue
        if _is_called_with_image(script, parent, needs_nothing=needs_nothing):
            return True
    return False


def _is_composed(script: Script, element: cst.Element) -> bool:
    """Return whether a list becomes the transforms of a Compose."""
    listed = script.parent(element)
    if not isinstance(listed, cst.List | cst.Tuple):
        return False
    arguments = (script.parent(place) for place in places(script, listed))
    calls = (script.parent(arg) for arg in arguments if isinstance(arg, cst.Arg))
    return any(isinstance(c, cst.Call) and script.name(c.func) == f"{MODULE}Compose" for c in calls)


class ComposeWithoutList(Rule):
    """`Compose(a, b)`, where one list is needed."""

    name = "compose-without-list"
    claims = ("transforms.compose-list",)
    severity = "error"
    message = Text(
        en="Compose takes one argument, the list of the transforms: put them in square brackets.",
        zh="Compose 只接受一个参数，即由各个变换组成的列表：请用方括号括起来。",
    )
    write = "transforms.Compose([transforms.Resize(512), transforms.ToTensor()])"
    valid = (
        """
        from torchvision import transforms

        steps = [transforms.Resize(32), transforms.ToTensor()]
        print(transforms.Compose(steps), transforms.Compose([transforms.ToTensor()]))
        """,
    )
    invalid = (
        Bad(
            """
            from torchvision import transforms

            to_tensor = transforms.ToTensor()
            both = transforms.Compose(transforms.Resize(32), to_tensor)  # finding
            one = transforms.Compose(to_tensor)  # finding
            """,
            fixed="""
            from torchvision import transforms

            to_tensor = transforms.ToTensor()
            both = transforms.Compose([transforms.Resize(32), to_tensor])
            one = transforms.Compose([to_tensor])
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of Compose with transforms as its arguments."""
        for call in script.calls(f"{MODULE}Compose"):
            if not call.args or any(arg.star or arg.keyword for arg in call.args):
                continue
            single = TRANSFORMS.match(script.types.of(call.args[0].value))
            if len(call.args) > 1 or single:
                elements = [cst.Element(arg.value) for arg in call.args]
                new = call.with_changes(args=[cst.Arg(cst.List(elements))])
                yield Match(node=call, fix={call: new})


RULES = (SizeAsTwoNumbers, TransformNotCreated, ComposeWithoutList)
