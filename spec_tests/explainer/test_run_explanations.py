"""What `course run` says after a script's own output: the learner's line, the cause, the lesson."""

import os
import sysconfig
import textwrap
from pathlib import Path

import pytest

from reference.checker.finding import Finding
from reference.claims import Claim, ClaimError
from reference.explainer import cause, search
from reference.explainer.cause import find_cause
from reference.explainer.explanation import Explainer
from reference.explainer.outcome import Outcome, Raised
from reference.explainer.own_code import Line, own_line
from spec_tests.support.course_run import assert_explained, written

LOAD = "Weights only load failed. This file can still be loaded, …"
PRETRAINED = "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future"


def raised(kind: str, message: str, *frames: tuple[str, int]) -> Raised:
    return Raised(types=(kind, "Exception", "object"), message=message, frames=frames)


def explained(*chain: Raised, warnings: tuple[Raised, ...] = (), lang: str = "en") -> str:
    return Explainer(lang).explain(Outcome(1 if chain else 0, chain, warnings))


def test_exception_is_explained(tmp_path: Path) -> None:
    script = written(tmp_path, "import torch\n\nmodel = torch.load('tudui.pth')\n")
    error = raised("UnpicklingError", LOAD, (str(script), 3), (os.__file__, 100))
    lines = explained(error).splitlines()
    assert lines[:2] == ["", "course: why this failed:"]
    assert lines[2] == f"  {script}, line 3: model = torch.load('tudui.pth')"
    assert "weights_only=False" in "\n".join(lines)
    assert lines[-1].endswith("(saveload.whole-model)")
    lines = explained(error, lang="zh").splitlines()
    assert lines[1] == "course: 出错原因："
    assert lines[2].endswith("script.py，第 3 行：model = torch.load('tudui.pth')")
    assert lines[-1] == "  课程 P26：模型的保存与读取（saveload.whole-model）"


@pytest.mark.slow
def test_script_that_loads_a_whole_network(tmp_path: Path) -> None:
    code = "import torch\nfrom torch import nn\n\ntorch.save(nn.Flatten(), 'tudui.pth')\n"
    written(tmp_path, f"{code}model = torch.load('tudui.pth')\nmodel.eval()\n")
    lines = assert_explained(tmp_path, "script.py", LC_ALL="zh_CN.UTF-8").splitlines()
    assert lines[1:3] == [
        "course: 出错原因：",
        "  script.py，第 5 行：model = torch.load('tudui.pth')",
    ]
    assert "weights_only=False" in "\n".join(lines)
    assert lines[-1] == "  课程 P26：模型的保存与读取（saveload.whole-model）"


def test_unknown_exception_is_not_explained(tmp_path: Path) -> None:
    script = written(tmp_path, "print(1)\nraise ValueError('mine')\n")
    text = explained(raised("ValueError", "mine", (str(script), 2)))
    assert text.splitlines()[1:] == [
        "course: no cause is known for this ValueError",
        f"  {script}, line 2: raise ValueError('mine')",
    ]
    assert explained(raised("KeyboardInterrupt", "", (str(script), 2))) == ""


def test_what_the_course_says_is_quoted_where_it_is_not_right() -> None:
    text = explained(raised("ModuleNotFoundError", "No module named 'cv2'"))
    assert "  The course says: With PyTorch installed, import cv2 as cv works.\n  Only " in text
    assert "course says" not in explained(raised("NameError", "name 'model' is not defined"))


def test_cause_of_an_exception_is_explained() -> None:
    text = explained(raised("ValueError", "mine"), raised("UnpicklingError", LOAD))
    assert ".whole-model)" in text


