"""Claims about the transforms, for torchvision and the reference (P10-P13)."""

import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageShow
from torch import nn
from torchvision import transforms
from torchvision.transforms import (
    CenterCrop,
    Compose,
    Normalize,
    RandomCrop,
    Resize,
    ToPILImage,
    ToTensor,
    functional,
)

from reference.data.transforms import compose, random_crop, resize, to_pil_image, to_tensor
from reference.errors import InputError
from spec_tests.harness.shown_errors import ShowsError

HALF = [0.5, 0.5, 0.5]


@pytest.fixture(scope="module")
def tensor(ant: Image.Image) -> torch.Tensor:
    return ToTensor()(ant)


@pytest.mark.claim("transforms.tools")
def test_tools_are_classes() -> None:
    for name in (
        "Compose", "ToTensor", "ToPILImage", "Normalize", "Resize", "CenterCrop", "RandomCrop",
    ):  # fmt: skip
        assert inspect.isclass(getattr(transforms, name))


@pytest.mark.claim("transforms.misspelt")
@pytest.mark.shows("transforms.misspelt")
def test_misspelt_names_do_not_exist(shows_error: ShowsError) -> None:
    for name in ("CoTensor", "Nomalize"):
        with shows_error("transforms.misspelt"):
            getattr(transforms, name)


@pytest.mark.claim("transforms.resize-crops")
def test_resize_keeps_the_whole_image() -> None:
    halves = Image.new("RGB", (8, 8), "red")
    halves.paste("blue", (4, 0, 8, 8))
    for scaled in (Resize((2, 2))(halves), resize(halves, (2, 2))):
        assert scaled.getpixel((0, 0))[0] > 200
        assert scaled.getpixel((1, 0))[2] > 200
    assert CenterCrop(2)(halves).getcolors() == [(2, (255, 0, 0)), (2, (0, 0, 255))]


@pytest.mark.claim("transforms.file")
def test_source_file() -> None:
    assert Path(inspect.getfile(ToTensor)).name == "transforms.py"


@pytest.mark.claim("transforms.call")
def test_instances_are_called(ant: Image.Image, tensor: torch.Tensor) -> None:
    assert all("__call__" in vars(tool) for tool in (ToTensor, ToPILImage, Compose))
    assert all(issubclass(tool, nn.Module) for tool in (Normalize, Resize, CenterCrop, RandomCrop))
    for tool, picture in (
        (ToTensor(), ant),
        (ToPILImage(), tensor),
        (Compose([]), ant),
        (Normalize(HALF, HALF), tensor),
        (Resize(8), ant),
        (CenterCrop(8), ant),
        (RandomCrop(8), ant),
    ):
        assert isinstance(tool(picture), Image.Image | torch.Tensor)


@pytest.mark.claim("transforms.instance-first")
@pytest.mark.shows("transforms.instance-first")
def test_class_cannot_be_called_with_the_image(ant: Image.Image, shows_error: ShowsError) -> None:
    for tool in (ToTensor, Resize):
        with shows_error("transforms.instance-first"):
            tool(ant)
    assert isinstance(ToTensor()(ant), torch.Tensor)


@pytest.mark.claim("transforms.to-tensor-init")
def test_to_tensor_constructor_takes_no_arguments() -> None:
    assert {"__init__", "__call__"} <= set(vars(ToTensor))
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        ToTensor("argument")


@pytest.mark.claim("transforms.to-tensor", "transforms.to-tensor-channels-first")
def test_to_tensor(ant: Image.Image) -> None:
    assert np.array(ant).shape == (512, 768, 3)
    for image in (ToTensor()(ant), to_tensor(ant)):
        assert isinstance(image, torch.Tensor)
        assert image.shape == (3, 512, 768)
        assert image.dtype == torch.float32


@pytest.mark.data
@pytest.mark.claim("transforms.to-tensor", "transforms.to-tensor-channels-first")
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ants/0013035.jpg", (512, 768, 3)),
        ("ants/6240329_72c01e663e.jpg", (369, 500, 3)),
        ("bees/95238259_98470c5b10.jpg", (333, 500, 3)),
    ],
)
def test_to_tensor_of_the_courses_photographs(
    real_data: Path, name: str, shape: tuple[int, int, int]
) -> None:
    with Image.open(real_data / "hymenoptera_data" / "train" / name) as image:
        assert np.array(image).shape == shape
        for tensor in (ToTensor()(image), to_tensor(image)):
            assert tensor.shape == (3, *shape[:2])


