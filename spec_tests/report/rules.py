"""Generate docs/RULES.md and its Chinese version: what `course check` finds, rule by rule."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

from reference.app.check import NEWEST
from reference.app.findings_text import WORDS
from reference.checker.engine import Checker
from reference.checker.finding import Language
from reference.checker.rule import Rule
from reference.checker.rules import RULES
from reference.checker.syntax.check import RULES as SYNTAX_RULES
from reference.checker.syntax.rule import SyntaxRule
from spec_tests.harness.claims import Claim
from spec_tests.report.markdown import escaped

AnyRule = type[Rule] | type[SyntaxRule]

FILES: dict[Language, str] = {"en": "RULES.md", "zh": "RULES.zh-CN.md"}
ERRATA: dict[Language, str] = {"en": "ERRATA.md", "zh": "ERRATA.zh-CN.md"}
TITLES: dict[Language, str] = {
    "en": "Rules of `course check`",
    "zh": "`course check` 的规则",
}
INTROS: dict[Language, str] = {
    "en": """[中文](RULES.zh-CN.md)

What `course check` finds in a script, in the order of the lessons. An error fails; a warning runs,
and does something else than meant; advice works, and is written differently today. `--fix` rewrites
what is marked as fixable where the result is certain. `# course: ignore[RULE]` at the end of a line
silences a rule there.""",
    "zh": """[English](RULES.md)

`course check` 在脚本里能发现的问题，按课程顺序排列。“错误”运行会失败；
“警告”能运行，但结果和本意不同；“建议”能运行，只是现在有更好的写法。
标有“可修复”的规则，在有把握时 `--fix` 会直接改写。
在行尾写 `# course: ignore[规则名]`，这一行就不再报告该规则。""",
}
MARK = "  # finding"
LABELS: dict[Language, dict[str, str]] = {
    "en": {"fixable": "fixable", "found": "Found", "fixed": "With `--fix`", "claims": "Claims"},
    "zh": {"fixable": "可修复", "found": "会报告", "fixed": "`--fix` 之后", "claims": "对应条目"},
}


def rules_document(register: Mapping[str, Claim], lang: Language) -> str:
    """Return the document in a language."""
    parts = [f"# {TITLES[lang]}", INTROS[lang]]
    all_rules: tuple[AnyRule, ...] = (*SYNTAX_RULES, *RULES)
    rules = sorted(all_rules, key=lambda rule: _lesson(register, rule))
    parts += ["\n\n".join(_rule(register, rule, lang)) for rule in rules]
    return "\n\n".join(parts) + "\n"


def _lesson(register: Mapping[str, Claim], rule: AnyRule) -> int:
    return int(register[rule.claims[0]].lesson.removeprefix("P"))


def _rule(register: Mapping[str, Claim], rule: AnyRule, lang: Language) -> Iterator[str]:
    labels, example = LABELS[lang], rule.invalid[0]
    fixable = any(bad.fixed is not None for bad in rule.invalid)
    yield f"## {rule.name}"
    words = [register[rule.claims[0]].lesson, WORDS[lang][rule.severity]]
    yield " · ".join([*words, labels["fixable"]] if fixable else words)
    yield escaped(_message(rule, lang))
    yield f"{labels['found']}:\n\n{_code(_example(rule, example.code).replace(MARK, '  # ←'))}"
    if example.fixed is not None:
        yield f"{labels['fixed']}:\n\n{_code(_example(rule, example.fixed))}"
    yield f"{labels['claims']}: " + ", ".join(
        f"[{name}]({ERRATA[lang]}#{name})" if register[name].status != "holds" else name
        for name in rule.claims
    )


def _message(rule: AnyRule, lang: Language) -> str:
    """Return what a rule says about the first mistake in its first example."""
    rules: tuple[type[Rule], ...] = ()
    files: Mapping[str, str] = {}
    encoding = "utf-8"
    if issubclass(rule, Rule):
        rules, files = (rule,), rule.files
    elif issubclass(rule, SyntaxRule):
        encoding = rule.encoding
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(_example(rule, text), encoding="utf-8")
        script = Path(folder, "script.py")
        code = _example(rule, rule.invalid[0].code).replace(MARK, "")
        script.write_bytes(code.encode(encoding))
        found = Checker(rules=rules, torch=NEWEST, lang=lang).check([script])
    return next(finding.message for finding in found if finding.rule == rule.name)


def _example(rule: AnyRule, code: str) -> str:
    """Return an example without the indentation that it has in a rule's class."""
    return dedent(code).lstrip("\n") if issubclass(rule, Rule) else code


def _code(text: str) -> str:
    return f"```python\n{text.rstrip()}\n```"
