"""The `errors` of the claims, and the tests that raise them."""

import importlib.metadata
import platform
import re

import pytest

from spec_tests.harness.claim_errors import ClaimError
from spec_tests.support.sample_claim import CLAIM, RunSuite

ERRORS = """
errors = [
    { type = "ValueError", pattern = "^could not convert .* to float: 'a" },
    { type = "KeyError", pattern = "'relu'" },
    { type = "OSError", pattern = "WinError 126", source = "an issue on Windows" },
]
"""
TEST = """
import pytest

@pytest.mark.claim("relu.zero")
@pytest.mark.shows("relu.zero")
def test_relu(shows_error, prints_error):
    with shows_error("relu.zero"):
        float("abc")
    with shows_error("relu.zero"):
        {}["relu"]
"""
PRINTED = "Traceback:\\n  File \"a.py\"\\n_p.ValueError: could not convert string to float: 'a'"


def test_test_that_raises_all_errors_passes(run_suite: RunSuite) -> None:
    run_suite(CLAIM + ERRORS, TEST).assert_outcomes(passed=1)


def test_errors_may_be_printed_by_another_process(run_suite: RunSuite) -> None:
    raising = 'with shows_error("relu.zero"):\n        float("abc")'
    test = TEST.replace(raising, f'prints_error("relu.zero", """{PRINTED}""")')
    run_suite(CLAIM + ERRORS, test).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('{}["relu"]', "[]", "no exception, although relu.zero has these errors"),
        ('{}["relu"]', 'float("abc")', "did not show an error of relu.zero: KeyError: 'relu'"),
        ('{}["relu"]', "{}[0]", "KeyError: 0"),
        ('{}["relu"]', 'raise LookupError("relu")', "LookupError: relu"),
        ('{}["relu"]', 'raise OSError("WinError 126")', "OSError: WinError 126"),
        ('@pytest.mark.shows("relu.zero")', "", 'mark the test with @pytest.mark.shows("relu.zero'),
        (
            'with shows_error("relu.zero"):\n        float',
            'prints_error("relu.zero", "KeyErrors: \'relu\'")\n    float',
            "none of its errors was printed",
        ),
    ],
    ids=["nothing", "twice-the-same", "message", "type", "source", "mark", "printed"],
)
def test_wrong_error_fails_the_test(run_suite: RunSuite, old: str, new: str, line: str) -> None:
    result = run_suite(CLAIM + ERRORS, TEST.replace(old, new), "spec_tests/test_act.py")
    result.assert_outcomes(failed=1)
    assert line in result.stdout.str()


@pytest.mark.parametrize("name", ["torch", "Python"])
@pytest.mark.parametrize(
    ("installed", "outcome"),
    [("2.10.0", "passed"), ("2.9.1+cpu", "failed"), ("2.10.0.dev20260101", "passed")],
)
def test_error_of_a_later_version_is_not_expected(
    run_suite: RunSuite, monkeypatch: pytest.MonkeyPatch, installed: str, outcome: str, name: str
) -> None:
    version = {"torch": installed}.get(name, "1.0")
    monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
    monkeypatch.setattr(platform, "python_version", lambda: installed)
    since = ERRORS.replace("'relu'\"", f'\'relu\'", since = "{name} 2.10"')
    run_suite(CLAIM + since, TEST).assert_outcomes(**{outcome: 1})


def test_nothing_must_be_raised_before_the_version_of_an_error(run_suite: RunSuite) -> None:
    since = ERRORS.replace("'relu'\"", '\'relu\'", since = "torch 99.0"')
    run_suite(CLAIM + since, TEST.replace('{}["relu"]', "[]")).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("claim", "test", "line"),
    [
        (CLAIM, TEST, "shows the errors of 'relu.zero', which has none"),
        (CLAIM + ERRORS, TEST.replace('shows("relu', 'shows("real'), "'real.zero', which has none"),
        (CLAIM + ERRORS, TEST.replace('@pytest.mark.shows("relu.zero")', ""), "no test shows the"),
        (
            CLAIM + ERRORS,
            TEST + TEST.replace("test_relu", "test_again"),
            "test_again shows the errors of 'relu.zero', as another test does",
        ),
    ],
    ids=["no-errors", "unknown", "no-test", "two-tests"],
)
def test_broken_link_fails_collection(
    run_suite: RunSuite, claim: str, test: str, line: str
) -> None:
    result = run_suite(claim, test)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert line in f"{result.stdout}{result.stderr}"


def test_partial_run_may_leave_errors_without_a_test(run_suite: RunSuite) -> None:
    test = TEST.replace('@pytest.mark.shows("relu.zero")', "").partition("    with")[0] + "    pass"
    assert run_suite(CLAIM + ERRORS, test, "spec_tests/test_act.py").ret == 0


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"type": "torch.Error"}, "must be the name of a class, not 'torch.Error'"),
        ({"since": "2.6"}, "must be a version such as \"torch 2.6\", not '2.6'"),
        ({"pattern": "(a"}, "the pattern '(a' is invalid"),
        *(
            ({"pattern": pattern}, "is not read alike by Python and JavaScript")
            for pattern in (
                *("", "(?P<a>b)", "(?i)a", "(?<=a)b", "(?<!a)b", "(?>a)", r"(a)\1", r"\Aa", r"a\Z"),
                *(
                    "a++",
                    "a*+",
                    "a{,2}",
                    "{a}",
                    "[]a]",
                    "[^]",
                    "[[a]",
                    r"\x41",
                    r"\N{DASH}",
                    "(?#a)",
                ),
            )
        ),
    ],
)
def test_broken_error_is_refused(fields: dict[str, str], line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        ClaimError(**{"type": "ValueError", "pattern": "a"} | fields)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"^mat1 and mat2 .* \(\d+x\d+ and \d+x\d+\)$", "mat1 and mat2 shapes (2x4 and 3x1)"),
        (r"(?:Long|Float)(?!s) [^\[\]\\'-]+?,{2,} ?$", "a Long tensor,,"),
        (re.escape("invalid character '，' (U+FF0C)"), "invalid character '，' (U+FF0C)"),
        (re.escape("a-b c&d #{1}[2]~"), "a-b c&d #{1}[2]~"),
    ],
)
def test_pattern_is_found_in_the_message(pattern: str, message: str) -> None:
    assert ClaimError(type="TypeError", pattern=pattern).matches("TypeError", message)


@pytest.mark.parametrize(
    ("pattern", "length"),
    [
        ("abc", 3),
        (r"^a\.b\b \d+$", 5),
        ("a?bc*d+e{2,3}f{0,2}", 4),
        ("[abc]+(?:de|f)(?=gh)(?!ij)", 2),
        ("(?:ab|(?:c|de)f)?g", 1),
        ("(?:ab|(?:c|de)f){2}g|hijklmn", 5),
        ("'(?:list|tuple)' object .*?x", 15),
    ],
)
def test_length_is_that_of_the_shortest_match(pattern: str, length: int) -> None:
    assert ClaimError(type="TypeError", pattern=pattern).length == length
