"""P3, P30-P31: the device to compute on."""

import os
import re
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from reference import cli, environment
from reference.environment import check_torchrun, rank, select_device, why_no_cuda
from reference.errors import InputError

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "1",
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}


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


class Unusable:
    """A tensor on a device that holds data but does not compute."""

    def __init__(self, message: str) -> None:
        self.message = message

    def add(self, _number: int) -> "Unusable":
        warnings.warn("Found GPU0 which is of cuda capability 5.0", stacklevel=1)
        return self

    def cpu(self) -> torch.Tensor:
        raise RuntimeError(self.message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "CUDA error: no kernel image is available for execution on the device\nCompile with",
            "CUDA error: no kernel image is available for execution on the device; this build of ",
        ),
        ("CUDA out of memory. Tried to allocate 2 MiB.\nGPU 0", "CUDA out of memory. Tried to "),
        ("", "RuntimeError"),
    ],
)
@pytest.mark.parametrize("name", ["auto", "cuda", "cuda:1"])
def test_device_that_does_not_compute_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str, reason: str
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", lambda *_, **__: Unusable(message))
    with pytest.raises(InputError) as caught:
        select_device(name)
    line = str(caught.value)
    which = "--device auto selects cuda: " if name == "auto" else f"--device {name}: "
    assert line.startswith(which + reason)
    assert line.endswith("; --device cpu works everywhere")
    assert "\n" not in line


def test_device_that_computes_wrong_results_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = torch.ones
    monkeypatch.setattr(torch, "ones", lambda *_, **__: ones(1) - 1)
    with pytest.raises(InputError, match=r"--device mps: it computes 1 \+ 1 = 1\.0; --device cpu"):
        select_device("mps")


class CudnnBefore29:
    """The settings of cuDNN in older versions."""

    allow_tf32 = True


class CudnnSince29:
    """The settings in newer versions, where setting allow_tf32 warns."""

    def __init__(self) -> None:
        self.conv = SimpleNamespace(fp32_precision="tf32")

    allow_tf32 = property(fset=lambda *_: pytest.fail("allow_tf32 was set"))


def test_tf32_is_switched_off_as_each_version_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "why_unusable", lambda _: "")
    monkeypatch.setattr(torch.backends, "cudnn", old := CudnnBefore29())
    select_device("cuda")
    assert old.allow_tf32 is False
    monkeypatch.setattr(torch.backends, "cudnn", new := CudnnSince29())
    select_device("cuda")
    assert new.conv.fp32_precision == "ieee"


def test_this_version_switches_tf32_off_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "why_unusable", lambda _: "")
    cudnn = torch.backends.cudnn
    settings, name = (
        (cudnn.conv, "fp32_precision") if hasattr(cudnn, "conv") else (cudnn, "allow_tf32")
    )
    before = getattr(settings, name)
    try:
        select_device("cuda")
        assert getattr(settings, name) in ("ieee", False)
    finally:
        setattr(settings, name, before)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, None) for name in list(TORCHRUN)[1:]]
    + [(name, "") for name in list(TORCHRUN)[1:]]
    + [(name, value) for name in list(TORCHRUN)[1:5] for value in ("x", "-1", "1.5", "²", "9" * 99)]
    + [("RANK", "2"), ("LOCAL_RANK", "2"), ("MASTER_PORT", "65536"), ("MASTER_PORT", "none")],
)
def test_wrong_variable_of_torchrun_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str | None,
) -> None:
    environ = os.environ | TORCHRUN | {name: value}
    monkeypatch.setattr(os, "environ", {n: v for n, v in environ.items() if v is not None})
    monkeypatch.setattr(os, "_exit", sys.exit)
    check = "is missing" if value is None else f"has the value {value!r}"
    with pytest.raises(InputError, match=f"the environment variable {name} {re.escape(check)}, bu"):
        check_torchrun()
    monkeypatch.setattr(cli, "rank", lambda: 0)  # ranks above 0 print nothing
    with pytest.raises(SystemExit) as caught:
        cli.main(["models"])
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"course: the environment variable {name} {check}")
    assert printed.err.count("\n") == 1


def test_rank_is_0_if_torchrun_did_not_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, number in {"3": 3, "x": 0, "": 0}.items():
        monkeypatch.setenv("RANK", text)
        monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
        assert rank() == 0
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
        assert rank() == number
