"""The page searches the claims as `course explain` does: the same answers in the same order."""

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from reference import claims
from reference.explainer.search import search
from spec_tests import paths

if TYPE_CHECKING:  # it may be missing: then the tests are skipped
    from playwright.sync_api import Page

SCRIPT = """
const [search, register] = process.argv.slice(1).map((path) => fs.readFileSync(path, "utf8"));
vm.runInThisContext(`${search}; globalThis.Register = Register;`);
const found = new Register(JSON.parse(register));
const queries = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(queries.map((query) => found.search(query))));
"""

TRACEBACK = """\
Traceback (most recent call last):
  File "D:\\\\code\\\\train.py", line 8, in <module>
    model = torch.load("tudui.pth")
  File "D:\\\\Anaconda3\\\\Lib\\\\site-packages\\\\torch\\\\serialization.py", line 1470, in load
    raise pickle.UnpicklingError(_get_wo_message(str(e))) from None
_pickle.UnpicklingError: Weights only load failed.\r
"""
QUERIES = [
    TRACEBACK,
    f"KeyError: 'lr'\n\nDuring handling of the above exception:\n\n{TRACEBACK}",
    "----> 2 tudui = tudui.cuda()\n\x1b[31mAssertionError\x1b[0m: Torch not compiled with CUDA",
    "报错 AttributeError：Can’t get attribute ‘Tudui’ on <module ‘__main__’>",
    "AttributeError: Can't get attribute '模型' on <module '__main__'>",
    "RuntimeError: Expected all tensors to be on the same\n device",
    "BrokenPipeError: [Errno 32] Broken pipe DataLoader num_workers Windows",
    "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    "最大池化的 ceil_mode 有什么用？",
    "卷积核stride是什么，怎么算输出的尺寸",
    "CIFAR10 vgg16 MaxPool2d NLLLoss weights_only __getitem__ x_1 3d 512",
    "Saving, saved and loaded classes; passing losses",
    "西红柿炒鸡蛋怎么做",
    "显卡多少钱一块",
    "bash: conda: command not found",
    'File "a.py", line 3\n  conv2d(x, k)\nRuntimeError: expected scalar type Long but found Float',
    "torch",
    "",
    *(claim.says for claim in list(claims.load().values())[::20]),
    *(claim.zh for claim in list(claims.load().values())[10::20]),
    *(error.pattern for claim in claims.load().values() for error in claim.errors),
]


def answers() -> list[list[str]]:
    """Return the answers of `course explain` to each query."""
    return [[claim.id for claim in search(query)] for query in QUERIES]


def test_script_finds_the_same_as_python() -> None:
    if not (node := shutil.which("node")):
        pytest.skip("needs node: the same is tested in Chromium, nox -s browser")
    files = [paths.TEMPLATES / "search.js", paths.REFERENCE / "claims.json"]
    done = subprocess.run(
        [node, "-e", SCRIPT, *map(str, files)],
        input=json.dumps(QUERIES),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert json.loads(done.stdout) == answers()


@pytest.mark.browser
def test_page_finds_the_same_as_python(page: "Page", address: str) -> None:
    page.goto(f"{address}?q=torch.load")
    found = page.evaluate("queries => queries.map((query) => register.search(query))", QUERIES)
    assert found == answers()
