"""Claims about listings of documents 000 and 001 that fail as printed, and their corrections."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

from reference.app.messages import LINES
from reference.checkpoints.files import load_checkpoint
from reference.data.cifar10 import CIFAR10
from reference.data.image_folders import LabelledImages, by_folder, read_image
from reference.errors import InputError
from reference.inference import predict
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import PrintsError, ShowsError
from spec_tests.paths import INSECTS
from spec_tests.support.listings import run


@pytest.mark.claim("listing.no-imports")
@pytest.mark.parametrize(
    ("line", "name", "fix", "printed"),
    [
        ("print(dir(torch))", "torch", "import torch", "'tensor'"),
        ("help(torch.sum)", "torch", "import torch", "sum"),
        ("help(Dataset)", "Dataset", "from torch.utils.data import Dataset", "abstract class"),
    ],
)
def test_line_without_its_import(
    line: str, name: str, fix: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NameError, match=f"name '{name}' is not defined"):
        run(line)
    run(f"{fix}\n{line}")
    assert printed in capsys.readouterr().out


@pytest.mark.claim("listing.full-width-brackets")
@pytest.mark.parametrize(
    ("line", "character"),
    [
        ("help（Dataset）", r"'（' \(U\+FF08\)"),
        ("Dataset？？", r"'？' \(U\+FF1F\)"),
        ("toTensor（image）", r"'（' \(U\+FF08\)"),
    ],
)
def test_line_with_full_width_characters(line: str, character: str) -> None:
    with pytest.raises(SyntaxError, match=f"invalid character {character}"):
        run(line)


@pytest.mark.claim("listing.full-width-brackets")
def test_line_with_ascii_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    run("help(Dataset)", Dataset=Dataset)
    assert "class Dataset" in capsys.readouterr().out


@pytest.mark.claim("listing.windows-root")
@pytest.mark.skipif(os.name == "nt", reason="on Windows the drive D: may exist")
@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("os.listdir(root)", FileNotFoundError, "No such file or directory"),
        ("Image.open(root)", FileNotFoundError, "No such file or directory"),
        ("CIFAR10(root)", RuntimeError, "Dataset not found or corrupted"),
    ],
)
def test_folder_on_the_authors_machine(line: str, error: type[Exception], message: str) -> None:
    names = {"os": os, "Image": Image, "CIFAR10": torchvision.datasets.CIFAR10}
    with pytest.raises(error, match=message):
        run(rf"root = r'D:\Project\DataSet'; {line}", **names)


@pytest.mark.claim("listing.windows-root")
def test_existing_folder_is_found(small_cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such folder: give the one that contains cifar-10-"):
        CIFAR10(r"D:\Project\DataSet")
    monkeypatch.chdir(small_cifar10.parent)
    assert len(CIFAR10(small_cifar10.name)) == 250
    assert len(LabelledImages(by_folder(INSECTS / "ants"))) == 1


@pytest.mark.claim("listing.imread-none")
@pytest.mark.shows("listing.imread-none")
def test_imread_of_a_missing_path_returns_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    shows_error: ShowsError,
) -> None:
    cv = pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")
    monkeypatch.chdir(tmp_path)
    listing = "image = cv.imread(path, cv.IMREAD_COLOR)\nprint(type(image))\nprint(image.shape)"
    with shows_error("listing.imread-none"):
        run(listing, cv=cv, path=r"train\ants_image\0013035.jpg")
    assert capsys.readouterr().out == "<class 'NoneType'>\n"
    run(listing, cv=cv, path=str(INSECTS / "ants" / "drawn-ant.png"))
    assert capsys.readouterr().out == "<class 'numpy.ndarray'>\n(512, 768, 3)\n"
    with shows_error("listing.imread-none"):
        cv.cvtColor(cv.imread("0013035.jpg"), cv.COLOR_BGR2RGB)
    with pytest.raises(InputError, match=r"^0013035\.jpg: no such file"):
        read_image(Path("0013035.jpg"))


LOOP = """
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for input, target in dataset:
    optimizer.zero_grad()
    output = model(input)
    loss = loss_fn(output, target)
    loss.backward()
    optimizer.step()
