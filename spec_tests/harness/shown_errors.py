"""The tests that raise the `errors` of the claims, each with the message that it really has.

A test marked `@pytest.mark.shows("saveload.whole-model")` raises every error of that claim that the
installed versions print, with the fixture `shows_error`, or finds it in what another process
printed, with `prints_error`:

    with shows_error("saveload.whole-model"):
        torch.load("tudui_whole.pth")

This pytest plugin checks the links: collection fails if no test shows the errors of a claim.
"""

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from spec_tests.harness import claims
from spec_tests.harness.claim_errors import ClaimError
from spec_tests.harness.claims import Claim, RegisterError

ShowsError = Callable[[str], AbstractContextManager[None]]  # the types of the two fixtures
PrintsError = Callable[[str, str], None]

SHOWN = pytest.StashKey[set[tuple[str, ClaimError]]]()  # by the running test: what it has shown


def shown_by(item: pytest.Item) -> list[str]:
    """Return the IDs of the claims whose errors a test raises."""
    return [name for mark in item.iter_markers("shows") for name in mark.args]


def check_shown(register: dict[str, Claim], items: Iterable[pytest.Item], *, whole: bool) -> None:
    """Check that one test shows the errors of each claim.

    Args:
        register: the claims by ID.
        items: the collected tests.
        whole: whether these are all the tests: then each claim with errors must be shown.

    Raises:
        RegisterError: for the first broken link.
    """
    named = Counter[str]()
    for item in items:
        for name in shown_by(item):
            if name not in register or not register[name].errors:
                raise RegisterError(
                    f"{item.nodeid} shows the errors of {name!r}, which has none: "
                    "correct the ID or add 'errors' to the claim"
                )
            named[name] += 1
            if named[name] > 1:
                raise RegisterError(
                    f"{item.nodeid} shows the errors of {name!r}, as another test does: "
                    "raise all of them in one test"
                )
    if not whole:
        return
    for claim in register.values():
        if claim.id not in named and not all(error.source for error in claim.errors):
            raise RegisterError(
                f"no test shows the errors of {claim.id}: raise them in a test marked "
                f"@pytest.mark.shows(\"{claim.id}\"), or give the 'source' of those that cannot be "
                "raised here"
            )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    config = session.config
    whole = not (claims.partial_run_reason(config) or session.testsfailed)
    try:
        check_shown(config.stash[claims.REGISTER], items, whole=whole)
    except RegisterError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail a test that has not shown all errors of a claim that it names."""
    pyfuncitem.stash[SHOWN] = set()
    result = yield
    register = pyfuncitem.config.stash[claims.REGISTER]
    for name in shown_by(pyfuncitem):
        for error in register[name].errors:
            if error.expected and (name, error) not in pyfuncitem.stash[SHOWN]:
                pytest.fail(f"the test did not show an error of {name}: {error}", pytrace=False)
    return result


class _Errors:
    """The errors of the claims that a test is marked to show.

    Args:
        item: the test.
    """

    def __init__(self, item: pytest.Item) -> None:
        self.item = item

    def of(self, name: str) -> tuple[ClaimError, ...]:
        """Return the errors of a claim."""
        if name not in shown_by(self.item):
            pytest.fail(f'mark the test with @pytest.mark.shows("{name}")')
        return self.item.config.stash[claims.REGISTER][name].errors

    def record(self, name: str, kind: str, message: str) -> bool:
        """Record the errors that an exception shows; return whether there is one."""
        found = {
            (name, error)
            for error in self.of(name)
            if error.expected and error.matches(kind, message)
        }
        self.item.stash[SHOWN] |= found
        return bool(found)


@pytest.fixture
def shows_error(request: pytest.FixtureRequest) -> ShowsError:
    """Return a context manager that expects one of the errors of the claim with the given ID.

    Where an error exists from a later version on, its block may end without an exception.
    """
    errors = _Errors(request.node)

    @contextmanager
    def expect(name: str) -> Iterator[None]:
        listed = errors.of(name)
        try:
            yield
        except Exception as error:
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            if errors.record(name, kind := type(error).__name__, message):
                return
            raise AssertionError(
                f"{kind}: {message}\nis not among the errors of {name} that are expected here: "
                f"{'; '.join(str(error) for error in listed if error.expected) or 'none'}"
            ) from error
        if all(error.expected or error.source for error in listed):
            pytest.fail(f"no exception, although {name} has these errors: {listed}")

    return expect


@pytest.fixture
def prints_error(request: pytest.FixtureRequest) -> PrintsError:
    """Return a function that expects an error of a claim in what a program printed."""
    errors = _Errors(request.node)

    def expect(name: str, printed: str) -> None:
        for error in errors.of(name):
            for start in re.finditer(rf"(?<!\w){error.type}: ", printed):
                errors.record(name, error.type, printed[start.end() :])
        if not any(shown == name for shown, _ in request.node.stash[SHOWN]):
            pytest.fail(f"{name}: none of its errors was printed:\n{printed}")

    return expect
