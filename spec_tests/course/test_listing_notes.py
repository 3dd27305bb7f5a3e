"""Claims about listings of documents 002 to 004 that fail as printed, and their corrections."""

import os
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from reference.checkpoints.files import load_checkpoint, save_checkpoint
from reference.data.cifar10 import CIFAR10
from reference.data.image_folders import LabelledImages, by_folder
from reference.data.loaders import ResidentLoader
from reference.data.transforms import normalize, to_tensor
from reference.environment import select_device
from reference.inference import load_image
from reference.models.course import Tudui
from reference.models.registry import build_on_meta
from reference.models.vgg import vgg16_for
from spec_tests.harness.shown_errors import PrintsError, ShowsError
from spec_tests.paths import INSECTS
from spec_tests.support.listings import run

DATASET = """
class Mydata(Dataset):
    def __init__(self, root_dir, label_dir):
        self.path = os.path.join(root_dir, label_dir)
        self.names = os.listdir(self.path)

    def __getitem__(self, index):
        with Image.open(os.path.join(self.path, self.names[index])) as img:
            return img.size
"""


@pytest.mark.claim("listing.dataset-imports")
@pytest.mark.shows("listing.dataset-imports")
def test_dataset_without_its_imports(shows_error: ShowsError) -> None:
    only_dataset = {"Dataset": torch.utils.data.Dataset}
    with shows_error("listing.dataset-imports"):
        run(DATASET + "Mydata('insects', 'ants')", **only_dataset)
    names = run(DATASET, **only_dataset, os=os)
    with shows_error("listing.dataset-imports"):
        names["Mydata"](INSECTS, "ants")[0]
    with_all = run(DATASET, **only_dataset, os=os, Image=Image)["Mydata"]
    assert with_all(INSECTS, "ants")[0] == (768, 512)
    image, label = LabelledImages(by_folder(INSECTS / "ants"))[0]
    assert (image.size, label) == ((768, 512), "ants")


@pytest.mark.claim("listing.normalize-names")
@pytest.mark.shows("listing.normalize-names")
def test_normalize_of_an_undefined_tensor(ant: Image.Image, shows_error: ShowsError) -> None:
    definition = "tensor_img = transforms.ToTensor()(img)\n"
    lines = "half = [0.5, 0.5, 0.5]\nimg_norm = transforms.Normalize(half, half)({})\n"
    names = {"transforms": torchvision.transforms, "img": ant}
    with shows_error("listing.normalize-names"):
        run(definition + lines.format("img_tensor"), **names)
    img_norm = run(definition + lines.format("tensor_img"), **names)["img_norm"]
    half = [0.5, 0.5, 0.5]
    torch.testing.assert_close(normalize(to_tensor(ant), half, half), img_norm, rtol=0, atol=1e-6)


@pytest.mark.claim("listing.trainset")
@pytest.mark.shows("listing.trainset")
def test_data_set_under_another_name(small_cifar10: Path, shows_error: ShowsError) -> None:
    train_set = CIFAR10(small_cifar10)
    with shows_error("listing.trainset"):
        run("img, target = trainset[0]", train_set=train_set)
    assert run("img, target = train_set[0]", train_set=train_set)["target"] in range(10)


