"""P26: weights are saved atomically, and loaded without running code from the file."""

import errno
import io
import os
import re
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from reference.checkpoints import files, pickled_module
from reference.checkpoints.files import load_checkpoint, load_weights, save_checkpoint
from reference.errors import InputError, RunError, first_line
from reference.models.course import Tudui
from reference.training.runs import Run
from reference.training.trainer import Trainer
from spec_tests.support.failing_files import contradict_torch, fail_after, fail_with
from spec_tests.support.runs import train


def make_checkpoint() -> dict[str, Any]:
    model = Tudui()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 1,
        "step": 5,
        "rng": {"cpu": torch.get_rng_state()},
        "config": {"lr": 0.01, "max_steps": None},
    }


def test_round_trip_keeps_every_bit(tmp_path: Path) -> None:
    saved = make_checkpoint()
    save_checkpoint(tmp_path / "c.pt", saved)
    loaded = load_checkpoint(tmp_path / "c.pt")
    torch.testing.assert_close(loaded["model"], saved["model"], rtol=0, atol=0)
    assert {k: loaded[k] for k in ("epoch", "step", "config")} == {
        "epoch": 1,
        "step": 5,
        "config": {"lr": 0.01, "max_steps": None},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


def test_loadable_by_torch_with_weights_only(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", make_checkpoint())
    assert torch.load(tmp_path / "c.pt", weights_only=True)["epoch"] == 1


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, make_checkpoint())
    before = path.read_bytes()

    def save_half(_content: object, part: Path) -> None:
        part.write_bytes(before[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", save_half)
    with pytest.raises(RunError, match=r"c\.pt cannot be written \(.*No space left on device\)"):
        save_checkpoint(path, make_checkpoint())
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


class AcceleratorError(RuntimeError):
    """As in torch since 2.8."""


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos"), "disk's free"),
        (RuntimeError("basic_ios::clear: iostream error"), "disk's free"),
        (PermissionError(13, "Permission denied"), "disk's free"),
        (RuntimeError("CUDA error: an illegal memory access\nCUDA kernel"), "accelerator failed"),
        (AcceleratorError("device-side assert triggered"), "accelerator failed"),
        (RuntimeError("HIP error: invalid device function"), "accelerator failed"),
        (torch.OutOfMemoryError("CUDA out of memory."), "accelerator failed"),
        (MemoryError(), "memory is full, not the disk"),
        (OSError(12, "Cannot allocate memory"), "memory is full, not the disk"),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), "memory is full, not the disk"),
        (RuntimeError("storage has wrong size"), "not the disk's"),
    ],
    ids=str,
)
def test_error_while_saving_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, remedy: str
) -> None:
    def save(_content: object, _part: Path) -> None:
        try:
            raise error
        finally:  # as torch: the file cannot be closed properly either
            raise RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 1 vs 0")

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(RunError) as caught:
        save_checkpoint(tmp_path / "c.pt", make_checkpoint())
    line = str(caught.value)
    assert f"c.pt cannot be written ({str(error).partition(chr(10))[0] or 'MemoryError'}): " in line
    assert remedy in line.rpartition("): ")[2]
    assert "\n" not in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access"),
        AcceleratorError("device-side assert triggered"),
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=str,
)
def test_error_of_the_machine_does_not_blame_the_file(
    tmp_path: Path, small_cifar10: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Otherwise --resume would advise to delete a sound checkpoint."""
    trainer = train(tmp_path / "run", small_cifar10, max_steps=1, device="cpu")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(files, "unpickle", fail)
    path = tmp_path / "run" / "checkpoints" / "epoch-001.pt"
    for read in (
        lambda: load_checkpoint(path),
        Trainer(Run.resume(trainer.run.folder, {}), lambda *_: None).fit,
    ):
        with pytest.raises((type(error), InputError)) as caught:
            read()
        if issubclass(caught.type, InputError):
            assert f"cannot be read: out of memory ({first_line(error)})" in str(caught.value)
            assert not re.search("damaged|delete|move", str(caught.value))
        else:
            assert caught.value is error


@pytest.mark.parametrize(
    ("obstruct", "reason"),
    [
        *((partial(fail_after, reads), "Input/output error") for reads in (0, 1, 2, 5, 20)),
        (lambda patch: patch.setattr(Path, "open", fail_with(errno.EACCES)), "Permission denied"),
        (
            lambda patch: patch.setattr(pickled_module, "copy_zip", fail_with(errno.ENOSPC)),
            "No space left on device in .+: set TMPDIR to another folder",
        ),
        (contradict_torch, "torch.load fails for every file here .+: run course doctor"),
    ],
)
def test_file_that_cannot_be_read_is_not_called_damaged(
    tmp_path: Path,
    small_cifar10: Path,
    monkeypatch: pytest.MonkeyPatch,
    obstruct: Callable[[pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    trainer = train(tmp_path / "run", small_cifar10, max_steps=1, device="cpu")
    path = tmp_path / "run" / "checkpoints" / "epoch-001.pt"
    resumed = Trainer(Run.resume(trainer.run.folder, {}), lambda *_: None)
    for read in (lambda: load_checkpoint(path), resumed.fit):
        with monkeypatch.context() as patch:
            obstruct(patch)
            with pytest.raises(InputError, match=rf"epoch-001\.pt cannot be read: {reason}$"):
                read()
    resumed.fit()


def test_bare_state_dict_is_read(tmp_path: Path) -> None:
    state = Tudui().state_dict()
    torch.save(state, tmp_path / "model_29.pth")
    loaded = load_checkpoint(tmp_path / "model_29.pth")
    assert list(loaded) == ["model"]
    torch.testing.assert_close(loaded["model"], OrderedDict(state), rtol=0, atol=0)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.pt cannot be read: No such file"):
        load_checkpoint(tmp_path / "no.pt")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    save_checkpoint(tmp_path / "c.pt", make_checkpoint())
    data = (tmp_path / "c.pt").read_bytes()
    (tmp_path / "c.pt").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"c\.pt is damaged or not a checkpoint"):
        load_checkpoint(tmp_path / "c.pt")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {}, {"a": 1}, {"model": {}, "epoch": 1}, {1: torch.zeros(3)}, torch.zeros(3)],
    ids=str,
)
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(InputError, match="is not a checkpoint: it contains neither"):
        load_checkpoint(tmp_path / "c.pt")


class Command:
    """Runs a command when its pickle is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    stream = io.BytesIO()
    torch.save({"model": Command(f"touch {canary}")}, stream)
    stream.seek(0)
    torch.load(stream, weights_only=False)
    canary.unlink()  # fails if torch.load has not run the command

    (tmp_path / "malicious.pt").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match=r"asks to run code when it is loaded \(\w+\.system\)"):
        load_checkpoint(tmp_path / "malicious.pt")
    assert not canary.exists()


