"""Claims about Dataset itself, paths and scripts (P5-P7)."""

import ast
import inspect
import ntpath
import os
import posixpath
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils import data
from torch.utils.data import Dataset
from torchvision.transforms import Resize, ToTensor

from spec_tests.harness.shown_errors import PrintsError, ShowsError


@pytest.mark.claim("dataset.import")
def test_imports() -> None:
    assert inspect.isclass(data.Dataset)
    assert inspect.isclass(data.DataLoader)


@pytest.mark.claim("dataset.getitem-required")
@pytest.mark.shows("dataset.getitem-required")
def test_getitem_is_required(shows_error: ShowsError) -> None:
    class Empty(Dataset[int]):
        """A data set without methods."""

    for dataset in (Dataset(), Empty()):
        with shows_error("dataset.getitem-required"):
            dataset[0]


@pytest.mark.claim("dataset.len-required")
def test_len_is_optional() -> None:
    class Endless(Dataset[int]):
        def __getitem__(self, index: int) -> int:
            return index * index

    assert Endless()[7] == 49
    with pytest.raises(TypeError, match=r"object of type 'Endless' has no len\(\)"):
        len(Endless())


@pytest.mark.claim("dataset.gititem")
@pytest.mark.shows("dataset.gititem")
def test_gititem_is_not_getitem(shows_error: ShowsError) -> None:
    class Misspelt(Dataset[int]):
        def __gititem__(self, index: int) -> int:
            return index

    with shows_error("dataset.gititem"):
        Misspelt()[0]


@pytest.mark.claim("dataset.join", "dataset.join-separator")
def test_join() -> None:
    assert posixpath.join("dataset/train", "ants") == "dataset/train/ants"
    joined = posixpath.join("dataset/train", "ants", "image_001.jpg")
    assert joined == "dataset/train/ants/image_001.jpg"
    assert posixpath.join("a", "b", "c", "d") == "a/b/c/d"
    assert ntpath.join("dataset", "train", "ants") == r"dataset\train\ants"
    assert os.path.join("a", "b") == f"a{os.sep}b"  # noqa: PTH118 - the course's function


@pytest.mark.claim("dataset.listdir")
def test_listdir(tmp_path: Path) -> None:
    (tmp_path / "ants").mkdir()
    (tmp_path / "readme.txt").touch()
    names = os.listdir(tmp_path)  # noqa: PTH208 - the course's function
    assert isinstance(names, list)
    assert sorted(names) == ["ants", "readme.txt"]


@pytest.mark.claim("dataset.main-guard")
@pytest.mark.parametrize(("guard", "runs"), [("main", False), ("__main__", True)])
def test_main_guard(tmp_path: Path, guard: str, *, runs: bool) -> None:
    script = tmp_path / "script.py"
    script.write_text(f'if __name__ == "{guard}":\n    result = 1\n')
    assert ("result" in runpy.run_path(str(script), run_name="__main__")) is runs


@pytest.mark.claim("dataset.full-listing")
def test_quoted_listing_defines_nothing() -> None:
    listing = "class MyData(Dataset):\n    pass\nprint('run')\n"
    names: dict[str, object] = {}
    exec(f"'''\n{listing}'''", names)  # noqa: S102 - as a script does
    assert "MyData" not in names
    with pytest.raises(NameError, match="name 'Dataset' is not defined"):
        exec(listing, {})  # noqa: S102 - as a script does


@pytest.mark.claim("dataset.resize-two-ints")
@pytest.mark.shows("dataset.resize-two-ints")
def test_resize_with_two_ints(shows_error: ShowsError) -> None:
    image = Image.new("RGB", (300, 200))
    with shows_error("dataset.resize-two-ints"):
        Resize(256, 256)(image)
    assert Resize((256, 256))(image).size == (256, 256)


@pytest.mark.claim("dataset.shebang")
def test_full_width_shebang_is_a_comment() -> None:
    line = "# ！usr/bin/env python3"
    assert not line.startswith("#!")
    assert line[2] == "\N{FULLWIDTH EXCLAMATION MARK}"
    compile(line, "script.py", "exec")


@pytest.mark.claim("dataset.tree-as-code")
def test_folder_tree_is_not_python() -> None:
    tree = "root: folder\n    |\n    +-- label: ants\n"
    with pytest.raises(IndentationError, match="unexpected indent"):
        compile(tree, "tree", "exec")


@pytest.mark.claim("dataset.join-absolute")
def test_join_drops_parts_before_an_absolute_one() -> None:
    assert posixpath.join("dataset/train", "/ants") == "/ants"
    assert ntpath.join("dataset\\train", "\\ants") == "\\ants"
    assert posixpath.join("dataset/train/", "ants") == "dataset/train/ants"


@pytest.mark.claim("dataset.path-space")
@pytest.mark.skipif(os.name == "nt", reason="Windows ignores a space at the end of a name")
def test_space_at_an_end_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "model_9.pth").touch()
    for name in ("model_9.pth ", " model_9.pth"):
        with pytest.raises(FileNotFoundError):
            (tmp_path / name).read_bytes()