@pytest.mark.claim("transforms.to-tensor-scale")
def test_to_tensor_divides_by_255() -> None:
    image = Image.new("RGB", (1, 1), (0, 51, 255))
    for tensor in (ToTensor()(image), to_tensor(image)):
        torch.testing.assert_close(
            tensor, torch.tensor([[[0.0]], [[0.2]], [[1.0]]]), rtol=0, atol=0
        )


@pytest.mark.claim("transforms.to-tensor-8-bit")
def test_to_tensor_scales_only_8_bits() -> None:
    for convert in (ToTensor(), to_tensor):
        assert convert(np.full((1, 1, 3), 255, np.uint8)).max() == 1
        assert convert(np.full((1, 1, 3), 255, np.float32)).max() == 255
        assert convert(Image.new("I;16", (1, 1), 255)).max() == 255
        assert convert(Image.new("F", (1, 1), 255)).max() == 255


@pytest.mark.claim("transforms.tensor-attributes")
@pytest.mark.parametrize("name", ["_backward_hooks", "device", "is_cuda", "_grad_fn", "_grad"])
def test_tensor_attributes(tensor: torch.Tensor, name: str) -> None:
    assert name in dir(tensor)


@pytest.mark.claim("transforms.person")
def test_call_and_method_of_an_instance(capsys: pytest.CaptureFixture[str]) -> None:
    class Person:
        def __call__(self, name: str) -> None:
            print("__call__ " + "Hello, " + name)

        def hello(self, name: str) -> None:
            print("Hello,", name)

    person = Person()
    person("LZY")
    person.hello("YYR")
    assert capsys.readouterr().out == "__call__ Hello, LZY\nHello, YYR\n"


@pytest.mark.claim("transforms.resize-tensor")
def test_resize_takes_image_and_tensor(ant: Image.Image, tensor: torch.Tensor) -> None:
    for scale in (Resize((512, 512)), lambda picture: resize(picture, (512, 512))):
        assert scale(ant).size == (512, 512)
        assert scale(tensor).shape == (3, 512, 512)


@pytest.mark.claim("transforms.resize-int", "transforms.resize-pair", "transforms.resize-ratio")
@pytest.mark.parametrize(
    ("size", "width_height"),
    [(300, (450, 300)), ((10, 20), (20, 10)), ((300, 300), (300, 300))],
)
def test_resize_sizes(
    ant: Image.Image, size: int | tuple[int, int], width_height: tuple[int, int]
) -> None:
    assert ant.size == (768, 512)
    assert Resize(size)(ant).size == width_height
    assert resize(ant, size).size == width_height
    assert resize(ant.rotate(90, expand=True), 300).size == (300, 450)


@pytest.mark.claim("transforms.compose")
def test_compose_applies_in_order(ant: Image.Image) -> None:
    assert Compose([Resize((512, 512)), ToTensor()])(ant).shape == (3, 512, 512)
    assert Compose([Resize(300), ToTensor()])(ant).shape == (3, 300, 450)
    ours = compose([lambda image: resize(image, 300), to_tensor])
    assert ours(ant).shape == (3, 300, 450)
    with pytest.raises(TypeError):
        Compose([ToTensor(), ToTensor()])(ant)


@pytest.mark.claim("transforms.compose-types")
def test_compose_takes_any_callable() -> None:
    steps = [lambda value: value + 1, str, len]
    assert Compose(steps)(99) == 3
    assert compose(steps)(99) == 3


@pytest.mark.claim("transforms.random-crop")
def test_random_crop_has_a_random_position() -> None:
    places = torch.arange(512 * 768).reshape(1, 512, 768)
    for crop_at_random in (RandomCrop((128, 256)), lambda image: random_crop(image, (128, 256))):
        crops = [crop_at_random(places) for _ in range(5)]
        assert all(crop.shape == (1, 128, 256) for crop in crops)
        assert all(crop[0, -1, -1] - crop[0, 0, 0] == 127 * 768 + 255 for crop in crops)
        assert len({int(crop[0, 0, 0]) for crop in crops}) > 1
    assert RandomCrop(300)(Image.new("L", (768, 512))).size == (300, 300)
    assert random_crop(Image.new("L", (768, 512)), (128, 256)).size == (256, 128)


