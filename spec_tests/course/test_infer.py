"""Claims about classifying an image with saved weights (P32)."""

from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from reference.checkpoints.files import load_checkpoint
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader
from reference.inference import load_image, predict
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError

CPU = torch.device("cpu")
TRANSFORM = torchvision.transforms.Compose(
    [torchvision.transforms.Resize((32, 32)), torchvision.transforms.ToTensor()]
)


class OneClass(nn.Linear):
    """A network that predicts one class for every image and records how it is called."""

    def __init__(self, index: int) -> None:
        super().__init__(1, 10)
        nn.init.zeros_(self.weight)
        with torch.no_grad():
            self.bias.copy_(10 * torch.eye(10)[index])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Record the call and return the scores."""
        self.seen = self.training, torch.is_grad_enabled(), images.shape
        return super().forward(images[:, 0, 0, :1])


@pytest.fixture
def rgba(tmp_path: Path) -> Path:
    """Return a half-transparent PNG of 60 x 40: red on the left, blue on the right."""
    image = Image.new("RGBA", (60, 40), (0, 0, 255, 128))
    image.paste((255, 0, 0, 128), (0, 0, 30, 40))
    image.save(tmp_path / "dog.png")
    return tmp_path / "dog.png"


@pytest.fixture
def saved_on_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of weights with the location tag cuda:0, as if saved on a GPU."""
    monkeypatch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
    torch.save(Tudui().state_dict(), tmp_path / "model_29.pth")
    monkeypatch.undo()
    return tmp_path / "model_29.pth"


@pytest.mark.claim("infer.prepare-image")
@pytest.mark.shows("infer.prepare-image")
def test_prepare_image(rgba: Path, shows_error: ShowsError) -> None:
    image = TRANSFORM(Image.open(rgba).convert("RGB"))
    assert torch.reshape(image, (1, 3, 32, 32)).shape == torch.Size([1, 3, 32, 32])
    assert image[:, 0, 0].tolist() == [1, 0, 0]  # red
    assert image[:, 0, 31].tolist() == [0, 0, 1]  # blue
    assert torch.equal(load_image(rgba), image)
    smaller_side = torchvision.transforms.Resize(32)(image.new_ones(3, 40, 60))
    with shows_error("infer.prepare-image"):
        torch.reshape(smaller_side, (1, 3, 32, 32))


@pytest.mark.claim("infer.printed-image")
def test_printed_image(rgba: Path) -> None:
    image = Image.open(rgba)
    assert str(image).startswith("<PIL.PngImagePlugin.PngImageFile image mode=RGBA size=60x40")
    converted = str(image.convert("RGB"))
    assert converted.startswith("<PIL.Image.Image image mode=RGB size=60x40 at 0x")


@pytest.mark.claim("infer.needs-rgb")
@pytest.mark.shows("infer.needs-rgb")
def test_four_channels_fail(rgba: Path, shows_error: ShowsError) -> None:
    image = TRANSFORM(Image.open(rgba))
    assert image.shape == (4, 32, 32)
    with shows_error("infer.needs-rgb"):
        torch.reshape(image, (1, 3, 32, 32))
    with shows_error("infer.needs-rgb"):
        Tudui()(image[None])


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.claim("infer.map-location")
def test_gpu_weights_without_map_location(saved_on_gpu: Path) -> None:
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        torch.load(saved_on_gpu)


@pytest.mark.claim("infer.map-location")
def test_gpu_weights_with_map_location(saved_on_gpu: Path) -> None:
    weights = torch.load(saved_on_gpu, map_location=CPU)
    assert str(Tudui().load_state_dict(weights)) == "<All keys matched successfully>"
    ours = load_checkpoint(saved_on_gpu)["model"]
    assert {weight.device for weight in ours.values()} == {CPU}
    torch.testing.assert_close(ours, weights, rtol=0, atol=0)


@pytest.mark.cuda
@pytest.mark.claim("infer.map-location-always")
def test_cpu_weights_in_a_gpu_network(checkpoint: Path) -> None:
    model = Tudui().cuda()
    model.load_state_dict(torch.load(checkpoint))
    assert all(parameter.is_cuda for parameter in model.parameters())
    expected = torch.load(checkpoint, map_location=CPU)
    torch.testing.assert_close(model.cpu().state_dict(), expected, rtol=0, atol=0)


@pytest.mark.claim("infer.map-location-always")
def test_map_location_is_optional_on_an_available_device(
    checkpoint: Path, saved_on_gpu: Path
) -> None:
    assert {weight.device for weight in torch.load(checkpoint).values()} == {CPU}
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match=r"use torch\.load with map_location"):
            torch.load(saved_on_gpu)