class Squares:
    """A data set that does not inherit from Dataset."""

    def __getitem__(self, index: int) -> int:
        return index * index

    def __len__(self) -> int:
        return 4


@pytest.mark.claim("dataset.inherit")
def test_inheritance_is_optional() -> None:
    for dataset in (Squares(), [0, 1, 4, 9]):
        assert [batch.tolist() for batch in data.DataLoader(dataset, 3)] == [[0, 1, 4], [9]]
    with pytest.raises(TypeError, match="unsupported operand"):
        Squares() + Squares()
    subclass = type("Subclass", (Squares, Dataset), {})
    assert list(subclass() + subclass()) == [0, 1, 4, 9, 0, 1, 4, 9]


@pytest.mark.claim("dataset.bare-names")
@pytest.mark.shows("dataset.bare-names", "dataset.len-required")
def test_method_names_need_underscores(shows_error: ShowsError) -> None:
    class MyData(Dataset[str]):
        def init(self, root: str) -> None:
            self.root = root

        def getitem(self, index: int) -> str:
            return f"{self.root}/{index}"

        def len(self) -> int:
            return 1

    with shows_error("dataset.bare-names"):
        MyData("ants")
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        MyData()[0]
    with shows_error("dataset.len-required"):
        len(MyData())


@pytest.mark.claim("dataset.dict-unpacked")
def test_unpacking_a_batch_of_dicts_gives_its_keys() -> None:
    samples = [{"img": torch.zeros(3, 2, 2), "label": "ants"}]
    (j,) = data.DataLoader(samples)
    imgs, labels = j
    assert (imgs, labels) == ("img", "label")
    assert j["img"].shape == (1, 3, 2, 2)
    assert j["label"] == ["ants"]


@pytest.mark.claim("dataset.missing-path")
@pytest.mark.shows("dataset.missing-path")
def test_relative_path_starts_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    (tmp_path / "dataset").mkdir()
    monkeypatch.chdir(tmp_path)
    assert os.listdir("dataset") == []  # noqa: PTH208 - the course's function
    monkeypatch.chdir("dataset")
    with shows_error("dataset.missing-path"):
        os.listdir("dataset")  # noqa: PTH208


@pytest.mark.claim("dataset.not-an-image")
@pytest.mark.shows("dataset.not-an-image")
def test_hidden_file_is_no_image(tmp_path: Path, shows_error: ShowsError) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"Bud1")
    with shows_error("dataset.not-an-image"):
        Image.open(tmp_path / ".DS_Store")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other messages")
@pytest.mark.claim("dataset.file-or-folder")
@pytest.mark.shows("dataset.file-or-folder")
def test_file_for_a_folder(tmp_path: Path, shows_error: ShowsError) -> None:
    (tmp_path / "ant.jpg").touch()
    with shows_error("dataset.file-or-folder"):
        os.listdir(tmp_path / "ant.jpg")  # noqa: PTH208
    with shows_error("dataset.file-or-folder"):
        Image.open(tmp_path)


@pytest.mark.claim("dataset.path-escape")
@pytest.mark.shows("dataset.path-escape")
def test_backslashes_in_a_string(
    tmp_path: Path, shows_error: ShowsError, prints_error: PrintsError
) -> None:
    with shows_error("dataset.path-escape"):
        ast.parse(r'path = "C:\Users"')
    (tmp_path / "script.py").write_text(r'path = "train\mine"')
    command = [sys.executable, "-W", "always", str(tmp_path / "script.py")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "invalid escape sequence" in run.stderr or "is an invalid escape" in run.stderr
    prints_error("dataset.path-escape", run.stderr)
    assert ast.literal_eval(r'r"C:\Users\mine"') == r"C:\Users\mine"


@pytest.mark.claim("dataset.returns-nothing")
@pytest.mark.shows("dataset.returns-nothing")
def test_getitem_must_return_a_sample(shows_error: ShowsError) -> None:
    with shows_error("dataset.returns-nothing"):
        next(iter(data.DataLoader([None])))


@pytest.mark.claim("dataset.encoding")
@pytest.mark.shows("dataset.encoding")
def test_text_in_another_encoding(tmp_path: Path, shows_error: ShowsError) -> None:
    (tmp_path / "label.txt").write_text("蚂蚁", encoding="gbk")
    with shows_error("dataset.encoding"):
        (tmp_path / "label.txt").read_text(encoding="utf-8")
    assert (tmp_path / "label.txt").read_text(encoding="gbk") == "蚂蚁"


@pytest.mark.claim("dataset.image-has-no-shape")
@pytest.mark.shows("dataset.image-has-no-shape")
def test_image_has_a_size(shows_error: ShowsError, tmp_path: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as image:
        with shows_error("dataset.image-has-no-shape"):
            _ = image.shape
        with shows_error("dataset.image-has-no-shape"):
            _ = image.convert("L").shape
        assert image.size == (4, 3)
        assert ToTensor()(image).shape == (3, 3, 4)