def test_another_network_is_refused_with_its_keys() -> None:
    model = Tudui()
    state = model.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    state = {key: value + 1 for key, value in state.items()}
    state["extra.weight"] = state.pop("model.0.bias")
    state["model.8.weight"] = torch.zeros(100, 64)
    with pytest.raises(InputError) as caught:
        load_weights(model, state, "x.pt")
    assert str(caught.value) == (
        "x.pt does not fit the network Tudui: missing: model.0.bias; "
        "unexpected: extra.weight; wrong shape: model.8.weight (100, 64) for (10, 64)"
    )
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)


def test_wrapped_network_is_refused_with_its_wrapper() -> None:
    state = Tudui().state_dict()
    for prefix, wrapper in (("module.", "DataParallel"), ("_orig_mod.", r"torch\.compile")):
        wrapped = {prefix + key: value for key, value in state.items()}
        with pytest.raises(InputError, match=f"missing: .*; it was saved from {wrapper}: save"):
            load_weights(Tudui(), wrapped, "x.pt")


def test_another_head_is_refused_with_its_layer() -> None:
    state = Tudui().state_dict()
    state["model.8.weight"], state["model.8.bias"] = torch.zeros(100, 64), torch.zeros(100)
    with pytest.raises(InputError) as caught:
        load_weights(Tudui(), state, "x.pt")
    assert str(caught.value).endswith(
        "Tudui: wrong shape: model.8.weight (100, 64) for (10, 64), model.8.bias (100,) for (10,)"
        "; it was trained with another head, the last layer model.8"
    )
    del state["model.8.weight"], state["model.8.bias"]
    with pytest.raises(InputError, match=r"missing: model\.8\.bias, model\.8\.weight; it was tr"):
        load_weights(Tudui(), state, "x.pt")


@pytest.mark.cuda
def test_file_written_on_cuda_loads_on_the_cpu(tmp_path: Path) -> None:
    state = Tudui().cuda().state_dict()
    torch.save(state, tmp_path / "c.pt")
    loaded = load_checkpoint(tmp_path / "c.pt", "cpu")["model"]
    assert all(value.device.type == "cpu" for value in loaded.values())
