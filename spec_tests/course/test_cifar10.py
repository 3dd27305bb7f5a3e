"""Claims about CIFAR-10, for torchvision and the reference (P14)."""

import gzip
import hashlib
import inspect
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from torchvision.datasets import utils
from torchvision.transforms import Compose, RandomCrop, ToTensor

from reference.data.cifar10 import CIFAR10
from reference.errors import InputError
from spec_tests.harness.shown_errors import ShowsError

CLASSES = [
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
]  # fmt: skip
FOLDER = "cifar-10-batches-py"


@pytest.fixture
def verified_root(small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the small CIFAR-10, whose checksums torchvision is patched to expect."""
    ours = CIFAR10(small_cifar10)
    for name in ("train_list", "test_list", "meta"):
        monkeypatch.setattr(torchvision.datasets.CIFAR10, name, getattr(ours, name))
    return shutil.copytree(small_cifar10, tmp_path / "data")


@pytest.fixture
def downloaded_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of URLs that torchvision would download; nothing is downloaded."""
    urls: list[str] = []
    monkeypatch.setattr(
        torchvision.datasets.cifar,
        "download_and_extract_archive",
        lambda url, *_, **__: urls.append(url),
    )
    return urls


@pytest.mark.data
@pytest.mark.claim("cifar10.sizes", "cifar10.labels")
@pytest.mark.parametrize(("train", "length"), [(True, 50_000), (False, 10_000)])
def test_sizes(real_data: Path, *, train: bool, length: int) -> None:
    dataset = CIFAR10(real_data, train)
    assert len(dataset) == length
    assert dataset.data.shape == (length, 32, 32, 3)
    assert Counter(dataset.targets) == dict.fromkeys(range(10), length // 10)


@pytest.mark.claim("cifar10.classes")
def test_classes(small_cifar10: Path) -> None:
    assert CIFAR10(small_cifar10).classes == CLASSES


@pytest.mark.data
@pytest.mark.claim("cifar10.classes", "cifar10.first-test-image", "cifar10.first-training-image")
def test_first_images(real_data: Path) -> None:
    test_set, train_set = CIFAR10(real_data, train=False), CIFAR10(real_data, train=True)
    assert test_set.classes == CLASSES
    assert test_set.targets[:5] == [3, 8, 8, 0, 6]
    assert test_set[0][1] == 3
    assert test_set.classes[3] == "cat"
    assert train_set[0][1] == 6
    assert train_set.classes[6] == "frog"


@pytest.mark.claim("cifar10.image-and-label")
def test_item_is_an_image_and_a_label(small_cifar10: Path) -> None:
    item = CIFAR10(small_cifar10, train=False)[0]
    assert isinstance(item, tuple)
    image, label = item
    assert repr(image).startswith("<PIL.Image.Image image mode=RGB size=32x32 at 0x")
    assert type(label) is int


@pytest.mark.claim("cifar10.label-three")
def test_label_3_is_the_fourth_class(small_cifar10: Path) -> None:
    dataset = CIFAR10(small_cifar10)
    assert dataset.class_to_idx["cat"] == 3
    assert dataset.classes[:4] == ["airplane", "automobile", "bird", "cat"]


@pytest.mark.claim("cifar10.to-tensor")
def test_to_tensor(small_cifar10: Path) -> None:
    dataset = CIFAR10(small_cifar10, train=False, transform=ToTensor())
    image, _ = dataset[0]
    assert image.dtype == torch.float32
    assert image.shape == (3, 32, 32)
    pixels = torch.from_numpy(dataset.data[0]).permute(2, 0, 1)
    assert torch.equal((image * 255).round().byte(), pixels)
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.claim("cifar10.labels")
def test_labels_are_0_to_9(small_cifar10: Path) -> None:
    dataset = CIFAR10(small_cifar10, train=False)
    assert dataset.data.shape == (100, 32, 32, 3)
    assert set(dataset.targets) == {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}


@pytest.mark.claim("cifar10.train-flag", "cifar10.sizes")
def test_train_flag(small_cifar10: Path) -> None:
    assert len(CIFAR10(small_cifar10)) == 250
    assert len(CIFAR10(small_cifar10, train=True)) == 250
    assert len(CIFAR10(small_cifar10, train=False)) == 100


@pytest.mark.claim("cifar10.test-dataset")
def test_sequential_section_uses_the_training_set(small_cifar10: Path) -> None:
    test_dataset = CIFAR10(root=small_cifar10, train=True, transform=ToTensor())
    assert [name for name, _ in test_dataset.train_list] == [
        "data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5",
    ]  # fmt: skip
    assert len(test_dataset) == 250


@pytest.mark.claim("cifar10.signature")
def test_signature() -> None:
    def parameters_of(cifar10: type) -> list[tuple[str, object]]:
        parameters = inspect.signature(cifar10).parameters.values()
        return [(parameter.name, parameter.default) for parameter in parameters]

    required = inspect.Parameter.empty
    documented = [
        ("root", required),
        ("train", True),
        ("transform", None),
        ("target_transform", None),
        ("download", False),
    ]
    assert parameters_of(torchvision.datasets.CIFAR10) == documented
    assert parameters_of(CIFAR10) == documented[:4]  # the reference never downloads


@pytest.mark.claim("cifar10.target-transform")
def test_target_transform(small_cifar10: Path) -> None:
    plain = CIFAR10(small_cifar10)
    dataset = CIFAR10(small_cifar10, target_transform=lambda label: label + 100)
    assert dataset[0][1] == plain.targets[0] + 100


@pytest.mark.claim("cifar10.folder")
def test_folder_name(small_cifar10: Path) -> None:
    assert [path.name for path in small_cifar10.iterdir()] == ["cifar-10-batches-py"]
    assert CIFAR10.base_folder == torchvision.datasets.CIFAR10.base_folder == "cifar-10-batches-py"


@pytest.mark.claim("cifar10.missing")
@pytest.mark.shows("cifar10.missing")
def test_missing_data_is_refused(tmp_path: Path, shows_error: ShowsError) -> None:
    with shows_error("cifar10.missing"):
        torchvision.datasets.CIFAR10(tmp_path)
    with pytest.raises(InputError, match="has no cifar-10-batches-py/"):
        CIFAR10(tmp_path)


@pytest.mark.claim("cifar10.no-second-download")
def test_existing_data_is_not_downloaded(verified_root: Path, downloaded_urls: list[str]) -> None:
    assert len(torchvision.datasets.CIFAR10(verified_root, download=True)) == 250
    assert downloaded_urls == []


@pytest.mark.claim("cifar10.present-data")
def test_existing_data_is_not_unpacked(verified_root: Path) -> None:
    archive = verified_root / "cifar-10-python.tar.gz"
    archive.write_bytes(b"no archive")
    before = {path: path.stat().st_mtime_ns for path in verified_root.rglob("*")}
    torchvision.datasets.CIFAR10(verified_root, download=True)
    assert {path: path.stat().st_mtime_ns for path in verified_root.rglob("*")} == before


@pytest.mark.claim("cifar10.present-data")
def test_existing_data_is_verified(verified_root: Path) -> None:
    batch = verified_root / "cifar-10-batches-py" / "test_batch"
    batch.write_bytes(batch.read_bytes()[:-1] + b"?")
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        torchvision.datasets.CIFAR10(verified_root, train=False)
    with pytest.raises(InputError, match="test_batch is damaged"):
        CIFAR10(verified_root, train=False)


@pytest.mark.claim("cifar10.download")
def test_missing_data_is_downloaded(tmp_path: Path, downloaded_urls: list[str]) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        torchvision.datasets.CIFAR10(tmp_path, download=True)
    (url,) = downloaded_urls
    assert url.endswith("/cifar-10-python.tar.gz")


@pytest.mark.claim("cifar10.transform")
def test_transform_is_applied_to_the_image(small_cifar10: Path) -> None:
    original = CIFAR10(small_cifar10)[0][0]
    received: list[Image.Image] = []
    dataset = CIFAR10(
        small_cifar10, transform=Compose([lambda i: received.append(i) or i, RandomCrop((8, 16))])
    )
    image, _ = dataset[0]
    assert received == [original]
    assert image.size == (16, 8)


@pytest.mark.claim("cifar10.other-datasets")
@pytest.mark.parametrize(
    ("name", "split_argument"),
    [("CIFAR10", "train"), ("MNIST", "train"), ("STL10", "split"), ("VOCDetection", "image_set")],
)
def test_data_sets_differ_in_their_split_argument(name: str, split_argument: str) -> None:
    parameters = inspect.signature(getattr(torchvision.datasets, name)).parameters
    assert [name for name in ("train", "split", "image_set") if name in parameters] == [
        split_argument
    ]


@pytest.mark.claim("cifar10.url")
def test_url_in_the_source() -> None:
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    assert torchvision.datasets.CIFAR10.url == url
    assert f'url = "{url}"' in inspect.getsource(torchvision.datasets.CIFAR10)


@pytest.mark.claim("cifar10.url-shown")
def test_download_does_not_show_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(utils, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(utils, "_urlretrieve", lambda _, path: Path(path).touch())
    utils.download_url(torchvision.datasets.CIFAR10.url, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cifar-10-python.tar.gz"]
    assert "".join(capsys.readouterr()) == ""


@pytest.fixture
def archive(verified_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the small CIFAR-10 as an archive with the checksum that torchvision expects."""
    packed = shutil.make_archive(
        str(verified_root / "cifar-10-python"), "gztar", verified_root, FOLDER
    )
    shutil.rmtree(verified_root / FOLDER)
    checksum = hashlib.md5(Path(packed).read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "tgz_md5", checksum)
    return Path(packed)


def refuse_network(*_: object, **__: object) -> None:
    raise ConnectionError("the test needs no network")


@pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter:DeprecationWarning")
@pytest.mark.claim("cifar10.archive-by-hand")
def test_manually_downloaded_archive_is_unpacked(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utils, "_get_redirect_url", refuse_network)
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        torchvision.datasets.CIFAR10(archive.parent)
    assert len(torchvision.datasets.CIFAR10(archive.parent, download=True)) == 250
    assert (archive.parent / FOLDER / "test_batch").is_file()


@pytest.mark.claim("cifar10.archive-by-hand")
def test_manually_downloaded_archive_is_verified(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utils, "_get_redirect_url", refuse_network)
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(ConnectionError):
        torchvision.datasets.CIFAR10(archive.parent, download=True)


@pytest.mark.claim("cifar10.show")
def test_show_displays_the_image(small_cifar10: Path, viewed: list[Image.Image]) -> None:
    image, _ = CIFAR10(small_cifar10, train=False)[0]
    image.show()
    assert [(seen.size, seen.tobytes()) for seen in viewed] == [((32, 32), image.tobytes())]


@pytest.mark.claim("cifar10.damaged-archive")
@pytest.mark.shows("cifar10.damaged-archive")
def test_damaged_archive(
    tmp_path: Path, small_cifar10: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.setattr(utils, "_get_redirect_url", lambda url, **_: url)
    monkeypatch.setattr(utils, "_urlretrieve", lambda _, path: Path(path).write_bytes(b"half"))
    with shows_error("cifar10.damaged-archive"):
        torchvision.datasets.CIFAR10(tmp_path, download=True)
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "_check_integrity", lambda _: True)
    with shows_error("cifar10.damaged-archive"):  # batches.meta alone is not the real one
        torchvision.datasets.CIFAR10(small_cifar10)
    with shows_error("cifar10.damaged-archive"):
        gzip.decompress(gzip.compress(bytes(999))[:-9])
