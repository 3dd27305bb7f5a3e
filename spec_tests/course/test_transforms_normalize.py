"""Claims about Normalize, for torchvision and the reference, and messages of others (P12-P13)."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models, transforms
from torchvision.transforms import Compose, Normalize, Resize, ToTensor

from reference.data.transforms import normalize, resize, to_tensor
from spec_tests.harness.shown_errors import ShowsError

HALF = [0.5, 0.5, 0.5]


@pytest.fixture(scope="module")
def tensor(ant: Image.Image) -> torch.Tensor:
    return ToTensor()(ant)


@pytest.mark.claim("transforms.normalize-regularises", "transforms.normalize-formula")
@pytest.mark.parametrize("ours", [False, True])
def test_standardizes(*, ours: bool) -> None:
    image = torch.tensor([[[0.0, 1.0]], [[0.5, 2.0]], [[8.0, 4.0]]])
    mean, std = [0.0, 0.5, 4.0], [0.5, 0.25, 2.0]
    normalized = normalize(image, mean, std) if ours else Normalize(mean, std)(image)
    assert normalized.tolist() == [[[0.0, 2.0]], [[0.0, 6.0]], [[2.0, 0.0]]]


@pytest.mark.claim("transforms.normalize-half")
def test_mean_and_std_of_half() -> None:
    image = torch.tensor([0.0, 0.25, 0.5, 1.0]).expand(3, 1, 4)
    for normalized in (Normalize(HALF, HALF)(image), normalize(image, HALF, HALF)):
        assert normalized.tolist() == [[[-1.0, -0.5, 0.0, 1.0]]] * 3


@pytest.mark.claim("transforms.normalize-own")
def test_statistics_of_the_image(tensor: torch.Tensor) -> None:
    mean, std = tensor.mean((1, 2)).tolist(), tensor.std((1, 2)).tolist()
    for normalized in (Normalize(mean, std)(tensor), normalize(tensor, mean, std)):
        assert normalized.mean((1, 2)).tolist() == pytest.approx([0, 0, 0], abs=1e-4)
        assert normalized.std((1, 2)).tolist() == pytest.approx([1, 1, 1], abs=1e-4)


@pytest.mark.claim("transforms.normalize-standard")
def test_white_image() -> None:
    white = torch.ones(3, 2, 2)
    for normalized in (Normalize(HALF, HALF)(white), normalize(white, HALF, HALF)):
        assert normalized.unique().tolist() == [1]


@pytest.mark.claim("transforms.normalize-tensor-only")
@pytest.mark.shows("transforms.normalize-tensor-only")
def test_refuses_a_pil_image(ant: Image.Image, shows_error: ShowsError) -> None:
    with shows_error("transforms.normalize-tensor-only"):
        Normalize(HALF, HALF)(ant)
    with pytest.raises(TypeError, match="normalize takes a float tensor, not Image"):
        normalize(ant, HALF, HALF)


@pytest.mark.claim("transforms.normalize-range")
@pytest.mark.shows("transforms.normalize-range")
def test_takes_any_range_but_no_integers(shows_error: ShowsError) -> None:
    image = torch.tensor([-3.0, 255.0]).expand(3, 1, 2)
    for normalized in (Normalize(HALF, HALF)(image), normalize(image, HALF, HALF)):
        assert normalized.tolist() == [[[-7.0, 509.0]]] * 3
    with shows_error("transforms.normalize-range"):
        Normalize(HALF, HALF)(image.byte())
    with pytest.raises(TypeError, match=r"normalize takes a float tensor, not torch\.uint8"):
        normalize(image.byte(), HALF, HALF)


@pytest.mark.claim("transforms.normalize-channels-first")
@pytest.mark.shows("transforms.normalize-channels-first")
def test_refuses_channels_last(tensor: torch.Tensor, shows_error: ShowsError) -> None:
    channels_last = tensor.permute(1, 2, 0)
    with shows_error("transforms.normalize-channels-first"):
        Normalize(HALF, HALF)(channels_last)
    with shows_error("transforms.normalize-channels-first"):
        Normalize(HALF, HALF)(tensor[0])
    with pytest.raises(ValueError, match=r"each channel .* 3 and 3 for \(512, 768, 3\)"):
        normalize(channels_last, HALF, HALF)


@pytest.mark.claim("transforms.normalize-three")
@pytest.mark.shows("transforms.normalize-three")
def test_refuses_three_means_for_one_channel(shows_error: ShowsError) -> None:
    grey = torch.zeros(1, 4, 4)
    with shows_error("transforms.normalize-three"):
        Normalize(HALF, HALF)(grey)
    with shows_error("transforms.normalize-three"):
        Normalize(HALF, HALF)(torch.zeros(4, 4, 4))
    with pytest.raises(ValueError, match="3 and 3 for"):
        normalize(grey, HALF, HALF)


@pytest.mark.claim("transforms.normalize-shape")
def test_keeps_dtype_and_shape(tensor: torch.Tensor) -> None:
    for normalized in (Normalize(HALF, HALF)(tensor), normalize(tensor, HALF, HALF)):
        assert normalized.dtype == torch.float32
        assert normalized.shape == (3, 512, 768)


@pytest.mark.claim("transforms.preprocess", "transforms.imagenet")
def test_imagenet_preprocessing(ant: Image.Image) -> None:
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    preset = models.VGG16_Weights.IMAGENET1K_V1.transforms()
    assert (preset.mean, preset.std) == (mean, std)
    theirs = Compose([Resize((224, 224)), ToTensor(), Normalize(mean, std)])(ant)
    ours = normalize(to_tensor(resize(ant, (224, 224))), mean, std)
    assert theirs.shape == (3, 224, 224)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.claim("transforms.removed-names")
@pytest.mark.shows("transforms.removed-names")
def test_removed_names(shows_error: ShowsError) -> None:
    for module, name in ((transforms, "Scale"), (Image, "ANTIALIAS")):
        with shows_error("transforms.removed-names"):
            getattr(module, name)


@pytest.mark.claim("transforms.array-into-resize")
@pytest.mark.shows("transforms.array-into-resize")
def test_arrays_are_refused(ant: Image.Image, shows_error: ShowsError) -> None:
    for tool in (Resize((4, 4)), transforms.RandomHorizontalFlip(p=1)):
        with shows_error("transforms.array-into-resize"):
            tool(np.array(ant))
        assert tool(ToTensor()(np.array(ant))).ndim == 3


@pytest.mark.claim("transforms.crop-two-numbers")
@pytest.mark.shows("transforms.crop-two-numbers")
def test_second_number_of_a_crop_is_no_width(ant: Image.Image, shows_error: ShowsError) -> None:
    crop = transforms.RandomCrop(500, 1000)
    assert (crop.size, crop.padding) == ((500, 500), 1000)
    torch.manual_seed(0)
    pieces = [np.array(crop(ant)) for _ in range(20)]
    assert {piece.shape for piece in pieces} == {(500, 500, 3)}
    assert np.mean(np.array(pieces) == 0) > 0.5
    with shows_error("transforms.crop-two-numbers"):
        transforms.CenterCrop(500, 1000)


@pytest.mark.claim("transforms.new-image")
def test_the_old_image_is_not_changed(ant: Image.Image) -> None:
    before = ant.tobytes()
    assert Resize((4, 4))(ant).size == (4, 4)
    assert ant.resize((4, 4)).size == (4, 4)
    assert ant.convert("L").mode == "L"
    assert (ant.mode, ant.size, ant.tobytes()) == ("RGB", (768, 512), before)
