"""Generate docs/RULES.md and its Chinese version: what `course check` finds, rule by rule."""

from collections.abc import Iterator, Mapping
from textwrap import dedent

from reference.app.findings_text import WORDS
from reference.checker.finding import Language
from reference.checker.rule import Rule
from reference.checker.rules import RULES
from reference.checker.syntax.check import RULES as SYNTAX_RULES
from reference.checker.syntax.rule import SyntaxRule
from spec_tests.harness.claims import Claim

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
    yield (rule.message.zh if lang == "zh" else rule.message.en).replace("{", "‹").replace("}", "›")
    yield f"{labels['found']}:\n\n{_code(example.code)}"
    if example.fixed is not None:
        yield f"{labels['fixed']}:\n\n{_code(example.fixed)}"
    yield f"{labels['claims']}: " + ", ".join(
        f"[{name}]({ERRATA[lang]}#{name})" if register[name].status != "holds" else name
        for name in rule.claims
    )


def _code(example: str) -> str:
    text = dedent(example).strip("\n").replace("  # finding", "  # ←")
    return f"```python\n{text}\n```"
