"""Claims about moving to a GPU by cuda() and to(device) (P30-P31)."""

import ast
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader
from reference.environment import select_device
from reference.errors import InputError
from reference.models.course import Tudui
from reference.training.engine import train_step
from spec_tests.harness.shown_errors import ShowsError

Movable = nn.Module | torch.Tensor

without_cuda = pytest.mark.skipif(
    torch.cuda.is_available(), reason="needs a machine on which CUDA cannot be used"
)
CUDA_ERRORS = (RuntimeError, AssertionError)  # AssertionError if torch is built without CUDA
NO_CUDA = r"NVIDIA driver|not compiled with CUDA|CUDA GPUs"


def train(move: Callable[[Movable], Movable], batch_size: int = 8, steps: int = 3) -> nn.Module:
    """Train for some steps with the network, loss and data moved by `move`."""
    torch.manual_seed(0)
    model, loss_fn = move(Tudui()), move(nn.CrossEntropyLoss())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, targets = torch.rand(batch_size, 3, 32, 32), torch.arange(batch_size) % 10
    for _ in range(steps):
        train_step(model, loss_fn, optimizer, (move(images), move(targets)))
    return model


@pytest.mark.claim("gpu.guarded")
def test_cuda_call_guarded_by_is_available() -> None:
    model, images = Tudui(), torch.ones(1, 3, 32, 32)
    if torch.cuda.is_available():
        model = model.cuda()
        images = images.cuda()
    assert model(images).is_cuda is torch.cuda.is_available()


@without_cuda
@pytest.mark.claim("gpu.unguarded")
@pytest.mark.parametrize("movable", [torch.ones(2), nn.Linear(2, 2)])
def test_unguarded_cuda_call_fails_without_cuda(movable: Movable) -> None:
    with pytest.raises(CUDA_ERRORS, match=NO_CUDA):
        movable.cuda()
    with pytest.raises(CUDA_ERRORS, match=NO_CUDA):
        movable.to("cuda")
    with pytest.raises(InputError, match=r"^--device cuda: .+; --device cpu works everywhere$"):
        select_device("cuda")


@without_cuda
@pytest.mark.claim("gpu.second-listing")
def test_second_listing_moves_its_data_unguarded() -> None:
    device = torch.device("cuda")
    net, images = nn.Linear(1, 1), torch.ones(1, 1)
    if torch.cuda.is_available():
        net = net.to(device)
    with pytest.raises(CUDA_ERRORS, match=NO_CUDA):
        images.to(device)
    chosen = select_device("auto")
    # types, because the device of a tensor has an index: cuda:0, not cuda
    assert net.to(chosen)(images.to(chosen)).device.type == chosen.type


@pytest.mark.claim("gpu.loss-moves")
def test_loss_function_without_tensors() -> None:
    loss_fn = nn.CrossEntropyLoss()
    assert list(loss_fn.state_dict()) == []
    assert loss_fn.cuda() is loss_fn  # even without a GPU
    assert loss_fn.to("cpu") is loss_fn


@pytest.mark.claim("gpu.loss-moves")
def test_loss_function_with_tensors() -> None:
    loss_fn = nn.CrossEntropyLoss(weight=torch.ones(10))
    assert list(loss_fn.state_dict()) == ["weight"]
    assert loss_fn.to("meta").weight.is_meta
    with pytest.raises(RuntimeError, match="is not on the expected device"):
        loss_fn(torch.ones(1, 10), torch.tensor([0]))


@pytest.mark.claim("gpu.device-names")
@pytest.mark.parametrize(
    ("name", "kind", "index"),
    [("cpu", "cpu", None), ("cuda", "cuda", None), ("cuda:0", "cuda", 0), ("cuda:1", "cuda", 1)],
)
def test_device_names(name: str, kind: str, index: int | None) -> None:
    device = torch.device(name)
    assert (device.type, device.index) == (kind, index)


@pytest.mark.claim("gpu.device-names")
@pytest.mark.shows("gpu.device-names")
def test_cuda_x_is_not_a_device(shows_error: ShowsError) -> None:
    with shows_error("gpu.device-names"):
        torch.device("cuda:x")
    with shows_error("gpu.device-names"):
        torch.device("gpu")
    with pytest.raises(InputError, match=r"^--device cuda:x: torch knows no such device"):
        select_device("cuda:x")


