"""A pytest plugin: a test fails if its implementation lacks what it needs, rather than skip.

For implementations that have everything, `-p spec_tests.support.nothing_missing`.
"""

from collections.abc import Iterator

import pytest

from spec_tests.harness.oracle_checks import REJECTED
from spec_tests.implementations import UnsupportedSkip


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call() -> Iterator[None]:
    try:
        result = yield
    except UnsupportedSkip as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
    if REJECTED:  # drawn cases
        raise pytest.fail.Exception(str(REJECTED[-1]), pytrace=False)
    return result