@pytest.mark.claim("infer.model-29")
@pytest.mark.shows("infer.model-29")
def test_file_of_epoch_29_needs_30_epochs(tmp_path: Path, shows_error: ShowsError) -> None:
    for i in range(10):
        torch.save({}, tmp_path / f"model_{i}.pth")
    with shows_error("infer.model-29"):
        torch.load(tmp_path / "model_29.pth")
    for i in range(10, 30):
        torch.save({}, tmp_path / f"model_{i}.pth")
    assert torch.load(tmp_path / "model_29.pth") == {}


@pytest.mark.claim("infer.class")
@pytest.mark.parametrize(("index", "name"), [(5, "dog"), (3, "cat"), (0, "airplane"), (9, "truck")])
def test_predicted_class(index: int, name: str) -> None:
    model, image = OneClass(index), torch.ones(3, 32, 32)
    assert str(model(image[None]).argmax(1)) == f"tensor([{index}])"
    (prediction,) = predict(model, [image])
    assert (prediction["index"], prediction["class"]) == (index, name)
    assert prediction["probability"] == pytest.approx(0.99959, abs=1e-5)  # e^10 / (e^10 + 9)


@pytest.mark.claim("infer.output-shape")
def test_output_shape() -> None:
    with torch.no_grad():
        output = Tudui().eval()(torch.ones(1, 3, 32, 32))
    assert output.shape == (1, 10)
    assert not output.requires_grad


@pytest.mark.claim("infer.batch-dimension")
@pytest.mark.shows("infer.batch-dimension")
def test_image_without_batch_dimension_fails(shows_error: ShowsError) -> None:
    with shows_error("infer.batch-dimension"):
        Tudui()(torch.ones(3, 32, 32))
    model = OneClass(5)
    predict(model, [torch.ones(3, 32, 32)])
    assert model.seen[2] == (1, 3, 32, 32)


@pytest.mark.claim("infer.test-device")
def test_loading_does_not_move_the_network(tmp_path: Path) -> None:
    torch.save(Tudui().state_dict(), tmp_path / "model.pth")
    model = Tudui().to("meta")  # replaces a GPU: only the network's device matters
    weights = torch.load(tmp_path / "model.pth", map_location=CPU)
    with pytest.warns(UserWarning, match="which is a no-op"):
        model.load_state_dict(weights)
    assert all(parameter.is_meta for parameter in model.parameters())


@pytest.mark.cuda
@pytest.mark.claim("infer.test-device")
def test_network_and_image_must_be_moved(tmp_path: Path) -> None:
    torch.save(Tudui().state_dict(), tmp_path / "model.pth")
    model, image = Tudui(), torch.ones(1, 3, 32, 32)
    model.load_state_dict(torch.load(tmp_path / "model.pth", map_location=torch.device("cuda")))
    assert not model(image).is_cuda
    assert predict(model.cuda(), [image[0]])[0]["index"] in range(10)


@pytest.mark.claim("infer.whole-model")
@pytest.mark.shows("infer.whole-model")
def test_whole_network_needs_weights_only_false(tmp_path: Path, shows_error: ShowsError) -> None:
    path = tmp_path / "tudui_0.pth"
    torch.save(Tudui(), path)
    with shows_error("infer.whole-model"):
        torch.load(path, map_location=CPU)
    assert load_checkpoint(path).keys() == {"model", "network"}
    assert isinstance(torch.load(path, map_location=CPU, weights_only=False), Tudui)


@pytest.mark.claim("infer.eval-and-no-grad")
def test_reference_predicts_in_evaluation_mode_without_gradients() -> None:
    model = OneClass(5).train()
    predict(model, [torch.ones(3, 32, 32)])
    assert model.seen[:2] == (False, False)


@pytest.mark.claim("infer.better-weights")
def test_better_weights_predict_better(small_cifar10: Path) -> None:
    images, labels = next(iter(ResidentLoader(CIFAR10(small_cifar10), 20)))
    torch.manual_seed(0)
    model = Tudui()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    correct = []
    for steps in (0, 30):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        predictions = predict(model, images)
        correct.append(
            sum(p["index"] == label for p, label in zip(predictions, labels, strict=True))
        )
    untrained, trained = correct
    assert untrained < 10
    assert trained > 15


@pytest.mark.claim("infer.load-state-dict-result")
@pytest.mark.shows("infer.load-state-dict-result")
def test_load_state_dict_does_not_return_the_network(shows_error: ShowsError) -> None:
    network = Tudui()
    result = network.load_state_dict(Tudui().state_dict())
    assert result.missing_keys == result.unexpected_keys == []
    with shows_error("infer.load-state-dict-result"):
        result.eval()
    with shows_error("infer.load-state-dict-result"):
        result(torch.ones(1, 3, 32, 32))
