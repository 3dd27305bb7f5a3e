"""Claims about SummaryWriter, its files, curves and graphs (P8, P22)."""

import importlib
import inspect
import re
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.backend.event_processing.io_wrapper import IsTensorFlowEventsFile
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from spec_tests.harness.shown_errors import PrintsError, ShowsError
from spec_tests.support.event_files import logged


@pytest.mark.claim("tensorboard.folder-and-file")
@pytest.mark.usefixtures("writer")
def test_folder_and_file() -> None:
    (file,) = Path("logs").iterdir()
    assert file.name.startswith("events.out.tfevents.")


@pytest.mark.claim("tensorboard.file-a-run")
@pytest.mark.usefixtures("writer")
def test_one_file_per_run() -> None:
    SummaryWriter("logs").close()
    assert len(list(Path("logs").iterdir())) == 2


@pytest.mark.claim("tensorboard.old-files")
def test_old_files_are_shown_too(tmp_path: Path) -> None:
    for slope in (2, 3):
        with SummaryWriter(str(tmp_path)) as writer:
            for i in range(3):
                writer.add_scalar("y=2x", slope * i, i)
    points = [(event.step, event.value) for event in logged(tmp_path).Scalars("y=2x")]
    assert points == [(0, 0), (1, 2), (2, 4), (0, 0), (1, 3), (2, 6)]  # one zigzag line


@pytest.mark.claim("tensorboard.default-folder", "tensorboard.comment")
@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("comment", ["", "LR_0.1"])
def test_default_folder(comment: str) -> None:
    SummaryWriter(comment=comment).close()
    (folder,) = Path("runs").iterdir()
    end = re.escape(socket.gethostname() + comment)
    assert re.fullmatch(r"[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_" + end, folder.name)


