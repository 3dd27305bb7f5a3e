"""What can be run: `nox --list` says it in a line each."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typecheck"]

GROUPS = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, group: str) -> None:
    """Install the project, as it stands in this folder, and a dependency group."""
    session.install("-e.", *nox.project.dependency_groups(GROUPS, group))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the conformance suite."""
    install(session, "tests")
    session.run("pytest", "spec_tests", *session.posargs)


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
    session.run("pytest", "spec_tests", *options, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` mends what it can."""
    session.install(*nox.project.dependency_groups(GROUPS, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of the reference."""
    install(session, "typecheck")
    session.run("mypy", *session.posargs)