def test_warnings_are_explained_once_each(tmp_path: Path) -> None:
    script = written(tmp_path, "import torchvision\nvgg16(pretrained=False)\n")
    warning = raised("UserWarning", PRETRAINED, (str(script), 2), (os.__file__, 208))
    unknown = raised("UserWarning", "something else", (str(script), 2))
    text = explained(warnings=(warning, unknown, warning))
    assert text.count("course: ") == 1
    assert "course: what the warning means:" in text
    assert "script.py, line 2: vgg16(pretrained=False)" in text
    assert "(vgg.pretrained-false)" in text
    assert explained(warnings=(unknown,)) == ""


@pytest.mark.parametrize(
    ("signal", "mentions"),
    [(9, "memory"), (11, r"SIGSEGV"), (6, "SIGABRT"), (15, ""), (2, ""), (35, "")],
)
def test_signals(signal: int, mentions: str) -> None:
    text = Explainer("en").explain(Outcome(-signal))
    assert mentions in text
    assert bool(text) == bool(mentions)
    assert bool(Explainer("zh").explain(Outcome(-signal))) == bool(mentions)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> dict[str, Claim]:
    """Replace the register by two claims with the same message, and one with a rule only."""
    same = ClaimError("RuntimeError", "shapes cannot be multiplied", length=27)
    other = ClaimError("TypeError", "takes no keyword", length=16)
    claims = {
        claim.id: claim
        for claim in (
            Claim("a.size", "P21", "erratum", "", "", errors=(same,), rules=("size",)),
            Claim("b.batch", "P21", "erratum", "", "", errors=(same,), rules=("batch",)),
            Claim("c.called", "P21", "erratum", "", "", errors=(other,), rules=("called",)),
        )
    }
    finder = search.Search(claims)
    monkeypatch.setattr(cause, "by_errors", finder.by_errors)
    monkeypatch.setattr(cause.claims, "load", lambda: claims)
    return claims


def found(rule: str, line: int, severity: str = "error") -> Finding:
    return Finding(
        path="script.py",
        line=line,
        column=1,
        rule=rule,
        claims={"size": ("a.size",), "batch": ("b.batch",), "called": ("c.called",)}[rule],
        severity=severity,
        message=f"{rule} at {line}",
        write="",
        fixable=False,
    )


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    ("findings", "claim", "rule"),
    [
        ([], "a.size", None),
        ([found("called", 5)], "a.size", None),
        ([found("batch", 5)], "b.batch", "batch"),
        ([found("size", 1), found("batch", 6)], "b.batch", "batch"),
        ([found("batch", 1), found("size", 7)], "a.size", "size"),
        ([found("batch", 5, "warning")], "b.batch", "batch"),
    ],
)
def test_checker_decides_between_claims_with_one_message(
    tmp_path: Path, findings: list[Finding], claim: str, rule: str | None
) -> None:
    code = "x = 1\n\n\n\ny = model(\n    x,\n)\n"
    line = Line(str(written(tmp_path, code)), 5)
    error = raised("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)")
    chosen = find_cause([error], line, findings)
    assert chosen is not None
    assert chosen.claim.id == claim
    assert (chosen.finding and chosen.finding.rule) == rule


@pytest.mark.usefixtures("register")
def test_checker_alone_explains_only_what_fails_in_the_line(tmp_path: Path) -> None:
    line = Line(str(written(tmp_path, "a = 1\nb = f(c=2)\n")), 2)
    error = raised("TypeError", "an unknown message")
    chosen = find_cause([error], line, [found("called", 2)])
    assert chosen is not None
    assert chosen.claim.id == "c.called"
    assert find_cause([error], line, [found("called", 1)]) is None
    assert find_cause([error], line, [found("called", 2, "warning")]) is None
    assert find_cause([raised("ValueError", "another class")], line, [found("called", 2)]) is None
    assert find_cause([error], None, [found("called", 2)]) is None