@pytest.mark.claim("tensorboard.comment")
def test_comment_is_ignored_if_the_folder_is_given(tmp_path: Path) -> None:
    SummaryWriter(str(tmp_path / "logs"), comment="LR_0.1").close()
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.claim("tensorboard.log-dir-by-keyword")
def test_log_dir_by_keyword(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("./total_train", "./not/there/yet"):
        SummaryWriter(log_dir=folder).close()
        assert len(list(Path(folder).iterdir())) == 1


@pytest.mark.claim("tensorboard.y-is-x")
def test_curve_of_y_equals_x(writer: SummaryWriter) -> None:
    for i in range(100):
        writer.add_scalar("y=x", i, i)
    writer.close()
    points = [(event.step, event.value) for event in logged("logs").Scalars("y=x")]
    assert points == [(i, i) for i in range(100)]


@pytest.mark.claim("tensorboard.scalar-arguments", "tensorboard.scalar-and-step")
def test_scalar_arguments(writer: SummaryWriter) -> None:
    names = list(inspect.signature(writer.add_scalar).parameters)
    assert names[:3] == ["tag", "scalar_value", "global_step"]
    writer.add_scalar("y=x^2", 3 * 3, 3)
    writer.close()
    (event,) = logged("logs").Scalars("y=x^2")
    assert (event.step, event.value) == (3, 9)


@pytest.mark.claim("tensorboard.scalar-tensor")
def test_scalar_tensor(writer: SummaryWriter) -> None:
    total_accuracy = (torch.tensor([3, 8, 8, 0]) == torch.tensor([3, 8, 1, 1])).sum()
    writer.add_scalar("test_accuracy", total_accuracy / 4, 0)
    with pytest.raises(AssertionError):
        writer.add_scalar("test_accuracy", torch.tensor([0.5, 0.5]), 1)
    writer.close()
    assert [event.value for event in logged("logs").Scalars("test_accuracy")] == [0.5]


@pytest.mark.claim("tensorboard.no-step")
def test_scalars_without_a_step(writer: SummaryWriter) -> None:
    for loss in (3, 2, 1):
        writer.add_scalar("loss", loss)
    writer.close()
    points = [(event.step, event.value) for event in logged("logs").Scalars("loss")]
    assert points == [(0, 3), (0, 2), (0, 1)]


@pytest.mark.claim("tensorboard.empty-tag")
def test_empty_tag(writer: SummaryWriter) -> None:
    writer.add_scalar("", 1, 1)
    writer.add_scalar("", 2, 1)
    writer.add_image("", torch.rand(3, 4, 4), 1)
    writer.close()
    tags = logged("logs").Tags()
    assert (tags["scalars"], tags["images"]) == ([""], [""])
    assert len(logged("logs").Scalars("")) == 2


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.claim("tensorboard.graph", "tensorboard.graph-needs-no-output")
def test_graph_nodes(writer: SummaryWriter) -> None:
    names = list(inspect.signature(writer.add_graph).parameters)
    assert names[:2] == ["model", "input_to_model"]
    model = nn.Sequential(nn.Linear(3, 1), nn.ReLU())
    writer.add_graph(model=model, input_to_model=torch.ones(2, 3))
    with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied \(2x4 and 3x1\)"):
        writer.add_graph(nn.Linear(3, 1), torch.ones(2, 4))
    writer.close()
    nodes = {"/".join(node.name.split("/")[:-1][:2]) for node in logged("logs").Graph().node}
    assert nodes == {"input", "Sequential/Linear[0]", "Sequential/ReLU[1]", "output"}


@pytest.mark.claim("tensorboard.graph-silent")
@pytest.mark.shows("tensorboard.graph-silent")
def test_graph_warnings(
    writer: SummaryWriter, by_version: Callable[[str], object], shows_error: ShowsError
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer.add_graph(nn.Linear(3, 1), torch.ones(2, 3))
    kinds = {w.category.__name__ for w in caught if "`torch.jit.trace`" in str(w.message)}
    assert ", ".join(kinds) == by_version("tensorboard.graph-silent")
    with warnings.catch_warnings(), shows_error("tensorboard.graph-silent"):
        warnings.simplefilter("ignore", DeprecationWarning)  # up to torch 2.13
        writer.add_graph(nn.Linear(3, 1), torch.ones(2, 3))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.claim("tensorboard.dashboards")
def test_dashboards(writer: SummaryWriter) -> None:
    writer.add_scalar("y=x", 1, 1)
    writer.add_image("test", np.zeros((4, 6, 3), np.uint8), 1, dataformats="HWC")
    writer.add_histogram("weight", torch.arange(10.0), 1)
    writer.add_graph(nn.Linear(3, 1), torch.ones(2, 3))
    writer.close()
    tags = logged("logs").Tags()
    assert [tags[name] for name in ("scalars", "images", "histograms", "graph")] == [
        ["y=x"],
        ["test"],
        ["weight"],
        True,
    ]


@pytest.mark.claim("tensorboard.event-files-only")
def test_only_event_files_are_read(writer: SummaryWriter) -> None:
    writer.add_scalar("y=x", 1, 1)
    writer.close()
    (events,) = Path("logs").iterdir()
    assert IsTensorFlowEventsFile(str(events))
    events.rename("logs/model.pt")
    assert not IsTensorFlowEventsFile("logs/model.pt")
    assert logged("logs").Tags()["scalars"] == []


@pytest.mark.claim("tensorboard.compare-runs")
def test_runs_are_separate_and_shown_together(tmp_path: Path) -> None:
    for rate, loss in ((0.1, 3.0), (0.01, 2.0)):
        with SummaryWriter(str(tmp_path / f"lr_{rate}")) as writer:
            writer.add_scalar("loss", loss, 0)
    runs = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    assert sorted(runs.Runs()) == ["lr_0.01", "lr_0.1"]
    assert [runs.Scalars(run, "loss")[0].value for run in ("lr_0.01", "lr_0.1")] == [2, 3]


@pytest.mark.claim("tensorboard.close")
def test_close_writes_everything(writer: SummaryWriter) -> None:
    for i in range(100):
        writer.add_scalar("y=x", i, i)
    writer.close()
    assert len(logged("logs").Scalars("y=x")) == 100


@pytest.mark.claim("tensorboard.after-close")
def test_writing_after_close(writer: SummaryWriter) -> None:
    writer.close()
    writer.add_scalar("late", 1, 1)
    writer.add_scalar("late", 2, 2)
    assert len(list(Path("logs").iterdir())) == 2
    writer.close()
    assert [event.step for event in logged("logs").Scalars("late")] == [1, 2]


@pytest.mark.claim("tensorboard.not-closed")
@pytest.mark.usefixtures("writer")
def test_events_are_written_by_a_thread_that_ends_with_the_script() -> None:
    threads = [t for t in threading.enumerate() if type(t).__name__ == "_AsyncWriterThread"]
    assert threads
    assert all(thread.daemon for thread in threads)
    assert inspect.signature(SummaryWriter).parameters["max_queue"].default == 10


@pytest.mark.claim("tensorboard.empty-page")
def test_other_folder_has_no_data(writer: SummaryWriter, tmp_path: Path) -> None:
    writer.add_scalar("y=x", 1, 1)
    writer.close()
    assert EventMultiplexer().AddRunsFromDirectory("logs").Reload().Runs()
    assert not EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "log")).Reload().Runs()


@pytest.mark.claim("tensorboard.command-missing")
def test_module_is_the_command() -> None:
    command = [sys.executable, "-m", "tensorboard.main", "--version"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"^\d+\.\d+", run.stdout, re.MULTILINE)


@pytest.mark.claim("tensorboard.tensorboardx")
@pytest.mark.shows("tensorboard.tensorboardx")
def test_tensorboardx_is_another_package(
    monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.setattr(sys, "path", [])  # in case that it is installed
    with shows_error("tensorboard.tensorboardx"):
        importlib.import_module("tensorboardX")


@pytest.mark.claim("tensorboard.scalar-one-value")
@pytest.mark.shows("tensorboard.scalar-one-value")
def test_scalar_is_one_value(writer: SummaryWriter, shows_error: ShowsError) -> None:
    for value in (torch.ones(3), [1, 2]):
        with shows_error("tensorboard.scalar-one-value"):
            writer.add_scalar("loss", value, 0)
    writer.add_scalar("loss", torch.ones(3).mean(), 0)
    writer.close()
    assert logged("logs").Scalars("loss")[0].value == 1


@pytest.mark.claim("tensorboard.command-arguments")
@pytest.mark.shows("tensorboard.command-arguments")
def test_spaces_in_the_command(prints_error: PrintsError) -> None:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", "=", "logs"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    prints_error("tensorboard.command-arguments", run.stderr)
