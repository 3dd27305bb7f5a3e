"""Claims about torch's DataLoader (P15)."""

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.data.transforms import compose, resize, to_tensor
from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.listings import run


@pytest.fixture(scope="module")
def small_test_set(small_cifar10: Path) -> CIFAR10:
    return CIFAR10(small_cifar10, train=False, transform=ToTensor())


@pytest.fixture
def ten_thousand() -> range:
    """Return as many samples as CIFAR-10 has test images; each sample is its index."""
    return range(10_000)


def sample_order(loader: DataLoader) -> list[int]:
    return torch.cat(list(loader)).tolist()


def loader_parameters() -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(DataLoader).parameters)


@pytest.mark.claim("dataloader.defaults")
@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("batch_size", 1),
        ("sampler", None),
        ("batch_sampler", None),
        ("num_workers", 0),
        ("collate_fn", None),
        ("pin_memory", False),
        ("drop_last", False),
        ("timeout", 0),
        ("worker_init_fn", None),
        ("persistent_workers", False),
        ("generator", None),
    ],
)
def test_defaults(name: str, default: object) -> None:
    assert loader_parameters()[name].default is default


@pytest.mark.claim("dataloader.default-shuffle", "dataloader.in-order")
def test_default_of_shuffle() -> None:
    assert loader_parameters()["shuffle"].default is None
    for loader in (DataLoader(range(20), 6), DataLoader(range(20), 6, shuffle=False)):
        assert sample_order(loader) == list(range(20))


@pytest.mark.claim("dataloader.default-prefetch")
@pytest.mark.shows("dataloader.default-prefetch")
def test_default_of_prefetch_factor(shows_error: ShowsError) -> None:
    assert loader_parameters()["prefetch_factor"].default is None
    assert DataLoader(range(4)).prefetch_factor is None
    assert DataLoader(range(4), num_workers=1).prefetch_factor == 2
    with shows_error("dataloader.default-prefetch"):
        DataLoader(range(4), prefetch_factor=2)


@pytest.mark.claim("dataloader.keyword-only")
def test_keyword_only_arguments() -> None:
    for name in ("prefetch_factor", "persistent_workers"):
        assert loader_parameters()[name].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.claim("dataloader.instance", "dataloader.two-parts", "dataloader.int-targets")
def test_batch_is_images_and_targets(small_test_set: CIFAR10) -> None:
    batch = next(iter(DataLoader(small_test_set, batch_size=4)))
    images, targets = batch
    assert isinstance(batch, list)
    assert images.dtype == torch.float32
    assert targets.dtype == torch.int64
    assert targets.tolist() == small_test_set.targets[:4]


@pytest.mark.claim("dataloader.batch-of-four", "dataloader.batch-of-64")
@pytest.mark.parametrize("size", [4, 64])
def test_shape_of_a_batch(small_test_set: CIFAR10, size: int) -> None:
    images, targets = next(iter(DataLoader(small_test_set, batch_size=size, shuffle=True)))
    assert images.shape == (size, 3, 32, 32)
    assert targets.shape == (size,)


@pytest.mark.claim("dataloader.last-batch", "dataloader.drop-last")
def test_last_batch(ten_thousand: range) -> None:
    kept = [len(batch) for batch in DataLoader(ten_thousand, 64, shuffle=True)]
    dropped = [len(batch) for batch in DataLoader(ten_thousand, 64, drop_last=True)]
    assert kept == [64] * 156 + [16]
    assert dropped == [64] * 156
    assert sum(dropped) == 9984


@pytest.mark.data
@pytest.mark.claim("dataloader.last-batch", "dataloader.batch-of-64")
def test_last_batch_of_the_real_test_images(real_data: Path) -> None:
    dataset = CIFAR10(real_data, train=False, transform=to_tensor)
    shapes = [images.shape for images, _ in DataLoader(dataset, 64)]
    assert shapes == [(64, 3, 32, 32)] * 156 + [(16, 3, 32, 32)]


@pytest.mark.claim("dataloader.training-batches", "dataloader.batch-of-one")
def test_batches_per_epoch(ten_thousand: range) -> None:
    assert len(DataLoader(range(50_000), 64)) == 782
    assert len(DataLoader(range(50_000), 64, drop_last=True)) == 781
    assert sum(1 for _ in DataLoader(ten_thousand, batch_size=1)) == 10_000


@pytest.mark.claim("dataloader.reshuffled", "dataloader.same-order")
def test_order_is_reshuffled_each_epoch() -> None:
    loader = DataLoader(range(100), 16, shuffle=True)
    epochs = [sample_order(loader) for _ in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)


@pytest.mark.claim("dataloader.generator", "dataloader.same-order")
def test_generator_makes_runs_reproducible() -> None:
    runs = []
    for seed in (1, 1, 2):
        generator = torch.Generator().manual_seed(seed)
        loader = DataLoader(range(100), 16, shuffle=True, generator=generator)
        runs.append([sample_order(loader) for _ in range(2)])
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.claim("dataloader.sampler")
def test_sampler_sets_the_order() -> None:
    assert isinstance(DataLoader(range(4)).sampler, SequentialSampler)
    assert isinstance(DataLoader(range(4), shuffle=True).sampler, RandomSampler)
    assert sample_order(DataLoader(range(4), sampler=[3, 1, 1, 0])) == [3, 1, 1, 0]


@pytest.mark.claim("dataloader.sampler-and-shuffle")
@pytest.mark.shows("dataloader.sampler-and-shuffle")
def test_sampler_excludes_shuffle(shows_error: ShowsError) -> None:
    with shows_error("dataloader.sampler-and-shuffle"):
        DataLoader(range(4), sampler=[0], shuffle=True)