@pytest.mark.parametrize(
    ("named", "made", "sentence"),
    [
        ("images/x.png", "", "Python looked for {here}/images/x.png, which does not exist."),
        ("x.png ", "x.png", "The name in the code ends with a space"),
        ("x.png", "src/x.png", "{here}/src/x.png exists: run the script in its own folder"),
        ("../x.png", "x.png", "{here}/x.png exists: run the script in its own folder"),
    ],
)
def test_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, made: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    script = written(tmp_path, f"x = 1\nimage = open({named!r})\n", "src/script.py")
    if made:
        written(tmp_path, "", made)
    error = Raised(
        types=("FileNotFoundError", "OSError"),
        message=f"[Errno 2] No such file or directory: {named!r}",
        file=named,
        frames=((str(script), 2),),
    )
    assert sentence.format(here=tmp_path) in explained(error)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", "tudui.pth is not the file itself"),
        (b"\n<!DOCTYPE html>\n<html>", "tudui.pth is a web page"),
        (b"", "tudui.pth is empty"),
        (b"PK\x03\x04", ""),
        (None, ""),
    ],
)
def test_file_with_other_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    script = written(tmp_path, "path = 'tudui.pth'\nimport torch\nx = torch.load(path)\n")
    if content is not None:
        (tmp_path / "tudui.pth").write_bytes(content)
    error = raised("UnpicklingError", "invalid load key, 'v'.", (str(script), 3))
    assert sentence in explained(error)
    image = raised("UnidentifiedImageError", "cannot identify image file 'tudui.pth'")
    assert sentence in explained(image)
    assert sentence in explained(raised("EOFError", "", (str(script), 3)))
    assert sentence in explained(raised("UnpicklingError", LOAD, (str(script), 3)))
    assert "tudui.pth is" not in explained(raised("RuntimeError", "other", (str(script), 3)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_pipe_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    script = written(tmp_path, "raise EOFError('pipe')\n")
    assert "pipe is" not in explained(raised("EOFError", "pipe", (str(script), 1)))


def test_own_line_is_the_innermost_that_is_not_installed(tmp_path: Path) -> None:
    script = str(written(tmp_path, "import json\njson.loads('x')\n"))
    (tmp_path / ".venv" / "site-packages").mkdir(parents=True)
    installed = str(written(tmp_path, "pass", ".venv/site-packages/library.py"))
    library = os.path.join(sysconfig.get_path("stdlib"), "json", "__init__.py")  # noqa: PTH118
    frames = [(script, 1), (script, 2), (library, 346), (installed, 1), ("<string>", 1)]
    assert own_line(raised("E", "", *frames)) == Line(script, 2)
    assert own_line(raised("E", "", (library, 346), ("<frozen runpy>", 88))) is None
    assert own_line(raised("E", "", (script, 99))) is None
    worker = f'Caught E in DataLoader worker process 0.\n  File "{script}", line 1, in f\n'
    assert own_line(raised("E", worker, (script, 2), (library, 1))) == Line(script, 1)


def test_warning_is_explained_at_the_line_that_called_a_library(tmp_path: Path) -> None:
    (tmp_path / "site-packages").mkdir()
    code = f"import warnings\ndef vgg16(pretrained):\n    warnings.warn({PRETRAINED!r})\n"
    written(tmp_path, code, "site-packages/library.py")
    code = "import sys\nsys.path.append('site-packages')\nfrom library import vgg16\n"
    written(tmp_path, f"{code}vgg16(\n    pretrained=True,\n)\n")
    assert "script.py, line 4: vgg16(" in assert_explained(tmp_path, "script.py")


def test_lines_of_a_statement(tmp_path: Path) -> None:
    code = """
    for x in range(
        3
    ):
        y = [
            x,
        ]
    """
    path = str(written(tmp_path, textwrap.dedent(code).lstrip()))
    statements = [Line(path, number).statement for number in range(1, 7)]
    assert statements == [range(1, 4)] * 3 + [range(4, 7)] * 3
    broken = str(written(tmp_path, "x = (\n", "broken.py"))
    assert Line(broken, 1).statement == range(1, 2)