"""


@pytest.mark.claim("listing.optimizer-names")
def test_loop_with_undefined_names() -> None:
    batch = torch.ones(4, 2), torch.ones(4, 1)
    model = nn.Linear(2, 1)
    before = model.weight.clone()
    names: dict[str, object] = {}
    for name, value in (
        ("optim", optim),
        ("model", model),
        ("dataset", DataLoader(list(zip(*batch, strict=True)), 4)),
        ("loss_fn", nn.MSELoss()),
    ):
        with pytest.raises(NameError, match=f"name '{name}' is not defined"):
            run(LOOP, **names)
        names[name] = value
    with pytest.raises(NameError, match="name 'var1' is not defined"):
        run("optimizer = optim.Adam([var1, var2], lr=0.0001)", **names)
    assert torch.equal(model.weight, before)
    run(LOOP, **names)
    assert not torch.equal(model.weight, before)


@pytest.mark.claim("listing.output-in-code")
def test_output_in_the_code_is_a_syntax_error(capsys: pytest.CaptureFixture[str]) -> None:
    line = 'print("-------第 {} 轮训练开始-------".format(3))'
    output = "-------第 3 轮训练开始-------"
    with pytest.raises(SyntaxError, match=r"invalid character '：' \(U\+FF1A\)"):
        run(f"{line}\n输出：\n{output}")
    with pytest.raises(SyntaxError, match="invalid syntax"):
        run(f"{line}\n{output}")
    run(line)
    assert capsys.readouterr().out == f"{output}\n"
    assert LINES["zh"]["epoch"].format(3) == output


@pytest.mark.claim("listing.square-brackets")
def test_names_in_square_brackets_are_lists(checkpoint: Path) -> None:
    net, position = Tudui(), str(checkpoint)
    optimizer = optim.SGD(net.parameters(), 0.01)
    for line, attribute in (
        ("[optimizer].zero_grad()", "zero_grad"),
        ("optim.SGD([net].parameters(), 0.01)", "parameters"),
        ("torch.load([position])", "seek"),
    ):
        names = {"optim": optim, "torch": torch, "net": net, "optimizer": optimizer}
        with pytest.raises(AttributeError, match=f"'list' object has no attribute '{attribute}'"):
            run(line, position=position, **names)
        run(line.replace("[", "").replace("]", ""), position=position, **names)
    net.load_state_dict(load_checkpoint(checkpoint)["model"])


@pytest.mark.claim("listing.with-alone")
def test_with_needs_an_indented_body() -> None:
    lines = "model.eval()\nwith torch.no_grad():\noutput = model(image)"
    with pytest.raises(IndentationError, match="expected an indented block after 'with'"):
        run(lines)
    model, image = Tudui(), torch.ones(1, 3, 32, 32)
    names = run(lines.replace("output", "    output"), torch=torch, model=model, image=image)
    assert not names["output"].requires_grad
    assert not model.training
    (prediction,) = predict(model, list(image))
    assert prediction["index"] == names["output"].argmax(1).item()


@pytest.mark.claim("listing.undefined-name")
@pytest.mark.shows(
    "listing.undefined-name",
    "listing.no-imports",
    "listing.optimizer-names",
    "listing.full-width-brackets",
    "listing.windows-root",
    "listing.square-brackets",
    "listing.with-alone",
)
def test_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError) -> None:
    monkeypatch.chdir(tmp_path)
    for name, listing in (
        ("listing.undefined-name", "transforms.ToTensor()"),
        ("listing.no-imports", "help(Dataset)"),
        ("listing.optimizer-names", "var1"),
        ("listing.full-width-brackets", "help（Dataset）"),
        ("listing.windows-root", r"open(r'D:\Project\DataSet')"),
        ("listing.square-brackets", "[1].parameters()"),
        ("listing.with-alone", "with open('a') as f:\nf.read()"),
    ):
        if name != "listing.windows-root" or os.name != "nt":
            with shows_error(name):
                run(listing)
    assert run("from torchvision import transforms\ntransforms.ToTensor()")


@pytest.mark.claim("listing.syntax")
@pytest.mark.shows("listing.syntax")
def test_statements_that_are_nearly_python(shows_error: ShowsError) -> None:
    for listing in (
        "for i in range(3)\n    print(i)",
        "nn.Conv2d(3, 32 5)",
        "if x = 1:\n    y = 2",
        "return output",
        "nn.Conv2d(3, kernel_size=3, 6)",
        "lambda = 0.1",
    ):
        with shows_error("listing.syntax"):
            run(listing)


@pytest.mark.claim("listing.copied-text")
@pytest.mark.parametrize(
    "line",
    [
        ">>> x = 1",
        "In [1]: import torch",
        "1 import torch",
        "Files already downloaded and verified",
        "pip install torch",
        "<<<<<<< HEAD",
    ],
)
def test_copied_text_is_not_python(line: str) -> None:
    with pytest.raises(SyntaxError):
        run(f"y = 2\n{line}\n")
    assert run(f"y = 2\n# {line}\n")["y"] == 2


@pytest.mark.claim("listing.encoding")
@pytest.mark.shows("listing.encoding")
def test_script_in_gbk(tmp_path: Path, shows_error: ShowsError, prints_error: PrintsError) -> None:
    code = "text = '准确率'\n"
    script = tmp_path / "script.py"
    script.write_bytes(code.encode("gbk"))
    with shows_error("listing.encoding"):
        compile(script.read_bytes(), str(script), "exec")
    command = [sys.executable, str(script)]
    prints_error(
        "listing.encoding",
        subprocess.run(command, check=False, capture_output=True, text=True).stderr,
    )
    script.write_text(code, encoding="utf-8")
    assert runpy.run_path(str(script))["text"] == "准确率"


@pytest.mark.claim("listing.python-2")
@pytest.mark.shows("listing.python-2")
def test_print_is_a_function(shows_error: ShowsError, capsys: pytest.CaptureFixture[str]) -> None:
    with shows_error("listing.python-2"):
        run("print 'hello'")
    run("print('hello')")
    assert capsys.readouterr().out == "hello\n"


@pytest.mark.claim("listing.module-name")
@pytest.mark.shows("listing.module-name")
def test_names_of_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("1_model", "my-model", "model_of_p26"):
        (tmp_path / f"{name}.py").write_text("layers = 3\n")
    with shows_error("listing.module-name"):
        run("from 1_model import layers")
    with pytest.raises(SyntaxError):
        run("import my-model")
    assert run("from model_of_p26 import layers")["layers"] == 3
