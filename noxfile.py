"""The sessions of nox: `nox --list` prints each with a one-line description."""

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
MIN_CORRECT = 8  # of the ten drawn images; chance gets 1

# The versions of torch that `nox -s matrix` compares, each with its torchvision.
MATRIX = {"2.6": "0.21", "2.9": "0.24", "2.11": "0.26", "2.13": "0.28", "newest": ""}


# Each worker imports torch and collects all tests: more than four gain little. Worksteal keeps the
# tests of a file, which share what is slow to make, on one worker as long as it can.
WORKERS = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")

# Some machines forbid to cache bytecode: the processes that the tests start would compile it again.
BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}


def install(session: nox.Session, *groups: str) -> None:
    """Install the project in editable mode, and dependency groups.

    uv compiles bytecode here, as pip does: otherwise each of the many processes that the tests
    start might compile the modules it imports.
    """
    packages = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install("-e.", *packages, env={"UV_COMPILE_BYTECODE": "1"})


@nox.session
def tests(session: nox.Session) -> None:
    """Run the conformance suite, on as many cores as there are (`-- -n 0`: in one process)."""
    install(session, "tests")
    session.run("pytest", "spec_tests", *WORKERS, *session.posargs, env=BYTECODE)


# With uv only: pip would write 5 GB for each version, where uv links the files of its cache. And
# where the machine's settings name a folder of wheels, pip may take torch and torchvision of
# different builds from it.
@nox.session(default=False, venv_backend="uv")
@nox.parametrize("torch", [nox.param(version, id=version) for version in MATRIX])
def matrix(session: nox.Session, torch: str) -> None:
    """Run the suite on a version of torch; build/matrix compares the versions that were run."""
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
    report = f"--report={folder}"
    session.run("pytest", "spec_tests", *WORKERS, report, *session.posargs, env=BYTECODE)


@nox.session(default=False)
def matrix_report(session: nox.Session) -> None:
    """Make the page of the latest `nox -s matrix` again, from the results in build/matrix."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "tests"))
    out = Path("build", "matrix")
    runs = [str(run) for version in MATRIX if (run := out / f"torch-{version}").is_dir()]
    session.run("python", "-m", "spec_tests.report.matrix", "--out", str(out), *runs)


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Test TensorBoard's page and the report in Chromium (pictures: `-- --screenshots DIR`)."""
    install(session, "browser")
    session.run("pytest", "spec_tests", "-m", "browser", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Check that the vectors reject every fault, a deliberately wrong operator."""
    install(session, "tests")
    session.run("python", "-m", "spec_tests.faults", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Change the operators' code in many places; count the changes that the cases notice."""
    install(session, "mutants")
    folder = Path("build", "mutants").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("conftest.py", "fixtures", "pyproject.toml", "reference", "spec_tests"):
        (folder / name).symlink_to(Path(name).resolve())
    with session.chdir(folder):
        # mutmut runs a process on each core. pytest-benchmark would start git in each of them.
        environment = {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        session.run("mutmut", "run", *session.posargs, env=environment)
    session.run("python", "-m", "spec_tests.report.mutants", str(folder))


@nox.session(default=False)
def torture(session: nox.Session) -> None:
    """Try to break the program: `-- --minutes N --seed S`; two minutes by default."""
    install(session, "tests")
    options = session.posargs or ["--minutes", "2"]
    session.run("python", "-m", "spec_tests.torture", *options)


@nox.session(default=False)
def foreign(session: nox.Session) -> None:
    """Run the vectors against other libraries: ONNX, ONNX Runtime, tinygrad and JAX."""
    install(session, "foreign")
    names = ("onnx", "onnxruntime", "tinygrad", "jax")
    options = [option for name in names for option in ("--impl", name)]
    environment = BYTECODE | tinygrad_device()
    session.run(
        "pytest", "spec_tests/operators", *WORKERS, *options, *session.posargs, env=environment
    )


@nox.session(default=False)
def javascript(session: nox.Session) -> None:
    """Run the vectors against TensorFlow.js and ONNX Runtime for the web (needs node and npm)."""
    install(session, "tests")
    folder = Path("spec_tests", "implementations", "javascript")
    session.run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), external=True)
    options = ["--impl=tfjs", "--impl=onnxruntime_web"]
    session.run("pytest", "spec_tests/operators", *options, *session.posargs, env=BYTECODE)


def tinygrad_device() -> dict[str, str]:
    """Return the setting that lets tinygrad run without clang, slowly, unless DEV is set."""
    return {} if "DEV" in os.environ or shutil.which("clang") else {"DEV": "PYTHON"}


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Generate the documents of docs/ from the register and the rules, and the pictures."""
    install(session, "docs")
    session.run("python", "-m", "spec_tests.report.docs")
    session.run("python", "-m", "spec_tests.report.pictures")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and imports; `nox -s lint -- --fix` corrects what it can."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": "."})


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types."""
    install(session, "typecheck")
    session.run("mypy", *session.posargs)


@nox.session(default=False)
def course(session: nox.Session) -> None:
    """Run the whole course: draw the data, train, evaluate, classify images."""
    install(session)
    run = f"runs/{time.strftime('%Y%m%d-%H%M%S')}"
    session.run("course", "train", "--seed", "0", "--out", run, *session.posargs)
    if not (checkpoints := sorted(Path(run, "checkpoints").glob("*.pt"))):
        return  # nothing was trained: nox --install-only
    checkpoint = str(checkpoints[-1])
    data = [f"--data={json.loads(Path(run, 'config.json').read_text())['options']['data']}"]
    session.run("course", "evaluate", checkpoint, *data)
    if (correct := predict_drawn_images(session, checkpoint)) < MIN_CORRECT:
        session.error(f"only {correct} of the {len(IMAGES)} drawn images were classified correctly")
    session.log(f"To see the log: {session.bin}/tensorboard --logdir {run}")


def predict_drawn_images(session: nox.Session, checkpoint: str) -> int:
    """Classify the drawn images, each named after its class; return how many are correct."""
    answers = session.run(
        "course", "predict", *map(str, IMAGES), "--checkpoint", checkpoint, "--json", silent=True
    )
    correct = 0
    for answer in json.loads(answers or "[]"):
        image = Path(answer["image"])
        session.log(f"{image.name}: {answer['class']} ({answer['probability']:.3f})")
        correct += image.stem == answer["class"]
    return correct


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Run the benchmarks; write build/benchmarks.json and a plot, build/benchmarks.png."""
    install(session, "benchmarks")
    results = Path("build", "benchmarks.json")
    results.parent.mkdir(exist_ok=True)
    options = ["--benchmark-only", f"--benchmark-json={results}", *session.posargs]
    session.run("pytest", "benchmarks", *options)
    session.run("python", "-m", "benchmarks.plot", str(results), str(results.with_suffix(".png")))


@nox.session(default=False, reuse_venv=False)
def build(session: nox.Session) -> None:
    """Build the wheel, and train and predict with it in an environment without the clone."""
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