@pytest.mark.claim("transforms.random-crop-too-large")
@pytest.mark.shows("transforms.random-crop-too-large")
def test_random_crop_larger_than_the_image_fails(ant: Image.Image, shows_error: ShowsError) -> None:
    with shows_error("transforms.random-crop-too-large"):
        RandomCrop(600)(ant)
    with pytest.raises(ValueError, match="600 x 600 is larger than the image of 512 x 768"):
        random_crop(ant, 600)


@pytest.mark.claim("transforms.to-pil-image")
@pytest.mark.shows("transforms.to-pil-image")
def test_to_pil_image_is_lossless(
    ant: Image.Image, tensor: torch.Tensor, shows_error: ShowsError
) -> None:
    with shows_error("transforms.to-pil-image"):
        ToPILImage()(ant)
    for image in (ToPILImage()(tensor), to_pil_image(tensor)):
        assert (image.mode, image.size) == ("RGB", (768, 512))
        assert image.tobytes() == ant.tobytes()


@pytest.mark.shows("transforms.resize-pair")
def test_sizes_that_resize_refuses(shows_error: ShowsError) -> None:
    for size in (2.5, (1, 2, 3)):
        with shows_error("transforms.resize-pair"):
            Resize(size)


@pytest.mark.claim("transforms.images-only")
def test_text_is_refused() -> None:
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray. Got <class 'str'>"):
        ToTensor()("text")
    with pytest.raises(TypeError, match="PIL image or an array, not str"):
        to_tensor("text")


@pytest.mark.claim("transforms.pil-to-tensor")
def test_pil_to_tensor_does_not_scale() -> None:
    tensor = functional.pil_to_tensor(Image.new("RGB", (1, 1), (0, 51, 255)))
    assert tensor.dtype == torch.uint8
    assert tensor.tolist() == [[[0]], [[51]], [[255]]]


@pytest.mark.claim("transforms.no-warning")
def test_course_pipeline_gives_no_warning(ant: Image.Image) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        transform = Compose([Resize((64, 64)), RandomCrop(32), ToTensor(), Normalize(HALF, HALF)])
        ToPILImage()(transform(ant))
    assert not caught


@pytest.mark.claim("transforms.own-call")
def test_some_tools_define_forward_instead_of_call() -> None:
    for tool in (Compose, ToTensor, ToPILImage):
        assert "__call__" in vars(tool)
    for tool in (Normalize, Resize, CenterCrop, RandomCrop):
        assert issubclass(tool, nn.Module)
        assert "forward" in vars(tool)
        assert "__call__" not in vars(tool)


@pytest.mark.claim("transforms.to-tensor-file")
@pytest.mark.shows("transforms.to-tensor-file")
def test_to_tensor_refuses_files(shows_error: ShowsError) -> None:
    for data in ("0013035.jpg", Path("0013035.jpg"), [[0, 255]], 3.5):
        with shows_error("transforms.to-tensor-file"):
            ToTensor()(data)
        with pytest.raises((TypeError, InputError)):
            to_tensor(data)


@pytest.mark.claim("transforms.show")
def test_show_passes_the_crop_to_a_viewer(ant: Image.Image, viewed: list[Image.Image]) -> None:
    crop = RandomCrop((128, 256))(ant)
    crop.show()
    (image,) = viewed
    assert image.size == (256, 128)
    assert image.tobytes() == crop.tobytes()


@pytest.mark.claim("transforms.show")
def test_show_without_a_viewer(ant: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageShow, "_viewers", [])
    ant.show()
    assert ImageShow.show(ant) is False


@pytest.mark.claim("transforms.compose-list")
@pytest.mark.shows("transforms.compose-list")
def test_compose_takes_a_list(ant: Image.Image, shows_error: ShowsError) -> None:
    steps = [Resize((512, 512)), ToTensor()]
    assert Compose(steps)(ant).shape == (3, 512, 512)
    for arguments in (steps, steps[1:]):
        with shows_error("transforms.compose-list"):
            Compose(*arguments)(ant)


@pytest.mark.claim("transforms.show-with-matplotlib")
def test_channels_last_is_the_picture() -> None:
    picture = Image.new("RGB", (5, 4), (255, 0, 51))
    shown = transforms.ToTensor()(picture).permute(1, 2, 0)
    assert shown.shape == (4, 5, 3)
    assert shown[3, 4].tolist() == pytest.approx([1, 0, 0.2])