@pytest.mark.claim("gpu.device-choice")
@pytest.mark.parametrize(("available", "name"), [(True, "cuda"), (False, "cpu")])
def test_device_choice(monkeypatch: pytest.MonkeyPatch, *, available: bool, name: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert str(device) == name


@pytest.mark.claim("gpu.device-choice")
def test_auto_without_accelerator_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    assert select_device("auto") == torch.device("cpu")


@pytest.mark.claim("gpu.reassign")
@pytest.mark.parametrize("target", ["meta", torch.float64])
def test_network_moves_in_place(target: str | torch.dtype) -> None:
    model = nn.Linear(1, 1)
    assert model.to(target) is model
    assert target in (model.weight.device.type, model.weight.dtype)


@pytest.mark.claim("gpu.reassign", "gpu.data-copied")
def test_tensor_does_not_move() -> None:
    images = torch.ones(1)
    assert images.to("meta").is_meta
    assert not images.is_meta
    images = images.to("meta")
    assert images.is_meta


@pytest.mark.claim("gpu.reassign")
def test_resident_loader_gives_images_and_labels_on_the_device(small_cifar10: Path) -> None:
    images, labels = next(iter(ResidentLoader(CIFAR10(small_cifar10), device="meta")))
    assert images.is_meta
    assert labels.is_meta


@pytest.mark.claim("gpu.no-indent")
@pytest.mark.shows("gpu.no-indent")
def test_listing_without_indentation_is_a_syntax_error(shows_error: ShowsError) -> None:
    listing = "if torch.cuda.is_available():\nloss_fn = loss_fn.cuda()\n"
    with shows_error("gpu.no-indent"):
        ast.parse(listing)
    assert ast.parse(listing.replace("\nloss_fn", "\n    loss_fn"))


@pytest.mark.claim("gpu.mps-available")
def test_mps_is_available() -> None:
    assert type(torch.mps.is_available()) is bool
    assert torch.mps.is_available() is torch.backends.mps.is_available()


@pytest.mark.claim("gpu.mps-branch")
def test_mps_branch() -> None:
    if torch.backends.mps.is_available():
        assert select_device("auto").type == "mps"
        assert next(train(lambda movable: movable.to("mps")).parameters()).is_mps
    else:
        with pytest.raises(InputError, match=r"^--device mps: torch finds none here"):
            select_device("mps")


@pytest.mark.claim("gpu.same-device")
@pytest.mark.parametrize(("model_device", "images_device"), [("cpu", "meta"), ("meta", "cpu")])
def test_network_and_data_on_two_devices_fail(model_device: str, images_device: str) -> None:
    model, images = nn.Linear(2, 2).to(model_device), torch.ones(1, 2).to(images_device)
    with pytest.raises(RuntimeError, match="is not on the expected device"):
        model(images)


@pytest.mark.claim("gpu.same-device")
@pytest.mark.parametrize(("outputs_device", "targets_device"), [("cpu", "meta"), ("meta", "cpu")])
def test_labels_on_another_device_fail(outputs_device: str, targets_device: str) -> None:
    outputs = torch.ones(2, 10, device=outputs_device)
    targets = torch.zeros(2, dtype=torch.long, device=targets_device)
    with pytest.raises(RuntimeError, match="is not on the expected device"):
        nn.CrossEntropyLoss()(outputs, targets)
    with pytest.raises(RuntimeError, match="is not on the expected device"):
        _ = outputs.argmax(1) == targets


@pytest.mark.cuda
@pytest.mark.claim("gpu.same-device")
def test_network_on_gpu_and_data_on_cpu_fail() -> None:
    images, targets = torch.ones(1, 3, 32, 32), torch.tensor([0])
    model = Tudui().cuda()
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        model(images)
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        nn.CrossEntropyLoss()(model(images.cuda()), targets)


@pytest.mark.claim("gpu.optimizer", "gpu.optimizer-unused")
def test_optimizer_cannot_be_moved() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for method in ("cuda", "to"):
        assert not hasattr(optimizer, method)
        for movable in (model, nn.CrossEntropyLoss(), torch.ones(1)):
            assert callable(getattr(movable, method))


@pytest.mark.claim("gpu.both-ways")
def test_both_ways_agree_on_the_cpu() -> None:
    by_cpu, by_to = train(lambda m: m.cpu()), train(lambda m: m.to(torch.device("cpu")))
    torch.testing.assert_close(by_cpu.state_dict(), by_to.state_dict(), rtol=0, atol=0)
    torch.manual_seed(0)
    assert not torch.equal(by_cpu.model[0].weight, Tudui().model[0].weight)


@pytest.mark.cuda
@pytest.mark.claim("gpu.both-ways")
def test_both_ways_agree_on_the_gpu() -> None:
    by_cuda, by_to = train(lambda m: m.cuda()), train(lambda m: m.to(torch.device("cuda")))
    for parameter in by_cuda.parameters():
        assert parameter.is_cuda
        assert parameter.grad.is_cuda
    # The GPU's order of summation varies: after 3 steps, a few units in the last place differ.
    torch.testing.assert_close(by_cuda.state_dict(), by_to.state_dict(), rtol=1e-4, atol=1e-6)
    torch.manual_seed(0)
    assert not torch.equal(by_cuda.model[0].weight.cpu(), Tudui().model[0].weight)


@pytest.mark.cuda
@pytest.mark.slow
@pytest.mark.claim("gpu.faster")
def test_is_faster_than_the_cpu() -> None:
    def seconds_on(device: str) -> float:
        start = time.perf_counter()
        next(train(lambda m: m.to(device), batch_size=512, steps=20).parameters()).sum().item()
        return time.perf_counter() - start

    seconds_on("cuda")  # warm-up: loads the CUDA libraries
    assert seconds_on("cuda") < seconds_on("cpu")


@pytest.mark.claim("gpu.device-is-a-name")
def test_device_moves_nothing() -> None:
    device = torch.device("meta")
    images = torch.ones(1)
    assert images.device == torch.device("cpu")
    assert images.to(device).is_meta
    assert str(torch.device("cuda:99")) == "cuda:99"  # more than any machine has


@pytest.mark.skipif(torch.backends.mps.is_built(), reason="needs a torch without MPS")
@pytest.mark.shows("gpu.mps-branch")
def test_mps_elsewhere(shows_error: ShowsError) -> None:
    with shows_error("gpu.mps-branch"):
        torch.ones(1).to("mps")


@pytest.mark.shows("gpu.same-device")
def test_message_of_two_devices(shows_error: ShowsError) -> None:
    with shows_error("gpu.same-device"):
        nn.Linear(2, 2)(torch.ones(1, 2, device="meta"))


@pytest.mark.claim("gpu.optimizer-unused")
@pytest.mark.shows("gpu.optimizer-unused")
def test_message_of_moving_an_optimizer(shows_error: ShowsError) -> None:
    with shows_error("gpu.optimizer-unused"):
        torch.optim.SGD(Tudui().parameters(), lr=0.01).cuda()
