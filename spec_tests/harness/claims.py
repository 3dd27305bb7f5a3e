"""The claim register: the course's statements, and the tests that check them.

The statements are in `fixtures/claims/*.toml`, one or more files per topic; a test names the claims
it checks with `@pytest.mark.claim("maxpool.example-shape")`, and a vector in its `claims`. This
module is the pytest plugin that resolves the link both ways: collection fails on a claim that is
unknown, defined twice, or checked by no test. The report of a failing test includes its claims.
"""

import importlib.metadata
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest

from spec_tests import paths
from spec_tests.harness.claim_errors import ClaimError
from spec_tests.harness.versions import VersionEntry, check, entry_for

KINDS = ("value", "shape", "text", "error", "effect", "default")
ORACLES = ("printed", "derived", "independent", "captured")
STATUSES = ("holds", "erratum", "changed", "environment")

REGISTER = pytest.StashKey[dict[str, "Claim"]]()
# All tests, before -k and -m select some; empty in a run that does not collect the whole suite.
SUITE = pytest.StashKey[list[pytest.Item]]()


class RegisterError(Exception):
    """A mistake in the register or in a test's link to it; the message includes the fix."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One checkable statement of the course.

    Attributes:
        id: `topic.name`; permanent.
        lesson: P1 to P33.
        source: the document's number and its heading, for each place that makes the statement.
        says: the statement.
        kind: what is checked, one of KINDS.
        oracle: where the expected value comes from, one of ORACLES.
        status: `holds`; `erratum`, false when it was written; `changed`, no longer true; or
            `environment`, true only where something is installed or present.
        rows: the rows of the maintainers' survey that the claim covers.
        now: what holds today; required for every status but `holds`.
        since: the version from which on `now` is true.
        write: the code to type in place of code that fails.
        errors: the messages by which the mistake shows; `shown_errors` links them to tests.
        rules: the rules of `course check` that find the mistake in code.
        no_rule: why none can.
        untestable: why no program can check the claim.
        versions: what differs between the versions of torch on which the suite runs; `status` is
            that of the newest.
        zh, now_zh, untestable_zh: the same texts in Chinese.
    """

    id: str
    lesson: str
    source: tuple[str, ...]
    says: str
    zh: str
    kind: str
    oracle: str
    status: str
    rows: tuple[str, ...] = ()
    now: str = ""
    now_zh: str = ""
    since: str = ""
    write: str = ""
    errors: tuple[ClaimError, ...] = ()
    rules: tuple[str, ...] = ()
    no_rule: str = ""
    untestable: str = ""
    untestable_zh: str = ""
    versions: tuple[VersionEntry, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*", self.id):
            raise RegisterError("'id' must read topic.name, in lower case with hyphens")
        if not re.fullmatch(r"P([1-9]|[12]\d|3[0-3])", self.lesson):
            raise RegisterError(f"'lesson' must be P1 to P33, not {self.lesson!r}")
        statuses = (self.status, *(entry.status for entry in self.versions))
        for field, value, allowed in (
            ("kind", self.kind, KINDS),
            ("oracle", self.oracle, ORACLES),
            *(("status", status, STATUSES) for status in statuses),
        ):
            if value not in allowed:
                raise RegisterError(f"{field!r} must be one of {', '.join(allowed)}, not {value!r}")
        if self.versions:
            check(self.versions, self.status)
        self._check_texts(statuses)

    def _check_texts(self, statuses: Iterable[str]) -> None:
        if not (self.says and self.zh and self.source):
            raise RegisterError("'says', 'zh' and 'source' must not be empty")
        for status in statuses:
            if status != "holds" and not self.now:
                raise RegisterError(f"status {status!r} needs 'now': what holds instead")
            if status == "changed" and not self.since:
                raise RegisterError("status 'changed' needs 'since': the version of the change")
        for field in ("now", "untestable"):
            if bool(getattr(self, field)) != bool(getattr(self, f"{field}_zh")):
                raise RegisterError(
                    f"{field!r} and '{field}_zh' must be given together: write both"
                )
        if self.rules and self.no_rule:
            raise RegisterError("'rules' find it, so there is no 'no_rule': remove one of the two")

    def for_torch(self, torch: str) -> Self:
        """Return the claim with its status on a version of torch, as in `torch.__version__`."""
        status = entry_for(self.versions, torch).status if self.versions else self.status
        return replace(self, status=status, versions=())

    def expected_on(self, torch: str) -> object:
        """Return the value that the claim's test expects on a version of torch."""
        if not self.versions:
            raise RegisterError(f"{self.id} has no 'versions', and so no value for each")
        return entry_for(self.versions, torch).value

    def __str__(self) -> str:
        text = f"{self.id} ({self.lesson}, {self.status}): {self.says}"
        return f"{text}\nToday: {self.now}" if self.now else text


def read(path: Path) -> Iterator[Claim]:
    """Yield the claims of one file of the register.

    Raises:
        RegisterError: the file or a claim is invalid, or a claim belongs in another file.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["claim"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise RegisterError(f"{path.name}: not a list of [[claim]] entries: {error}") from error
    for entry in entries:
        lists = {name: tuple(entry[name]) for name in ("source", "rows", "rules") if name in entry}
        try:
            lists["versions"] = tuple(VersionEntry(**each) for each in entry.get("versions", ()))
            lists["errors"] = tuple(ClaimError(**each) for each in entry.get("errors", ()))
            claim = Claim(**entry | lists)
        except (TypeError, ValueError, RegisterError) as error:
            name = entry.get("id", "a claim without 'id'")
            message = re.sub(r"^\w+\.__init__\(\) ", "", str(error))
            raise RegisterError(f"{path.name}: {name}: {message}") from error
        topic = claim.id.partition(".")[0].replace("-", "_")
        if not f"{path.stem}_".startswith(f"{topic}_"):
            raise RegisterError(
                f"{path.name}: {claim.id} belongs in {topic}.toml or {topic}_PART.toml: move it"
            )
        yield claim


def load(folder: Path = paths.CLAIMS) -> dict[str, Claim]:
    """Read the register.

    Args:
        folder: the folder of the `*.toml` files.

    Returns:
        The claims by ID, in the order of the files' names and of the claims in a file.

    Raises:
        RegisterError: a file or a claim is invalid, in the wrong file, or defined twice.
    """
    register: dict[str, Claim] = {}
    for path in sorted(folder.glob("*.toml")):
        for claim in read(path):
            if claim.id in register:
                raise RegisterError(f"{path.name}: {claim.id} is defined twice: rename or merge it")
            register[claim.id] = claim
    return register


def check_rules(register: dict[str, Claim]) -> None:
    """Check that each erratum with code names the rules of `course check` that find it.

    Raises:
        RegisterError: for the first that has neither `rules` nor `no_rule`.
    """
    for claim in register.values():
        if claim.status != "holds" and claim.write and not (claim.rules or claim.no_rule):
            raise RegisterError(
                f"{claim.id} has code to write instead: name the 'rules' of course check that find "
                "the mistake, or give the reason why none can in 'no_rule'"
            )


def named_by(item: pytest.Item) -> list[str]:
    """Return the IDs of the claims that a test names, by marks on its class and module too."""
    return [name for mark in item.iter_markers("claim") for name in mark.args]


def check_links(register: dict[str, Claim], items: Iterable[pytest.Item], *, whole: bool) -> None:
    """Check the tests' links to the register.

    Args:
        register: the claims by ID.
        items: the collected tests.
        whole: whether these are all the tests: then each claim must be named by one of them.

    Raises:
        RegisterError: for the first broken link.
    """
    named = Counter[str]()
    for item in items:
        for name, times in Counter(names := named_by(item)).items():
            if name not in register:
                raise RegisterError(
                    f"{item.nodeid} names the claim {name!r}, which is not in fixtures/claims: "
                    "correct the ID or add the claim"
                )
            if times > 1:
                raise RegisterError(f"{item.nodeid} names the claim {name!r} twice: remove one")
            if register[name].untestable:
                raise RegisterError(
                    f"{item.nodeid} checks {name!r}, which is marked as 'untestable': "
                    "remove one of the two"
                )
        named.update(names)
    orphans = [c.id for c in register.values() if not c.untestable and c.id not in named]
    if whole and orphans:
        raise RegisterError(
            f"no test names the claim {', '.join(orphans)}: write one with "
            "@pytest.mark.claim(ID), or give the reason why it is 'untestable' in the claim"
        )


def partial_run_reason(config: pytest.Config) -> str:
    """Return the arguments that keep some files or tests of this folder from being collected.

    -k and -m are not among them: they select from the tests that were collected.

    Returns:
        The arguments, as in `only spec_tests/suite/test_page.py`; empty if all are collected.
    """
    for flag in ("--ignore", "--ignore-glob", "--deselect", "--last-failed", "--stepwise"):
        if value := config.getoption(flag, None):  # missing if its plugin is disabled
            return flag if value is True else f"{flag} {' '.join(map(str, value))}"
    if any(root in (paths.SPEC_TESTS, *paths.SPEC_TESTS.parents) for root in _roots(config)):
        return ""
    more = f" and {len(config.args) - 3} more" if len(config.args) > 3 else ""
    return f"only {' '.join(config.args[:3])}{more}"


def collects_suite(config: pytest.Config) -> bool:
    """Return whether tests of this folder are collected; the benchmarks are in another."""
    return any(
        root in (paths.SPEC_TESTS, *paths.SPEC_TESTS.parents) or paths.SPEC_TESTS in root.parents
        for root in _roots(config)
    )


def _roots(config: pytest.Config) -> list[Path]:
    return [Path(config.invocation_params.dir, arg.split("::")[0]).resolve() for arg in config.args]


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.stash[REGISTER] = load(paths.CLAIMS)
        check_rules(config.stash[REGISTER])
    except RegisterError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    config = session.config
    # testsfailed: a file that could not be imported counts here, and its tests are missing.
    whole = not (partial_run_reason(config) or session.testsfailed)
    config.stash[SUITE] = [*items] if whole else []
    try:
        check_links(config.stash[REGISTER], items, whole=whole)
    except RegisterError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        register = item.config.stash[REGISTER]
        for name in named_by(item):
            report.sections.append(("the course's claim", str(register[name])))
    return report


@pytest.fixture
def by_version(request: pytest.FixtureRequest) -> Callable[[str], object]:
    """Return a function from a claim's ID to the value it expects on the installed torch."""
    register, torch = request.config.stash[REGISTER], importlib.metadata.version("torch")
    return lambda name: register[name].expected_on(torch)
