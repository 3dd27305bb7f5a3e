"""Claims about what moves to a device, what is computed there, and device names (P30-P31).

The meta device, which tracks shapes without computing, replaces a GPU where possible.
"""

import gc

import pytest
import torch
from torch import nn

from reference.app.messages import LINES
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError


class Scaled(nn.Module):
    """A loss function with a trainable weight."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.loss = nn.CrossEntropyLoss()

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the scaled cross entropy."""
        return self.scale * self.loss(outputs, targets)


def forward_and_backward(device: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Run a forward and a backward pass; return the network, its outputs and the loss."""
    network = Tudui().to(device)
    images = torch.ones(2, 3, 32, 32, device=device)
    targets = torch.zeros(2, dtype=torch.long, device=device)
    outputs = network(images)
    loss = nn.CrossEntropyLoss()(outputs, targets)
    loss.backward()
    return network, outputs, loss


@pytest.mark.claim("gpu.loss-parameters")
def test_weights_of_a_loss_function_move_with_it() -> None:
    assert [name for name, _ in Scaled().named_parameters()] == ["scale"]
    assert list(nn.CrossEntropyLoss().parameters()) == []
    assert Scaled().to("meta").scale.is_meta


@pytest.mark.claim("gpu.loss-parameters")
def test_weights_of_a_loss_function_must_be_moved() -> None:
    outputs = torch.ones(2, 10, device="meta")
    targets = torch.zeros(2, dtype=torch.long, device="meta")
    with pytest.raises(RuntimeError, match="is not on the expected device"):
        Scaled()(outputs, targets)
    assert Scaled().to("meta")(outputs, targets).is_meta


@pytest.mark.claim("gpu.first-card")
def test_cuda_and_cuda_0_are_not_equal() -> None:
    assert torch.device("cuda") != torch.device("cuda:0")


@pytest.mark.cuda
@pytest.mark.claim("gpu.first-card")
def test_cuda_is_the_first_card() -> None:
    assert torch.ones(1, device="cuda").device == torch.device("cuda:0")


@pytest.mark.claim("gpu.device-string")
@pytest.mark.parametrize("device", ["meta", torch.device("meta")], ids=type)
def test_device_as_a_string(device: str | torch.device) -> None:
    assert torch.ones(1).to(device).device == torch.device("meta")
    assert nn.Linear(1, 1).to(device).weight.device == torch.device("meta")


@pytest.mark.claim("gpu.device-line")
@pytest.mark.parametrize("device", ["cuda", torch.device("cuda")], ids=type)
def test_printed_device_line(device: str | torch.device) -> None:
    assert f"训练设备：{device}" == "训练设备：cuda"
    assert LINES["zh"]["device"].format(device) == "训练设备：cuda"


@pytest.mark.claim("gpu.parameters-copied")
def test_every_weight_and_bias_moves() -> None:
    network = nn.Sequential(Tudui(), nn.BatchNorm1d(10))
    state = network.to("meta").state_dict()
    # 5 of BatchNorm: weight, bias and 3 statistics, which are not parameters but move, too
    assert len(state) == 10 + 5
    assert {value.device.type for value in state.values()} == {"meta"}


@pytest.mark.cuda
@pytest.mark.claim("gpu.parameters-copied")
def test_weights_take_gpu_memory() -> None:
    network = Tudui()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    gc.collect()  # garbage of earlier tests, freed during cuda(), would hide what it allocates
    allocated = torch.cuda.memory_allocated()
    network.cuda()
    assert torch.cuda.memory_allocated() - allocated >= 4 * 145_578
    torch.testing.assert_close(dict(network.cpu().state_dict()), before, rtol=0, atol=0)


@pytest.mark.claim("gpu.computes-there")
@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_forward_and_backward_are_computed_there(device: str) -> None:
    network, outputs, loss = forward_and_backward(device)
    computed = [outputs, loss, *(parameter.grad for parameter in network.parameters())]
    assert len(computed) == 12
    assert {tensor.device.type for tensor in computed} == {device}


@pytest.mark.claim("gpu.to-numpy")
@pytest.mark.shows("gpu.to-numpy")
def test_array_of_a_tensor_elsewhere(shows_error: ShowsError) -> None:
    with shows_error("gpu.to-numpy"):
        torch.ones(2, device="meta").numpy()
    assert torch.ones(2).cpu().numpy().tolist() == [1, 1]


@pytest.mark.claim("gpu.cpu-only-build")
@pytest.mark.shows("gpu.cpu-only-build")
def test_build_without_cuda(monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError) -> None:
    monkeypatch.delattr("torch._C._cuda_getDeviceCount", raising=False)
    monkeypatch.setattr("torch.cuda._initialized", False)
    with shows_error("gpu.cpu-only-build"):
        torch.cuda.init()
    assert not torch.cuda.is_available()


@pytest.mark.claim("gpu.is-available-call")
def test_function_counts_as_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch.cuda.is_available
    assert not torch.cuda.is_available()


@pytest.mark.claim("gpu.optimizer-first")
def test_optimizer_made_before_the_move_keeps_the_old_parameters() -> None:
    network = Tudui()
    before = torch.optim.SGD(network.parameters(), lr=0.01)
    network.to("meta")
    after = torch.optim.SGD(network.parameters(), lr=0.01)
    moved = list(network.parameters())
    assert all(p is q for p, q in zip(after.param_groups[0]["params"], moved, strict=True))
    assert all(p is not q for p, q in zip(before.param_groups[0]["params"], moved, strict=True))
