"""The rules for files that do not parse find their cause, and correct what is certain."""

from pathlib import Path

import pytest
from packaging.version import Version

from reference.checker import sources
from reference.checker.engine import Checker
from reference.checker.project import Project
from reference.checker.rule import Bad
from reference.checker.syntax.check import RULES, problems
from reference.checker.syntax.rule import SyntaxRule
from spec_tests.harness import claims

MARK = "  # finding"


def named(examples: str) -> pytest.MarkDecorator:
    """Parametrize a test with all rules and their examples."""
    cases = [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, examples), 1)
    ]
    return pytest.mark.parametrize(("rule", "example"), cases)


@named("valid")
def test_a_rule_is_silent_about_other_causes(rule: type[SyntaxRule], example: str) -> None:
    found, _ = problems(example.encode(rule.encoding))
    assert rule not in [problem.rule for problem in found]


@named("invalid")
def test_a_rule_finds_its_cause(rule: type[SyntaxRule], example: Bad) -> None:
    lines = example.code.splitlines()
    expected = [number for number, line in enumerate(lines, 1) if line.endswith(MARK)]
    found, _ = problems(example.code.replace(MARK, "").encode(rule.encoding))
    assert [(problem.rule, problem.line) for problem in found] == [(rule, n) for n in expected]
    for problem in found:
        assert 1 <= problem.column <= len(lines[problem.line - 1].removesuffix(MARK)) + 1


@named("invalid")
def test_the_fix_of_a_rule(rule: type[SyntaxRule], example: Bad) -> None:
    data = example.code.replace(MARK, "").encode(rule.encoding)
    found, fixed = problems(data)
    if example.fixed is None:
        assert not any(problem.match.edits for problem in found)
        assert fixed == data
    else:
        assert all(problem.match.edits for problem in found)
        assert fixed.decode() == example.fixed
        assert problems(fixed) == ([], fixed)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_complete(rule: type[SyntaxRule]) -> None:
    register = claims.load()
    assert rule.claims
    assert set(rule.claims) <= set(register)
    assert rule.valid
    assert rule.invalid
    assert (rule.message.en.strip(), rule.message.zh.strip()) == (rule.message.en, rule.message.zh)


def test_a_file_that_does_not_parse_has_findings_and_a_fix(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("def f(x):\n    print（x，1）\n    return(x\n", encoding="utf-8")
    checker = Checker(torch=Version("2.6"), lang="zh")
    found = checker.check([path])
    assert [(f.line, f.column, f.rule, f.severity, f.fixable) for f in found] == [
        (2, 10, "chinese-punctuation", "error", True),
        (3, 11, "unclosed-bracket", "error", False),
    ]
    assert "中文输入法" in found[0].message
    assert found[0].write == "print(x,1)"
    source = checker.fix(sources.read(path), Project(Version("2.6")))
    assert source.code.decode() == "def f(x):\n    print(x,1)\n    return(x\n"


def test_a_return_outside_a_function_is_found(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("def f(x):\n    y = x\nreturn y\n", encoding="utf-8")
    (finding,) = Checker(torch=Version("2.6"), lang="en").check([path])
    assert (finding.line, finding.rule) == (3, "invalid-syntax")


def test_rules_have_different_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
