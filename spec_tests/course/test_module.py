"""Claims about nn.Module and what calling it does (P16)."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reference.models.course import AddOne, Tudui
from spec_tests.harness.shown_errors import ShowsError

ONE = torch.tensor(1.0)


@pytest.mark.claim("module.add-one")
def test_add_one(capsys: pytest.CaptureFixture[str]) -> None:
    print(AddOne()(ONE))
    assert capsys.readouterr().out == "tensor(2.)\n"


class Traced(nn.Module):
    """A module that records the functions that called its forward."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Record the callers and return the input."""
        self.callers = [frame.function for frame in inspect.stack()[1:3]]
        return input


@pytest.mark.claim("module.call")
def test_call_reaches_forward() -> None:
    called, dunder_called = Traced(), Traced()
    assert torch.equal(called(ONE), ONE)
    assert torch.equal(dunder_called.__call__(ONE), ONE)
    assert called.callers == dunder_called.callers


@pytest.mark.claim("module.call-impl")
def test_call_goes_through_two_functions() -> None:
    module = Traced()
    module(ONE)
    assert module.callers == ["_call_impl", "_wrapped_call_impl"]
    assert nn.Module.__call__ is nn.Module._wrapped_call_impl  # noqa: SLF001 - what the claim names
    assert Path(inspect.getfile(nn.Module)).name == "module.py"


@pytest.mark.claim("module.forward-name")
@pytest.mark.parametrize("name", ["forword", "__forword__"])
def test_misspelt_forward_is_not_found(name: str) -> None:
    module = type("Misspelt", (nn.Module,), {name: lambda _, input: input + 1})()
    with pytest.raises(NotImplementedError, match='missing the required "forward" function'):
        module(ONE)


@pytest.mark.claim("module.forward-needed")
@pytest.mark.shows("module.forward-needed", "module.forward-name")
def test_forward_is_required(shows_error: ShowsError) -> None:
    class Empty(nn.Module):
        pass

    with shows_error("module.forward-needed"):
        Empty()(ONE)
    with shows_error("module.forward-name"):
        Empty()(ONE)


@pytest.mark.claim("module.init-needed")
def test_init_is_optional() -> None:
    class Double(nn.Module):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return 2 * input

    assert Double()(ONE).item() == 2


@pytest.mark.claim("module.super-init")
@pytest.mark.shows("module.super-init")
def test_assignment_before_super_init_fails(shows_error: ShowsError) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(2, 2)
            super().__init__()

    class WithoutBrackets(nn.Module):
        def __init__(self) -> None:
            getattr(super, "__init__")()  # noqa: B009 - super.__init__(), which ruff would change

    class Without(nn.Module):
        def __init__(self) -> None:
            self.size = 2

    for network in (Early, WithoutBrackets):
        with shows_error("module.super-init"):
            network()
    with shows_error("module.super-init"):
        Without().eval()


@pytest.mark.claim("module.super-forms")
def test_super_init_in_both_forms() -> None:
    class Short(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 3)

    class Long(nn.Module):
        def __init__(self) -> None:
            super(Long, self).__init__()  # noqa: UP008 - the course's form
            self.linear = nn.Linear(2, 3)

    for network in (Short(), Long()):
        assert [name for name, _ in network.named_parameters()] == ["linear.weight", "linear.bias"]


@pytest.mark.claim("module.containers")
def test_containers_register_their_contents() -> None:
    layer, weight = nn.Linear(2, 2), nn.Parameter(torch.zeros(2))
    holder = nn.Module()
    holder.layer = layer
    for container, names in (
        (holder, ["layer.weight", "layer.bias"]),
        (nn.Sequential(layer), ["0.weight", "0.bias"]),
        (nn.ModuleList([layer]), ["0.weight", "0.bias"]),
        (nn.ModuleDict({"a": layer}), ["a.weight", "a.bias"]),
        (nn.ParameterList([weight]), ["0"]),
        (nn.ParameterDict({"a": weight}), ["a"]),
    ):
        assert isinstance(container, nn.Module)
        assert list(container.state_dict()) == names