@pytest.mark.claim("dataloader.batch-sampler-alone")
@pytest.mark.shows("dataloader.batch-sampler-alone")
def test_batch_sampler_excludes_other_options(shows_error: ShowsError) -> None:
    for option in ({"batch_size": 2}, {"shuffle": True}, {"sampler": [0]}, {"drop_last": True}):
        with shows_error("dataloader.batch-sampler-alone"):
            DataLoader(range(4), batch_sampler=[[0, 1]], **option)


@pytest.mark.claim("dataloader.batch-sampler")
def test_batch_sampler_gives_whole_batches() -> None:
    loader = DataLoader(range(6), batch_sampler=[[5, 0], [1, 2, 3]])
    assert [batch.tolist() for batch in loader] == [[5, 0], [1, 2, 3]]


@pytest.mark.claim("dataloader.timeout")
@pytest.mark.shows("dataloader.timeout")
def test_negative_timeout_is_refused(shows_error: ShowsError) -> None:
    with shows_error("dataloader.timeout"):
        DataLoader(range(4), timeout=-1)


@pytest.mark.claim("dataloader.collate")
def test_collate_fn_makes_the_batch() -> None:
    assert list(DataLoader([1, 2, 3], 3, collate_fn=sum)) == [6]
    assert list(DataLoader([1, 2, 3], 2, collate_fn=list)) == [[1, 2], [3]]


@pytest.mark.cuda
@pytest.mark.claim("dataloader.pin-memory")
def test_pin_memory() -> None:
    assert next(iter(DataLoader(torch.zeros(4), pin_memory=True))).is_pinned()


@pytest.mark.skipif(
    torch.accelerator.is_available(), reason="needs a machine without an accelerator"
)
@pytest.mark.claim("dataloader.pin-memory")
@pytest.mark.shows("dataloader.pin-memory")
def test_pin_memory_without_an_accelerator(
    by_version: Callable[[str], object], shows_error: ShowsError
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        batch = next(iter(DataLoader(torch.zeros(4), pin_memory=True)))
    assert not batch.is_pinned()
    assert "\n".join(str(w.message) for w in caught) == by_version("dataloader.pin-memory")
    with shows_error("dataloader.pin-memory"):
        next(iter(DataLoader(torch.zeros(4), pin_memory=True)))


@pytest.mark.claim("dataloader.index-message", "dataloader.no-index")
@pytest.mark.shows("dataloader.index-message")
def test_loader_is_not_subscriptable(shows_error: ShowsError) -> None:
    with shows_error("dataloader.index-message"):
        DataLoader(range(4))[0]


@pytest.mark.claim("dataloader.getitem-calls")
def test_getitem_is_called_for_each_sample() -> None:
    class Counting(list):
        calls = 0

        def __getitem__(self, index: int) -> int:
            self.calls += 1
            return super().__getitem__(index)

    numbers = Counting(range(8))
    batches = iter(DataLoader(numbers, 4))
    counts = [next(batches) is not None and numbers.calls for _ in range(2)]
    assert counts == [4, 8]


@pytest.mark.claim("dataloader.pil-images")
@pytest.mark.shows("dataloader.pil-images")
def test_pil_images_cannot_be_batched(small_cifar10: Path, shows_error: ShowsError) -> None:
    loader = DataLoader(CIFAR10(small_cifar10, train=False), 4)
    with shows_error("dataloader.pil-images"):
        next(iter(loader))


@pytest.mark.claim("dataloader.sizes")
@pytest.mark.shows("dataloader.sizes")
def test_images_of_different_sizes_cannot_be_batched(shows_error: ShowsError) -> None:
    images = [Image.new("RGB", (4, 4)), Image.new("RGB", (4, 5))]
    tensors = [to_tensor(image) for image in images]
    with shows_error("dataloader.sizes"):
        next(iter(DataLoader(tensors, 2)))
    assert [batch.shape[2] for batch in DataLoader(tensors, 1)] == [4, 5]
    small = compose([lambda image: resize(image, (3, 3)), to_tensor])
    (batch,) = DataLoader([small(image) for image in images], 2)
    assert batch.shape == (2, 3, 3, 3)


@pytest.mark.claim("dataloader.epochs")
def test_steps_of_two_epochs(ten_thousand: range) -> None:
    loader = DataLoader(ten_thousand, 64, shuffle=True)
    steps = [[step for step, _ in enumerate(loader)] for _ in range(2)]
    assert steps == [list(range(157)), list(range(157))]


@pytest.mark.claim("dataloader.name")
@pytest.mark.shows("dataloader.name")
def test_datasetloader_does_not_exist(shows_error: ShowsError) -> None:
    with shows_error("dataloader.name"):
        run("from torch.utils.data import datasetloader")
    assert "drop_last" in inspect.signature(torch.utils.data.DataLoader).parameters


@pytest.mark.claim("dataloader.printed-targets")
def test_targets_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for targets in DataLoader([6, 9, 9, 1, 0, 9, 5, 6], batch_size=4):
        print(targets)
    assert capsys.readouterr().out == "tensor([6, 9, 9, 1])\ntensor([0, 9, 5, 6])\n"


@pytest.mark.claim("dataloader.printed-batch")
def test_printed_shape_has_the_batch_size(small_test_set: CIFAR10) -> None:
    for size in (64, 4):
        images, _ = next(iter(DataLoader(small_test_set, batch_size=size, shuffle=True)))
        assert str(images.shape) == f"torch.Size([{size}, 3, 32, 32])"
