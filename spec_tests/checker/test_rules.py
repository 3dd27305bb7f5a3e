"""Each rule of `course check` finds the mistake in its invalid examples and nowhere else."""

import ast
import importlib.metadata
from pathlib import Path
from textwrap import dedent

import pytest
from packaging.version import Version

from reference.checker.fixes import fixed_code
from reference.checker.project import Project
from reference.checker.rule import Bad, Rule
from reference.checker.rules import RULES
from reference.checker.script import Script
from spec_tests.harness import claims

TORCH = Version(importlib.metadata.version("torch"))
MARK = "  # finding"


def named(examples: str) -> pytest.MarkDecorator:
    """Parametrize a test with all rules and their examples."""
    cases = [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, examples), 1)
    ]
    return pytest.mark.parametrize(("rule", "example"), cases)


def plain(example: str) -> str:
    """Return an example without the indentation that it has in the rule's class."""
    return dedent(example).lstrip("\n")


def parse(rule: type[Rule], code: str, folder: Path) -> Script:
    """Return the script, with the rule's other files beside it."""
    for name, text in rule.files.items():
        (folder / name).write_text(plain(text), encoding="utf-8")
    path = folder / "script.py"
    path.write_text(code, encoding="utf-8")
    return Script(code, path, Project(TORCH), TORCH)


def found_lines(rule: type[Rule], script: Script) -> list[int]:
    return sorted(script.line(match.node) for match in rule().check(script))


@named("valid")
def test_a_rule_is_silent_on_valid_code(rule: type[Rule], example: str, tmp_path: Path) -> None:
    ast.parse(plain(example))
    assert found_lines(rule, parse(rule, plain(example), tmp_path)) == []


@named("invalid")
def test_a_rule_finds_its_mistake(rule: type[Rule], example: Bad, tmp_path: Path) -> None:
    code = plain(example.code)
    expected = [n for n, line in enumerate(code.splitlines(), 1) if line.endswith(MARK)]
    assert expected
    assert found_lines(rule, parse(rule, code, tmp_path)) == expected


@named("invalid")
def test_the_fix_of_a_rule(rule: type[Rule], example: Bad, tmp_path: Path) -> None:
    script = parse(rule, plain(example.code).replace(MARK, ""), tmp_path)
    matches = list(rule().check(script))
    if example.fixed is None:
        assert not any(match.fix for match in matches)
        return
    fixed = fixed_code(script, matches).decode()
    assert fixed == plain(example.fixed)
    assert found_lines(rule, parse(rule, fixed, tmp_path)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_complete(rule: type[Rule]) -> None:
    register = claims.load()
    assert rule.claims
    assert set(rule.claims) <= set(register)
    assert rule.valid
    assert rule.invalid
    assert rule.severity in ("error", "warning", "advice")
    for match in (rule.message.en, rule.message.zh):
        assert match.strip() == match


def test_rules_have_different_names() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