@pytest.mark.claim("module.call-method")
@pytest.mark.shows("module.call-method")
def test_call_method_does_not_exist(shows_error: ShowsError) -> None:
    with shows_error("module.call-method"):
        AddOne().call(ONE)
    assert callable(AddOne().__call__)


@pytest.mark.claim("module.wraps-functional")
def test_layers_wrap_functions() -> None:
    images = torch.rand(2, 3, 8, 8)
    convolution, linear = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(8, 5)
    f = nn.functional
    for layer, output in (
        (convolution, f.conv2d(images, convolution.weight, convolution.bias, padding=1)),
        (linear, f.linear(images, linear.weight, linear.bias)),
        (nn.MaxPool2d(3), f.max_pool2d(images, 3)),
        (nn.Sigmoid(), f.sigmoid(images)),
    ):
        torch.testing.assert_close(layer(images), output, rtol=0, atol=0)


@pytest.mark.claim("module.same-class")
def test_both_names_are_one_class() -> None:
    assert torch.nn.Module is nn.Module
    assert issubclass(nn.Sequential, nn.Module)


@pytest.mark.claim("module.init-name")
@pytest.mark.shows("module.init-name")
def test_int_is_not_init(shows_error: ShowsError) -> None:
    class Misspelt(nn.Module):
        def __int__(self) -> int:
            super().__int__()

    assert list(Misspelt().children()) == []
    with shows_error("module.init-name"):
        Misspelt().__int__()


@pytest.mark.claim("module.self-missing")
@pytest.mark.shows("module.self-missing")
def test_methods_need_self(shows_error: ShowsError) -> None:
    class WithoutSelf(nn.Module):
        def forward(input) -> None:  # noqa: N805
            """Take no data."""

        def train() -> None:
            """Take no argument at all."""

    with shows_error("module.self-missing"):
        WithoutSelf()(ONE)
    with shows_error("module.self-missing"):
        WithoutSelf().train()


@pytest.mark.claim("module.instance-first", "module.missing-argument")
@pytest.mark.shows("module.instance-first", "module.missing-argument")
def test_class_is_not_the_network(shows_error: ShowsError) -> None:
    with shows_error("module.instance-first"):
        Tudui(torch.ones(1, 3, 32, 32))
    with shows_error("module.missing-argument"):
        Tudui.forward(torch.ones(1, 3, 32, 32))
    with shows_error("module.missing-argument"):
        Tudui()()


@pytest.mark.claim("module.layer-name", "module.return-missing")
@pytest.mark.shows("module.layer-name", "module.return-missing")
def test_forward_with_mistakes(shows_error: ShowsError) -> None:
    class Net(nn.Module):
        def forward(self, images: torch.Tensor) -> None:
            if not images.sum():
                self.maxpool2(images)

    with shows_error("module.layer-name"):
        Net()(torch.zeros(1))
    with shows_error("module.return-missing"):
        Net()(ONE).argmax(1)
    with shows_error("module.return-missing"):
        _ = Net()(ONE).shape
    with shows_error("module.return-missing"):
        nn.ReLU()(Net()(ONE))


@pytest.mark.claim("module.input-not-tensor")
@pytest.mark.shows("module.input-not-tensor")
def test_layers_take_tensors(shows_error: ShowsError) -> None:
    images = np.zeros((3, 8, 8), np.float32)
    for layer, value in ((nn.MaxPool2d(2), images), (nn.Conv2d(3, 6, 3), images)):
        with shows_error("module.input-not-tensor"):
            layer(value)
        assert layer(torch.from_numpy(value)).ndim == 3
    with shows_error("module.input-not-tensor"):
        nn.Linear(2, 2)(input)


@pytest.mark.claim("module.layer-not-called")
@pytest.mark.shows("module.layer-not-called")
def test_layer_without_its_input(shows_error: ShowsError) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, _: torch.Tensor) -> nn.Module:
            return self.relu

    net = Net()
    assert net(ONE) is net.relu
    with shows_error("module.layer-not-called"):
        net(ONE).argmax(1)
    with shows_error("module.layer-not-called"):
        nn.Linear(2, 2)(net(ONE))
