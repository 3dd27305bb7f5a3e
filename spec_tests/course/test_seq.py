"""Claims about the CIFAR-10 network and nn.Sequential (P22)."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from reference.models.course import Tudui
from reference.training.board import open_board
from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.listings import run

SIZES = [
    (32, 32, 32), (32, 16, 16), (32, 16, 16), (32, 8, 8), (64, 8, 8), (64, 4, 4),
    (1024,), (64,), (10,),
]  # fmt: skip


def layers(channels: int = 64) -> list[nn.Module]:
    """Return the course's layers; the third convolution has `channels` output channels."""
    return [
        nn.Conv2d(3, 32, 5, 1, 2),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 5, 1, 2),
        nn.MaxPool2d(2),
        nn.Conv2d(32, channels, 5, 1, 2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 64),
        nn.Linear(64, 10),
    ]


class Myseq(nn.Module):
    """The course's class that registers each layer as an attribute and in a Sequential."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.maxpool1, self.conv2, self.maxpool2, *rest = layers()
        self.conv3, self.maxpool3, self.flatten, self.linear1, self.linear2 = rest
        self.model1 = nn.Sequential(*self.children())


@pytest.mark.claim("seq.output-shape")
def test_output_shape() -> None:
    output = Tudui()(torch.ones((64, 3, 32, 32)))
    assert str(output.shape) == "torch.Size([64, 10])"


@pytest.mark.claim("seq.feature-sizes")
def test_feature_sizes() -> None:
    features, sizes = torch.ones(1, 3, 32, 32), []
    for layer in Tudui().model:
        features = layer(features)
        sizes.append(tuple(features.shape[1:]))
    assert sizes == SIZES


@pytest.mark.claim("seq.wrong-layer")
@pytest.mark.parametrize(("number", "wrong"), [(2, nn.Conv2d(3, 32, 5)), (7, nn.Linear(1000, 64))])
def test_mismatched_layer_fails(number: int, wrong: nn.Module) -> None:
    network = Tudui()
    network.model[number] = wrong
    with pytest.raises(RuntimeError, match=r"expected input|shapes cannot be multiplied"):
        network(torch.ones(1, 3, 32, 32))


@pytest.mark.claim("seq.layer-names")
def test_layers_are_numbered() -> None:
    names = ["0", "1", "2", "3", "4", "5", "6", "7", "8"]
    assert [name for name, _ in Tudui().model.named_children()] == names


@pytest.mark.claim("seq.conv3-channels")
@pytest.mark.shows("seq.conv3-channels")
def test_third_convolution_must_give_64_channels(shows_error: ShowsError) -> None:
    images = torch.ones(64, 3, 32, 32)
    with shows_error("seq.conv3-channels"):
        nn.Sequential(*layers(channels=32))(images)
    assert nn.Sequential(*layers(channels=64))(images).shape == (64, 10)


@pytest.mark.claim("seq.registered-twice")
def test_layers_registered_twice() -> None:
    network = Myseq()
    assert len(network.state_dict()) == 20
    assert len(list(network.parameters())) == 10
    assert sum(parameter.numel() for parameter in network.parameters()) == 145_578


@pytest.mark.claim("seq.random-input")
def test_random_input() -> None:
    images = torch.randint(1, 10, (64, 3, 32, 32)).float()
    assert images.dtype == torch.float32
    assert images.shape == (64, 3, 32, 32)
    assert images.unique().tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.claim("seq.input-by-randint")
@pytest.mark.shows("seq.input-by-randint")
def test_integer_input_fails(shows_error: ShowsError) -> None:
    integers = torch.randint(1, 10, (2, 3, 32, 32))
    with shows_error("seq.input-by-randint"):
        Tudui()(integers)
    for images in (integers.float(), torch.rand(2, 3, 32, 32)):
        assert Tudui()(images).shape == (2, 10)


@pytest.mark.claim("seq.select-backward")
def test_output_row_has_select_backward() -> None:
    output = Tudui()(torch.ones(2, 3, 32, 32))
    assert str(output[0]).endswith("grad_fn=<SelectBackward0>)")


@pytest.mark.claim("seq.passes-on")
def test_each_layer_gets_the_previous_output() -> None:
    double, add_one = nn.Linear(1, 1), nn.Linear(1, 1)
    for layer, weight, bias in ((double, 2.0, 0.0), (add_one, 1.0, 1.0)):
        nn.init.constant_(layer.weight, weight)
        nn.init.constant_(layer.bias, bias)
    assert nn.Sequential(double, add_one)(torch.tensor([3.0])).item() == 7
    assert nn.Sequential(add_one, double)(torch.tensor([3.0])).item() == 8


@pytest.mark.claim("seq.parameters")
def test_parameters() -> None:
    kinds = [type(layer).__name__ for layer in Tudui().model]
    assert kinds == ["Conv2d", "MaxPool2d"] * 3 + ["Flatten", "Linear", "Linear"]
    sizes = [parameter.numel() for parameter in Tudui().parameters()]
    # 3*32*25, 32, 32*32*25, 32, 32*64*25, 64, 1024*64, 64, 64*10, 10
    assert sizes == [2400, 32, 25_600, 32, 51_200, 64, 65_536, 64, 640, 10]
    assert sum(sizes) == 145_578


@pytest.mark.claim("seq.positional-arguments")
def test_positional_arguments() -> None:
    positional = nn.Conv2d(3, 32, 5, 1, 2)
    assert (positional.in_channels, positional.out_channels) == (3, 32)
    assert positional.kernel_size == (5, 5)
    assert positional.stride == (1, 1)
    assert positional.padding == (2, 2)


@pytest.mark.claim("seq.same-network")
def test_network_with_keyword_arguments() -> None:
    class MyModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            options = {"kernel_size": 5, "stride": 1, "padding": 2}
            self.model = nn.Sequential(
                nn.Conv2d(in_channels=3, out_channels=32, **options),
                nn.MaxPool2d(kernel_size=2),
                nn.Conv2d(in_channels=32, out_channels=32, **options),
                nn.MaxPool2d(kernel_size=2),
                nn.Conv2d(in_channels=32, out_channels=64, **options),
                nn.MaxPool2d(kernel_size=2),
                nn.Flatten(),
                nn.Linear(in_features=64 * 4 * 4, out_features=64),
                nn.Linear(in_features=64, out_features=10),
            )

    network = MyModel()
    assert str(network).replace("MyModel", "Tudui") == str(Tudui())
    assert str(network.load_state_dict(Tudui().state_dict())) == "<All keys matched successfully>"


@pytest.mark.claim("seq.entity")
def test_is_used_saved_and_moved_as_a_whole(tmp_path: Path) -> None:
    network, copy = nn.Sequential(*layers()), nn.Sequential(*layers())
    images = torch.rand(2, 3, 32, 32)
    torch.save(network.state_dict(), tmp_path / "part.pth")
    copy.load_state_dict(torch.load(tmp_path / "part.pth"))
    assert torch.equal(copy(images), network(images))
    assert torch.equal(nn.Sequential(network, nn.Flatten(0))(images), network(images).flatten())
    assert {parameter.device.type for parameter in network.to("meta").parameters()} == {"meta"}


@pytest.mark.claim("seq.graph")
def test_graph_has_every_layer_in_order(tmp_path: Path) -> None:
    images = torch.ones(64, 3, 32, 32)
    with open_board(tmp_path, Tudui(), images):
        pass
    graph = EventAccumulator(str(tmp_path)).Reload().Graph()
    computed = [node for node in graph.node if node.op.startswith("aten::")]
    assert [node.name.rsplit("/", 1)[0] for node in computed] == [
        f"Tudui/Sequential[model]/{layer}"
        for layer in (
            *("Conv2d[0]", "MaxPool2d[1]", "Conv2d[2]", "MaxPool2d[3]", "Conv2d[4]"),
            *("MaxPool2d[5]", "Flatten[6]", "Linear[7]", "Linear[8]"),
        )
    ]
    shapes = [node.attr["_output_shapes"].list.shape[0].dim for node in computed]
    assert [tuple(dim.size for dim in shape[1:]) for shape in shapes] == SIZES
    assert computed[0].input[0] == "input/images"
    assert all(node.input[0] == previous.name for previous, node in pairwise(computed))


class ExplicitForward(nn.Module):
    """The course's first form: each layer is an attribute that forward calls."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.maxpool1, self.conv2, self.maxpool2, *rest = layers()
        self.conv3, self.maxpool3, self.flatten, self.linear1, self.linear2 = rest

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the class scores."""
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv2(x))
        x = self.maxpool3(self.conv3(x))
        return self.linear2(self.linear1(self.flatten(x)))


@pytest.mark.claim("seq.replaces-attributes")
def test_replaces_layers_called_in_forward() -> None:
    explicit, ours = ExplicitForward(), Tudui()
    ours.load_state_dict(dict(zip(ours.state_dict(), explicit.parameters(), strict=True)))
    images = torch.rand(4, 3, 32, 32)
    assert torch.equal(nn.Sequential(*explicit.children())(images), explicit(images))
    assert torch.equal(ours(images), explicit(images))


@pytest.mark.claim("seq.output-values")
def test_printed_output_row() -> None:
    network, other = Tudui(), Tudui()
    images = torch.ones(2, 3, 32, 32)
    assert not torch.equal(network(images), other(images))
    documented = [
        0.9006, -0.2945, -0.2323, -0.3727, -0.1290, 0.0100, 0.2389, 0.2414, -0.3818, 0.0179,
    ]  # fmt: skip
    last = network.model[8]
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor(documented))
    assert " ".join(str(network(images)[0]).split()) == (
        "tensor([ 0.9006, -0.2945, -0.2323, -0.3727, -0.1290, 0.0100, 0.2389, 0.2414, "
        "-0.3818, 0.0179], grad_fn=<SelectBackward0>)"
    )


@pytest.mark.claim("seq.commented-layers")
@pytest.mark.shows("seq.commented-layers")
def test_commented_out_layers_are_missing(
    capsys: pytest.CaptureFixture[str], shows_error: ShowsError
) -> None:
    listing = """
