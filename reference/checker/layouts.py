"""How the axes of an image are ordered: a PIL image, an array of OpenCV, a tensor, a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.iteration import iterated
from reference.checker.kinds import DATASETS, IMAGE, TENSOR, TRANSFORMS
from reference.checker.samples import transformed
from reference.checker.training.loops import IMAGES, batch_part
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

PIL, PATH = "PIL", "path"
FORMATS = {"add_image": "CHW", "add_images": "NCHW"}  # what they read without dataformats
MAX_STEPS = 20  # from a name to where its value comes from
# functions of OpenCV that keep the order of the axes and of the colours
SAME_ARRAY = frozenset(["cv2.resize", "cv2.flip", "cv2.GaussianBlur", "cv2.blur", "cv2.rotate"])
TO_ARRAY = frozenset(["numpy.array", "numpy.asarray", "numpy.uint8", "numpy.ascontiguousarray"])
TO_TENSOR = frozenset(["torch.tensor", "torch.from_numpy", "torch.as_tensor", "torch.Tensor"])
_SAME_METHODS = frozenset(["to", "cuda", "cpu", "copy", "astype", "clone", "detach", "float"])


def layout(script: Script, node: cst.BaseExpression | None) -> str:
    """Return the order of an image's axes.

    Returns:
        "HWC" for an array made of a PIL image or by OpenCV ("HW" if it is gray), "CHW" for an image
        tensor, "NCHW" for a batch, `PIL` for a PIL image, `PATH` for the name of a file; empty if
        it is not known.
    """
    for _ in range(MAX_STEPS):
        if node is None:
            return ""
        if batch_part(script, node) == IMAGES:
            return "NCHW"
        node = script.value(node)
        if isinstance(node, cst.Name | cst.Subscript):
            return _of_sample(script, node)
        if not isinstance(node, cst.Call):
            return PATH if script.types.of(node) == "builtins.str" else ""
        found, node = _of_call(script, node)
        if found:
            return found
    return ""


def logged_images(script: Script) -> Iterator[tuple[cst.Call, str, cst.BaseExpression, str]]:
    """Yield the calls that log images: the call, the method, the image, the dataformats."""
    for call, _ in script.method_calls(*FORMATS):
        method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        image = argument(call, 1, "img_tensor")
        given = argument(call, 4, "dataformats")
        formats = script.literal(given) if given else FORMATS[method]
        if image is not None and isinstance(formats, str):
            yield call, method, image, formats.upper()


def is_gray(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a PIL image that was converted to gray."""
    node = script.value(node)
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return False
    return node.func.attr.value == "convert" and script.literal(argument(node, 0, "mode")) == "L"


def read_by_opencv(script: Script, node: cst.BaseExpression) -> cst.Call | None:
    """Return the `cv2.imread` that an array in colour comes from unchanged, so in BGR."""
    for _ in range(MAX_STEPS):
        node = script.value(node)
        if not isinstance(node, cst.Call):
            return None
        name = script.name(node.func)
        if name == "cv2.imread":
            return node if _of_opencv(script, node, name) == "HWC" else None
        if isinstance(node.func, cst.Attribute) and node.func.attr.value in ("copy", "astype"):
            node = node.func.value
        elif (name in SAME_ARRAY or name in TO_ARRAY) and node.args:
            node = node.args[0].value
        else:
            return None
    return None


def _of_sample(script: Script, node: cst.Name | cst.Subscript) -> str:
    """Return the layout of the image of a data set's sample: `img` in `img, target = set[0]`."""
    of = script.types.of(node)
    if of == IMAGE:
        return PIL
    if isinstance(node, cst.Subscript):
        is_image = script.types.of(node.value) == "sample"
        return "CHW" if of == TENSOR and is_image else _of_item(script, node)
    binding = script.binding(node)
    if of != TENSOR or binding is None or binding.value is None:
        return ""
    source, path = binding.value, binding.path
    if binding.iterated:
        found, path = iterated(script, source, path)
        is_sample = bool(DATASETS.match(script.types.of(found)))
    else:
        is_sample = script.types.of(source) == "sample"
    return "CHW" if is_sample and path == (0,) else ""


def _of_item(script: Script, node: cst.Subscript) -> str:
    """Return "CHW" for `imgs[0]` of a batch."""
    index = node.slice[0].slice
    is_one = isinstance(index, cst.Index) and isinstance(script.literal(index.value), int)
    return "CHW" if is_one and layout(script, node.value) == "NCHW" else ""


def _of_call(script: Script, call: cst.Call) -> tuple[str, cst.BaseExpression | None]:
    """Return the layout of what a call returns, or the expression that has the same."""
    name, of = script.name(call.func), script.types.of(call)
    first = call.args[0].value if call.args else None
    if of in (IMAGE, "builtins.str"):
        return (PIL if of == IMAGE else PATH), None
    if name in ("cv2.imread", "cv2.cvtColor"):
        return _of_opencv(script, call, name), None
    if name in TO_ARRAY and first is not None:
        is_image = layout(script, first) == PIL
        return ("" if not is_image else "HW" if is_gray(script, first) else "HWC"), first
    if name in SAME_ARRAY or name in TO_TENSOR:
        return "", first
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    if isinstance(call.func, cst.Attribute) and method in _SAME_METHODS:
        return "", call.func.value
    return _of_transform(script, call, first), None


def _of_opencv(script: Script, call: cst.Call, name: str) -> str:
    """Return the layout of what `imread` or `cvtColor` returns."""
    option = argument(call, 1, "flags" if name == "cv2.imread" else "code")
    value, option_name = script.literal(option), script.name(option)
    if value == 0 or option_name.endswith(("IMREAD_GRAYSCALE", "2GRAY")):
        return "HW"
    in_colour = option is None or value == 1 or name == "cv2.cvtColor"
    return "HWC" if in_colour or option_name.endswith("IMREAD_COLOR") else ""


def _of_transform(script: Script, call: cst.Call, image: cst.BaseExpression | None) -> str:
    """Return the layout of what a transform returns, if it is a tensor."""
    if not TRANSFORMS.match(script.types.of(call.func)) or script.types.of(call) != TENSOR:
        return ""
    if transformed(script, call.func, IMAGE) == TENSOR:
        return "CHW"  # one with ToTensor takes a single image
    found = layout(script, image)
    return found if found in FORMATS.values() else ""
