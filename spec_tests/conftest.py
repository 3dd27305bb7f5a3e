"""The options of the suite, and the fixtures that several folders use."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from reference.app.process import idle_thread_variables

# Before torch is imported: OpenMP reads the variables then.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers have the cores
os.environ |= idle_thread_variables()

import pytest
import torch
from PIL import Image, ImageShow
from torch.utils.tensorboard import SummaryWriter

from reference.data import synthetic_cifar10
from reference.models.course import Tudui
from spec_tests.harness import oracle_checks, profiles
from spec_tests.harness.adapters import CALL_SECONDS, load
from spec_tests.implementations import TESTED, implementation_of, known_differences
from spec_tests.paths import INSECTS

profiles.load()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption(
        "--impl",
        action="append",
        metavar="NAME",
        help="implementation to test: built in, the path of an adapter (adapter.py), the dotted "
        "name of its module, or exec:COMMAND (docs/PROTOCOL.md); may be repeated (default: "
        "reference and torch)",
    )
    group.addoption(
        "--isolate",
        action="store_true",
        help="run each implementation in a process of its own: a crash ends one case only",
    )
    group.addoption(
        "--call-seconds",
        metavar="N",
        type=float,
        default=CALL_SECONDS,
        help="how long a call may take in such a process (default: %(default)s)",
    )
    group.addoption(
        "--device",
        metavar="NAME",
        default="cpu",
        help="device of the implementation torch: cpu, cuda, mps, npu, … (default: cpu)",
    )


def pytest_configure(config: pytest.Config) -> None:
    names = dict.fromkeys(config.getoption("--impl") or ["reference", "torch"])
    isolate, seconds = config.getoption("--isolate"), config.getoption("--call-seconds")
    config.stash[TESTED] = [load(name, isolate=isolate, seconds=seconds) for name in names]
    device = config.getoption("--device")
    uses = [implementation.use for implementation in config.stash[TESTED] if implementation.use]
    if device != "cpu" and not uses:
        raise pytest.UsageError(f"--device {device} moves torch: add --impl torch")
    for use in uses:
        try:
            use(device)
        except ValueError as error:
            raise pytest.UsageError(f"--device: {error}") from error


def pytest_report_header(config: pytest.Config) -> str:
    device = f" on {config.getoption('--device')}"
    tested = [f"{each}{device if each.use else ''}" for each in config.stash[TESTED]]
    return f"implementations: {', '.join(tested)}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "implementation" in metafunc.fixturenames:
        tested = metafunc.config.stash[TESTED]
        names = [implementation.name for implementation in tested]
        metafunc.parametrize("implementation", tested, ids=names, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the known differences to fail; a vector that passes unexpectedly is a failure.

    The drawn cases change with hypothesis and with the tests' names, and may miss a difference.
    """
    known = {
        (entry["implementation"], entry["operator"], case): entry["says"]
        for entry in known_differences()
        for case in entry["cases"]
    }
    for item in items:
        implementation, mark = implementation_of(item), item.get_closest_marker("operator")
        if not (implementation and mark):
            continue
        case = getattr(item.callspec.params.get("case"), "name", item.originalname)
        if reason := known.get((implementation.name, *mark.args, case)):
            reason = f"docs/KNOWN_DIFFERENCES.md: {reason}"
            item.add_marker(pytest.mark.xfail(reason=reason, strict=not case.startswith("test_")))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Iterator[None]:
    with oracle_checks.outcome_of_cases():
        return (yield)


@pytest.fixture(scope="session")
def small_cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a stand-in of 5 x 50 training and 100 test images, in the real file format."""
    root = tmp_path_factory.mktemp("cifar10")
    sizes = dict.fromkeys(synthetic_cifar10.IMAGES_PER_FILE, 50) | {"test_batch": 100}
    synthetic_cifar10.write(root, images_per_file=sizes)
    return root


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SummaryWriter]:
    """The course's writer, to `logs` in a temporary working directory."""
    monkeypatch.chdir(tmp_path)
    with SummaryWriter("logs") as opened:
        yield opened


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The file of an untrained network's state_dict, as the course saves it."""
    torch.manual_seed(0)
    path = tmp_path / "model.pth"
    torch.save(Tudui().state_dict(), path)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The file of a red image that is wider than it is high."""
    path = tmp_path / "image.png"
    Image.new("RGB", (40, 30), "red").save(path)
    return path


@pytest.fixture(scope="session")
def ant() -> Image.Image:
    """A drawing of the size of the course's 0013035.jpg: 768 x 512."""
    with Image.open(INSECTS / "ants" / "drawn-ant.png") as picture:
        return picture.convert("RGB")


@pytest.fixture
def viewed(monkeypatch: pytest.MonkeyPatch) -> list[Image.Image]:
    """The images that `show()` passes to Pillow's viewer, which opens no window."""
    images: list[Image.Image] = []
    viewer = SimpleNamespace(show=lambda image, **_: images.append(image) or True)
    monkeypatch.setattr(ImageShow, "_viewers", [viewer])
    return images
