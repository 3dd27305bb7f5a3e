"""P3, P30-P31: the device to compute on."""

import pytest
import torch

from reference.environment import select_device, why_no_cuda
from reference.errors import InputError


def test_auto_is_the_accelerator_or_the_cpu() -> None:
    accelerator = torch.accelerator.is_available()
    assert (select_device("auto").type == "cpu") is not accelerator


def test_device_by_name() -> None:
    assert select_device("cpu") == torch.device("cpu")


def test_unknown_device_is_refused() -> None:
    for name in ("gpu", "cuda:x", ""):
        with pytest.raises(InputError, match=f"--device {name}: torch knows no such device"):
            select_device(name)


def test_unavailable_device_is_refused() -> None:
    with pytest.raises(InputError, match="--device meta: torch finds none here; --device cpu"):
        select_device("meta")
    with pytest.raises(InputError, match=r"--device cuda:99: .*; --device cpu works"):
        select_device("cuda:99")


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a CUDA device")
def test_refused_cuda_has_a_reason() -> None:
    assert why_no_cuda()
    assert "\n" not in why_no_cuda()
    with pytest.raises(InputError) as caught:
        select_device("cuda")
    assert str(caught.value) == f"--device cuda: {why_no_cuda()}; --device cpu works everywhere"


@pytest.mark.cuda
def test_auto_is_cuda_if_available() -> None:
    assert why_no_cuda() == ""
    assert select_device("auto").type == select_device("cuda").type == "cuda"


def test_why_no_cuda_of_a_cpu_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_cuda() == f"torch {torch.__version__} is built without CUDA"
