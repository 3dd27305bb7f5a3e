"""What can be run: `nox --list` says it in a line each."""

import json
import os
import shutil
import time
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typecheck"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
IMAGES = sorted(Path("fixtures", "images").resolve().glob("*.png"))
ENOUGH = 8  # drawn images to be classified rightly; chance gets 1 of 10

# The versions of torch that `nox -s matrix` compares, each with its torchvision.
MATRIX = {"2.6": "0.21", "2.9": "0.24", "2.11": "0.26", "2.13": "0.28", "newest": ""}

# As reference/app/process.py chooses for `course`: a busy neighbour slows threads that spin.
ENV = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}


def install(session: nox.Session, *groups: str) -> None:
    """Install the project, as it stands in this folder, and dependency groups.

    uv compiles here, as pip does: else each of the many processes that tests start might do so.
    """
    packages = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install("-e.", *packages, env={"UV_COMPILE_BYTECODE": "1"})


@nox.session
def tests(session: nox.Session) -> None:
    """Run the conformance suite."""
    install(session, "tests")
    session.run("pytest", "spec_tests", *session.posargs, env=ENV)


# uv, as pip writes 5 GB for each version where uv links the files of its cache; and pip may take
# a torch of another build than its torchvision from a folder that the machine's settings name.
@nox.session(default=False, venv_backend="uv")
@nox.parametrize("torch", [nox.param(version, id=version) for version in MATRIX])
def matrix(session: nox.Session, torch: str) -> None:
    """Run the suite on a version of torch; build/matrix compares what the versions found."""
    session.notify("matrix_report", posargs=[])
    folder = Path("build", "matrix", f"torch-{torch}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    progress = folder / "progress.txt"
    progress.write_text("its installation")
    newest = ["--upgrade", "torch", "torchvision"]
    pair = [f"torch=={torch}.*", f"torchvision=={MATRIX[torch]}.*"]
    session.install(*(pair if MATRIX[torch] else newest))
    install(session, "tests")
    progress.write_text("its tests")
    session.run("pytest", "spec_tests", f"--report={folder}", *session.posargs, env=ENV)


@nox.session(default=False)
def matrix_report(session: nox.Session) -> None:
    """Compare the versions of torch of the latest `nox -s matrix` once more."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "tests"))
    out = Path("build", "matrix")
    runs = [str(run) for version in MATRIX if (run := out / f"torch-{version}").is_dir()]
    session.run("python", "-m", "spec_tests.report.matrix", "--out", str(out), *runs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Use TensorBoard and the report in Chromium; `-- --screenshots DIR` says where pictures go."""
    install(session, "browser")
    files = ("spec_tests/program/test_browser.py", "spec_tests/suite/test_page_browser.py")
    session.run("pytest", *files, *session.posargs, env=ENV)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Hold the vectors against deliberate mistakes; fail if one survives."""
    install(session, "tests")
    session.run("python", "-m", "spec_tests.faults", *session.posargs)


@nox.session(default=False)
def foreign(session: nox.Session) -> None:
    """Run the vectors against implementations that others wrote."""
    install(session, "foreign")
    names = ("onnx", "onnxruntime", "tinygrad", "jax")
    options = [option for name in names for option in ("--impl", name)]
    session.run("pytest", "spec_tests", *options, *session.posargs, env=tinygrad_device())


def tinygrad_device() -> dict[str, str]:
    """Let tinygrad run without a C compiler, slowly, unless the user says where (DEV)."""
    return {} if "DEV" in os.environ or shutil.which("clang") else {"DEV": "PYTHON"}


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Make the documents that come from the register: errata and lessons."""
    install(session, "tests")
    session.run("python", "-m", "spec_tests.report.docs")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` mends what it can."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of the reference."""
    install(session, "typecheck")
    session.run("mypy", *session.posargs)


@nox.session(default=False)
def course(session: nox.Session) -> None:
    """Do the course's whole job: data, training, evaluation, images classified."""
    install(session)
    run = f"runs/{time.strftime('%Y%m%d-%H%M%S')}"
    session.run("course", "train", "--seed", "0", "--out", run, *session.posargs)
    if not (checkpoints := sorted(Path(run, "checkpoints").glob("*.pt"))):
        return  # nox --install-only
    checkpoint = str(checkpoints[-1])
    data = [f"--data={json.loads(Path(run, 'config.json').read_text())['options']['data']}"]
    session.run("course", "evaluate", checkpoint, *data)
    if (right := predict_drawn_images(session, checkpoint)) < ENOUGH:
        session.error(f"only {right} of the {len(IMAGES)} drawn images were classified rightly")
    session.log(f"To see the log: {session.bin}/tensorboard --logdir {run}")


def predict_drawn_images(session: nox.Session, checkpoint: str) -> int:
    """Classify the drawn images, each named for its class; return how many came out right."""
    answers = session.run(
        "course", "predict", *map(str, IMAGES), "--checkpoint", checkpoint, "--json", silent=True
    )
    right = 0
    for answer in json.loads(answers or "[]"):
        image = Path(answer["image"])
        session.log(f"{image.name}: {answer['class']} ({answer['probability']:.3f})")
        right += image.stem == answer["class"]
    return right


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Time training, CPU against CUDA; writes build/benchmarks.json and a plot beside it."""
    install(session, "benchmarks")
    results = Path("build", "benchmarks.json")
    results.parent.mkdir(exist_ok=True)
    options = ["--benchmark-only", f"--benchmark-json={results}", *session.posargs]
    session.run("pytest", "benchmarks", *options)
    session.run("python", "-m", "benchmarks.plot", str(results), str(results.with_suffix(".png")))


@nox.session(default=False, reuse_venv=False)
def build(session: nox.Session) -> None:
    """Make the wheel and run it outside the clone, in an environment that holds nothing else."""
    folder = Path(session.create_tmp()).resolve()
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    if session.venv_backend == "uv":
        session.run("uv", "build", "--wheel", "--out-dir", str(folder), external=True)
    else:
        session.run("pip", "wheel", "--no-deps", "--wheel-dir", str(folder), ".")
    session.install(*map(str, folder.glob("*.whl")))
    session.chdir(folder)
    run = f"run-{time.strftime('%H%M%S')}"
    session.run("course", "train", "--epochs", "1", "--max-steps", "20", "--out", run)
    predict_drawn_images(session, f"{run}/checkpoints/epoch-001.pt")
