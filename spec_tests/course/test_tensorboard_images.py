"""Claims about add_image and add_images (P8-P10, P12, P15, P18)."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.version import Version
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision.datasets import FakeData
from torchvision.transforms import Normalize, ToTensor

from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.event_files import logged, shown

# the size of the course's 0013035.jpg
PHOTO = (np.arange(512 * 768 * 3) % 251).reshape(512, 768, 3).astype(np.uint8)


@pytest.mark.claim("tensorboard.image-signature")
def test_add_image_signature() -> None:
    parameters = inspect.signature(SummaryWriter.add_image).parameters.values()
    assert [(parameter.name, parameter.default) for parameter in parameters] == [
        ("self", inspect.Parameter.empty),
        ("tag", inspect.Parameter.empty),
        ("img_tensor", inspect.Parameter.empty),
        ("global_step", None),
        ("walltime", None),
        ("dataformats", "CHW"),
    ]


@pytest.mark.claim("tensorboard.image-docstring")
def test_add_image_docstring() -> None:
    assert "requires the ``pillow`` package" in SummaryWriter.add_image.__doc__
    types = r"img_tensor \(torch.Tensor, numpy.(nd)?array, or string/blobname\): Image data"
    assert re.search(types, SummaryWriter.add_image.__doc__)


@pytest.mark.claim("tensorboard.image-array-or-tensor")
@pytest.mark.parametrize("make", [np.array, torch.from_numpy])
def test_array_or_tensor(writer: SummaryWriter, make: type) -> None:
    writer.add_image("image", make(PHOTO[:4, :6]), dataformats="HWC")
    writer.close()
    assert shown("logs", "image").tolist() == PHOTO[:4, :6].tolist()


@pytest.mark.claim("tensorboard.image-blobname")
@pytest.mark.shows("tensorboard.image-blobname")
def test_blobname_fails(writer: SummaryWriter, shows_error: ShowsError) -> None:
    with shows_error("tensorboard.image-blobname"):
        writer.add_image("Ant", "blob")


@pytest.mark.claim("tensorboard.image-pil")
@pytest.mark.shows("tensorboard.image-pil")
def test_pil_image_fails(writer: SummaryWriter, shows_error: ShowsError) -> None:
    for dataformats in ("CHW", "HWC"):
        with shows_error("tensorboard.image-pil"):
            writer.add_image("test", Image.new("RGB", (6, 4)), 1, dataformats=dataformats)


@pytest.mark.claim("tensorboard.image-hwc", "tensorboard.image-channel-axis")
@pytest.mark.shows("tensorboard.image-hwc", "tensorboard.image-channel-axis")
def test_hwc_needs_dataformats(writer: SummaryWriter, shows_error: ShowsError) -> None:
    for name in ("tensorboard.image-hwc", "tensorboard.image-channel-axis"):
        with shows_error(name):
            writer.add_image("test", PHOTO, 1)
    writer.add_image("test", PHOTO, 1, dataformats="HWC")
    writer.close()
    assert np.array_equal(shown("logs", "test"), PHOTO)


@pytest.mark.claim("tensorboard.image-garbled")
@pytest.mark.parametrize("height", [1, 3, 4])
def test_hwc_with_few_rows_is_garbled(writer: SummaryWriter, height: int) -> None:
    writer.add_image("test", PHOTO[:height], 1)
    with pytest.raises(TypeError, match="Cannot handle this data type"):
        writer.add_image("test", PHOTO[: height + 4], 2)
    writer.close()
    (event,) = logged("logs").Images("test")
    assert (event.width, event.height) == (3, 768)


@pytest.mark.data
@pytest.mark.claim("tensorboard.ants-picture", "tensorboard.image-sequence")
def test_ants_photo(real_data: Path, writer: SummaryWriter) -> None:
    path = real_data / "hymenoptera_data" / "train" / "ants" / "0013035.jpg"
    image = np.array(Image.open(path))
    assert str(type(image)) == "<class 'numpy.ndarray'>"
    assert image.shape == (512, 768, 3)
    writer.add_image("test", image, 1, dataformats="HWC")
    writer.close()
    assert np.array_equal(shown("logs", "test"), image)


@pytest.mark.claim("tensorboard.image-sequence")
def test_file_to_array_to_log(writer: SummaryWriter) -> None:
    Image.fromarray(PHOTO).save("0013035.jpg")
    image = np.array(Image.open("0013035.jpg"))
    writer.add_image("test", image, 1, dataformats="HWC")
    writer.close()
    assert np.array_equal(shown("logs", "test"), image)


@pytest.mark.claim("tensorboard.slider", "tensorboard.tags-apart")
def test_steps_and_tags(writer: SummaryWriter) -> None:
    for tag, step in (("test", 1), ("test", 2), ("Ant", 1)):
        writer.add_image(tag, PHOTO[:4, :6], step, dataformats="HWC")
    writer.close()
    log = logged("logs")
    steps = {tag: [event.step for event in log.Images(tag)] for tag in log.Tags()["images"]}
    assert steps == {"test": [1, 2], "Ant": [1]}


@pytest.mark.claim("tensorboard.epoch-tags")
def test_one_tag_per_epoch(writer: SummaryWriter) -> None:
    for epoch in range(2):
        for step in range(3):
            writer.add_images(f"Epoch:{epoch}", torch.rand(4, 3, 8, 8), step)
    writer.close()
    log = logged("logs")
    steps = {tag: [event.step for event in log.Images(tag)] for tag in log.Tags()["images"]}
    assert steps == {"Epoch:0": [0, 1, 2], "Epoch:1": [0, 1, 2]}


@pytest.mark.claim("tensorboard.image-of-to-tensor")
def test_to_tensor_output(writer: SummaryWriter) -> None:
    writer.add_image("Tensor_img", ToTensor()(Image.fromarray(PHOTO)))
    writer.close()
    (event,) = logged("logs").Images("Tensor_img")
    assert event.step == 0
    assert np.array_equal(shown("logs", "Tensor_img"), PHOTO)


@pytest.mark.claim("tensorboard.image-normalized")
def test_negative_values_become_black(writer: SummaryWriter) -> None:
    image = torch.tensor([0, 64, 127, 128, 200, 255]).expand(3, 1, 6) / 255
    writer.add_image("tensor image 2", Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])(image), 2)
    writer.close()
    pixels = shown("logs", "tensor image 2")[0, :, 0].astype(int)
    # 2 * pixel - 255, clipped at 0; a float may be just below the integer and lose 1
    np.testing.assert_allclose(pixels, [0, 0, 0, 1, 145, 255], rtol=0, atol=1)
    assert all(pixels <= [0, 64, 127, 128, 200, 255])


@pytest.mark.claim("tensorboard.image-opencv")
def test_opencv_channels_are_swapped(writer: SummaryWriter) -> None:
    # red, in OpenCV's order: blue, green, red
    read_by_opencv = np.full((4, 6, 3), (10, 20, 200), np.uint8)
    writer.add_image("Ant", read_by_opencv, 1, dataformats="HWC")
    writer.add_image("converted", np.flip(read_by_opencv, axis=2), 1, dataformats="HWC")
    writer.close()
    # read as red, green, blue it is blue
    assert shown("logs", "Ant")[0, 0].tolist() == [10, 20, 200]
    assert shown("logs", "converted")[0, 0].tolist() == [200, 20, 10]


@pytest.mark.claim("tensorboard.images-nchw", "tensorboard.grid")
def test_batches_of_a_loader(writer: SummaryWriter) -> None:
    dataset = FakeData(144, image_size=(3, 32, 32), transform=ToTensor())
    batches = [images for images, _ in DataLoader(dataset, batch_size=64)]
    for step, images in enumerate(batches):
        writer.add_images("test_data", images, step)
    writer.close()
    sizes = [(event.height, event.width) for event in logged("logs").Images("test_data")]
    assert sizes == [(256, 256), (256, 256), (64, 256)]  # 8 columns; the last batch has 16 images
    tenth = ToTensor()(shown("logs", "test_data"))[:, 32:64, 32:64]
    torch.testing.assert_close(tenth, batches[-1][9], rtol=0, atol=0)


@pytest.mark.claim(
    "tensorboard.images-six-channels", "tensorboard.images-resize", "tensorboard.images-reshaped"
)
def test_six_channels_need_reshape(writer: SummaryWriter) -> None:
    output = torch.rand(64, 6, 30, 30, generator=torch.Generator().manual_seed(0))
    with pytest.raises(AssertionError):
        writer.add_images("outputs", output, 0)
    reshaped = torch.reshape(output, (-1, 3, 30, 30))
    assert reshaped.shape == (128, 3, 30, 30)
    writer.add_images("outputs", reshaped, 0)
    writer.close()
    picture = ToTensor()(shown("logs", "outputs"))
    assert picture.shape == (3, 480, 240)
    for number, channels in enumerate((slice(0, 3), slice(3, 6))):
        corner = picture[:, :30, 30 * number : 30 * (number + 1)]
        torch.testing.assert_close(corner, output[0, channels], rtol=0, atol=1 / 255)


@pytest.mark.claim("tensorboard.dimensions")
@pytest.mark.shows("tensorboard.dimensions")
def test_one_image_or_a_batch(writer: SummaryWriter, shows_error: ShowsError) -> None:
    for add, images in ((writer.add_image, PHOTO[None]), (writer.add_images, PHOTO)):
        with shows_error("tensorboard.dimensions"):
            add("test", images)


@pytest.mark.skipif(Version(torch.__version__) < Version("2.11"), reason="it had no message")
@pytest.mark.shows("conv.six-channels-need-reshape", "tensorboard.images-six-channels")
def test_message_of_six_channels(writer: SummaryWriter, shows_error: ShowsError) -> None:
    for name in ("conv.six-channels-need-reshape", "tensorboard.images-six-channels"):
        with shows_error(name):
            writer.add_images("outputs", torch.rand(2, 6, 4, 4))