class Test(nn.Module):
    def __init__(self):
        super(Test, self).__init__()
        # self.model1 = nn.Sequential(...)

    def forward(self, x):
        return self.model1(x)

test = Test()
print(test)
it = torch.ones((64, 3, 32, 32))
ot = test(it)
"""
    with shows_error("seq.commented-layers"):
        run(listing, nn=nn, torch=torch, __name__="listing")
    assert capsys.readouterr().out == "Test()\n"
    fixed = listing.replace("# self.model1 = nn.Sequential(...)", "self.model1 = layers")
    names = run(fixed, nn=nn, torch=torch, layers=Tudui().model, __name__="listing")
    assert names["ot"].shape == (64, 10)
    assert "(8): Linear(in_features=64, out_features=10, bias=True)" in capsys.readouterr().out


@pytest.mark.claim("seq.modules-only")
@pytest.mark.shows("seq.modules-only")
def test_sequential_takes_layers(shows_error: ShowsError) -> None:
    for arguments in ([[nn.ReLU()]], [nn.Flatten(), nn.ReLU]):
        with shows_error("seq.modules-only"):
            nn.Sequential(*arguments)


class TwoLinears(nn.Module):
    """A network of which forward uses only the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(4, 2)
        self.linear2 = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the result of the first layer."""
        return self.linear1(x)


@pytest.mark.claim("seq.unused-layer")
def test_unused_layer_is_saved_and_not_trained() -> None:
    net = TwoLinears()
    net(torch.ones(1, 4)).sum().backward()
    assert net.linear1.weight.grad is not None
    assert net.linear2.weight.grad is None
    assert "linear2.weight" in net.state_dict()


@pytest.mark.claim("seq.one-name-one-layer")
def test_second_layer_of_a_name_replaces_the_first() -> None:
    net = TwoLinears()
    net.linear1 = nn.Linear(4, 5)
    assert [tuple(p.shape) for p in net.linear1.parameters()] == [(5, 4), (5,)]
    assert len(list(net.children())) == 2