@pytest.mark.claim("listing.import-pil")
@pytest.mark.shows("listing.import-pil")
def test_import_pil_lacks_its_image_module(image: Path, prints_error: PrintsError) -> None:
    command = [sys.executable, "-c", f"import PIL; PIL.Image.open({str(image)!r})"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    prints_error("listing.import-pil", result.stderr)
    # torchvision imports PIL.Image, so the listing works after `import torchvision`
    assert torchvision.transforms.functional.Image is PIL.Image
    load = "from PIL import Image\nwith Image.open(path) as img:\n    size = img.size"
    assert run(load, path=image)["size"] == (40, 30)
    assert load_image(image).shape == (3, 32, 32)


@pytest.mark.claim("listing.loss-imports")
@pytest.mark.shows("listing.loss-imports")
def test_loss_without_its_imports(small_cifar10: Path, shows_error: ShowsError) -> None:
    data_set = "cifar_set = torchvision.datasets.CIFAR10(root, transform=ToTensor())\n"
    loader = "cifar_loader = DataLoader(cifar_set, 64)\n"
    chapter = {"torch": torch, "nn": nn}
    with shows_error("listing.loss-imports"):
        run(data_set + loader, **chapter)
    with shows_error("listing.loss-imports"):
        run(loader, cifar_set=CIFAR10(small_cifar10), **chapter)
    imports = "from torch.utils.data import DataLoader\n"
    batches = run(imports + loader, cifar_set=CIFAR10(small_cifar10))["cifar_loader"]
    assert len(batches) == len(ResidentLoader(CIFAR10(small_cifar10), 64)) == 4  # of 250 images


@pytest.mark.claim("listing.flase")
@pytest.mark.shows("listing.flase")
def test_misspelt_false(shows_error: ShowsError) -> None:
    with shows_error("listing.flase"):
        run("relu = nn.ReLU(inplace=Flase)", nn=nn)
    assert run("relu = nn.ReLU(inplace=False)", nn=nn)["relu"](torch.tensor(-1.0)).item() == 0


@pytest.mark.claim("listing.lowercase-false")
@pytest.mark.shows("listing.lowercase-false")
def test_false_in_lower_case(shows_error: ShowsError) -> None:
    vgg16 = torchvision.models.vgg16
    with shows_error("listing.lowercase-false"):
        run("vgg16(pretrained=false)", vgg16=vgg16)
    with torch.device("meta"):
        network = run("network = vgg16(weights=None)", vgg16=vgg16)["network"]
    assert str(network) == str(build_on_meta("vgg16"))


@pytest.mark.claim("listing.vgg-imports")
@pytest.mark.shows("listing.vgg-imports")
def test_vgg16_edit_without_nn(shows_error: ShowsError) -> None:
    edit = "vgg16_true.classifier[6] = nn.Linear(4096, 10)"
    with torch.device("meta"):
        network = torchvision.models.vgg16(weights=None)
        with shows_error("listing.vgg-imports"):
            run(edit, torchvision=torchvision, vgg16_true=network)
        run(edit, vgg16_true=network, nn=nn)
        assert str(network) == str(vgg16_for(10))


@pytest.mark.claim("listing.bare-save-and-load")
@pytest.mark.shows("listing.bare-save-and-load")
def test_save_and_load_need_arguments(tmp_path: Path, shows_error: ShowsError) -> None:
    with shows_error("listing.bare-save-and-load"):
        run("torch.save()", torch=torch)
    with shows_error("listing.bare-save-and-load"):
        run("torch.load()", torch=torch)
    save_checkpoint(tmp_path / "model.pth", Tudui().state_dict())
    assert len(load_checkpoint(tmp_path / "model.pth")["model"]) == 10


@pytest.mark.claim("listing.tabs")
@pytest.mark.shows("listing.tabs")
def test_mixed_tabs_and_spaces(shows_error: ShowsError) -> None:
    listing = "for imgs in [1]:\n    if False:\n{}imgs = 2\n"
    assert run(listing.format("\t    "))["imgs"] == 1
    with shows_error("listing.tabs"):
        run(listing.format("\t"))


@pytest.mark.claim("listing.three-devices")
def test_last_of_three_devices_counts() -> None:
    lines = [f'device = torch.device("{name}")\n' for name in ("cpu", "cuda", "cuda:0")]
    device = run("".join(lines), torch=torch)["device"]
    assert device == torch.device("cuda:0")
    if torch.cuda.is_available():
        assert torch.ones(1).to(device).is_cuda
    else:
        with pytest.raises((RuntimeError, AssertionError), match=r"NVIDIA driver|CUDA"):
            torch.ones(1).to(device)
    assert torch.ones(1).to(select_device("auto")).item() == 1


@pytest.mark.claim("listing.indentation", "listing.invisible-character", "listing.unclosed-bracket")
@pytest.mark.shows("listing.indentation", "listing.invisible-character", "listing.unclosed-bracket")
def test_copied_lines(shows_error: ShowsError) -> None:
    for name, listing in (
        ("listing.indentation", "a = 1\n  b = 2"),
        ("listing.indentation", "for i in range(3):\nprint(i)"),
        ("listing.indentation", "if True:\n    a = 1\n  b = 2"),
        ("listing.invisible-character", "a =\N{NO-BREAK SPACE}1"),
        ("listing.unclosed-bracket", "a = (1\nb = 2"),
        ("listing.unclosed-bracket", "a = 'ants"),
        ("listing.unclosed-bracket", "a = [1)"),
    ):
        with shows_error(name):
            run(listing)
