"""The search for the claims that explain a text."""

import time
from collections.abc import Mapping

import pytest

from reference.claims import Claim, ClaimError
from reference.explainer.search import MAX_TEXT, Search, search

GROUPS = "Given groups=1, weight of size [32, 3, 5, 5], expected input[1, 4, 32, 32]"
LINEAR = "linear.sizes-must-match"
GENERAL = ClaimError("RuntimeError", "size mismatch", 13)
SPECIFIC = ClaimError("RuntimeError", r"size mismatch for \S+ copying a param with shape", 46)
CLASS = ClaimError("AttributeError", r"Can't get attribute '\w+' on <module '__main__'", 45)
EMPTY = ClaimError("KeyError", "'lr'", 4)


def register(
    errors: Mapping[str, tuple[ClaimError, ...]], texts: Mapping[str, str] | None = None
) -> Search:
    """Return a search over claims with the given errors and texts; the others are fillers."""
    texts = {"conv.filler": "卷积核", "relu.filler": "ReLU of a negative number is 0"} | (
        texts or {}
    )
    return Search(
        {
            name: Claim(name, "P26", "holds", texts.get(name, ""), "", errors=errors.get(name, ()))
            for name in (*errors, *texts)
        }
    )


START = ClaimError("OSError", "^lost connection", 15)
MESSAGES = register(
    {
        "a.general": (GENERAL,),
        "a.specific": (SPECIFIC,),
        "a.class": (CLASS, EMPTY),
        "a.start": (START,),
    },
    {"a.general": "copying a param with another shape for fc.weight"},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RuntimeError: size mismatch, m1: [2 x 4]", ["a.general"]),
        (
            "RuntimeError: size mismatch for fc.weight: copying a param with shape [10]",
            ["a.specific", "a.general"],
        ),
        ("Can't get attribute 'Net' on <module '__main__' from 'a.py'>", ["a.class"]),
        ("报错 AttributeError：Can’t get attribute ‘Net’ on <module ‘__main__’>", ["a.class"]),
        ("AttributeError: Can't get attribute 'Net'\n  on <module '__main__'>", ["a.class"]),
        ("TypeError: Can't get attribute 'Net' on <module '__main__'>", ["a.class"]),
        ("KeyError: 'lr'", ["a.class"]),
        ("KeyError: 'momentum'", []),
        ("TypeError: 'lr'", []),  # too short without its type
        ("what does 'lr' mean", []),
        ("lost connection", ["a.start"]),
        ("some lines\nlost connection\nto it", ["a.start"]),
        ("we lost connection", []),
        ("OSError: we lost connection", []),
        (
            "RuntimeError: size mismatch\n\nDuring handling …\n\nKeyError: 'lr'",
            ["a.class", "a.general"],
        ),
        ("KeyError: 'lr'\nRuntimeError: size mismatch", ["a.general", "a.class"]),
    ],
)
def test_messages(text: str, expected: list[str]) -> None:
    assert [claim.id for claim in MESSAGES.search(text)] == expected


def test_same_message_is_decided_by_the_words() -> None:
    found = register(
        {"a.image": (GENERAL,), "a.weights": (GENERAL,)},
        {"a.image": "an image of another size", "a.weights": "torch.load of weights"},
    ).search('File "a.py", line 3, in <module>\n  torch.load("a")\nRuntimeError: size mismatch')
    assert [claim.id for claim in found] == ["a.weights", "a.image"]


def test_same_message_is_decided_by_the_line_that_printed_it() -> None:
    line = 'File "a.py", line 3, in <module>\n  output = F.conv2d(image, kernel)\n'
    loss = 'File "a.py", line 3, in <module>\n  loss = loss_fn(outputs, targets)\n'
    message = "RuntimeError: expected scalar type Long but found Float"
    assert search(line + message)[0].id == "conv.layer-rejects-integers"
    assert search(loss + message)[0].id == "loss.float-only"
    message = "AttributeError: 'NoneType' object has no attribute 'shape'"
    assert search(f'File "a.py", line 9\n  print(output.shape)\n{message}')[0].id == (
        "module.return-missing"
    )
    assert search(f'File "a.py", line 9\n  print(img.shape)\n{message}')[0].id == (
        "listing.imread-none"
    )


def test_same_message_of_another_type_comes_last() -> None:
    longer = ClaimError("TypeError", "size mismatch of tensors", 24)
    found = register({"a.longer": (longer,), "a.general": (GENERAL,)})
    names = [claim.id for claim in found.search("RuntimeError: size mismatch of tensors")]
    assert names == ["a.general", "a.longer"]


def test_same_message_is_explained_by_what_no_longer_holds() -> None:
    changed = Claim("b.changed", "P26", "changed", "", "", errors=(GENERAL,))
    holds = Claim("a.holds", "P26", "holds", "size mismatch", "", errors=(GENERAL,))
    found = Search({"a.holds": holds, "b.changed": changed}).search("RuntimeError: size mismatch")
    assert found == [changed, holds]


def test_only_the_end_of_a_long_text_counts() -> None:
    error = "KeyError: 'lr'\n"
    assert MESSAGES.search(f"{error}{'x' * (MAX_TEXT - len(error))}")
    assert MESSAGES.search(f"{error}{'x' * MAX_TEXT}") == []


@pytest.mark.parametrize("text", ["", " ", "！？", "?" * 100, "\0\ud800", "a" * 100_000])
def test_text_without_words_finds_nothing(text: str) -> None:
    assert search(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a." * 10_000,
        "".join(f"RuntimeError: {number}\n" for number in range(1100)),
        "Error" * 4000,
        'File "a", line 1\n' * 1000,
        "卷积" * 10_000,
    ],
    ids=["dots", "errors", "error", "frames", "chinese"],
)
def test_search_is_quick(text: str) -> None:
    search("")  # builds the index
    start = time.process_time()
    search(text)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("最大池化的 ceil_mode 有什么用", "maxpool"),
        ("卷积的 stride 是什么", "conv"),
        ("pretrained=True 警告", "vgg"),
        ("vgg16 = torchvision.models.vgg16(pretrained=True)", "vgg"),
        ("num_workers 在 windows 上报错", "dataloader"),
        ("png 图片四通道 convert('RGB')", "infer"),
        ("where does zero_grad belong, before backward or step?", "optim"),
        ("device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')", "gpu"),
        ("map_location", "saveload"),
        ("CrossEntropyLoss 之前要不要 softmax", "loss"),
    ],
)
def test_questions_and_lines_of_code(text: str, topic: str) -> None:
    assert search(text)[0].id.startswith(f"{topic}.")


@pytest.mark.parametrize(
    "text",
    [
        "显卡多少钱一块",
        "CPU 和 GPU 哪个贵",
        "显卡价格",
        "显存多大的显卡值得买",
        "cheap GPU for training",
        "hello",
        "你好，大家好",
        "谢谢老师",
        "bash: conda: command not found",
        "'pip' is not recognized as an internal or external command",
        "今天天气怎么样",
        "how to merge two pandas data frames",
        "django.urls.exceptions.NoReverseMatch: Reverse for 'index' not found",
        "Uncaught TypeError: document.getElementById(...) is null",
        "ZeroDivisionError: division by zero",
        "AttributeError: 'str' object has no attribute 'decode'",
        "ValueError: invalid literal for int() with base 10: 'abc'",
        "npm ERR! code ERESOLVE",
        "ssh 连接超时",
    ],
)
def test_other_subjects_have_no_answer(text: str) -> None:
    assert search(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensorboard 不是内部或外部命令，也不是可运行的程序", "tensorboard.command-missing"),
        ("zsh: command not found: tensorboard", "tensorboard.command-missing"),
        ("socket.timeout: timed out", "env.no-network"),
        ("KeyError: './vgg16_method1.pth'", "vgg.weights-name"),
        ("AttributeError: 'NoneType' object has no attribute 'sum'", "module.return-missing"),
        ("AttributeError: 'Tudui' object has no attribute '_modules'", "module.super-init"),
        ("help 函数怎么用", "builtin.help-function"),
    ],
)
def test_messages_of_real_scripts(text: str, expected: str) -> None:
    assert search(text)[0].id == expected


@pytest.mark.parametrize("title", ["Saving and loading", "模型的保存与读取"])
def test_title_of_a_lesson_finds_its_claims(title: str) -> None:
    assert search(title)[0].lesson == "P26"


@pytest.mark.parametrize(
    "text",
    [
        "how long to boil eggs for soft boiled",
        "西红柿炒鸡蛋怎么做",
        "怎么用 python 爬取网页",
        "css 怎么让 div 居中",
        "how do I reverse a linked list in Python?",
        "git push rejected non-fast-forward",
        "TypeError: Cannot read properties of undefined (reading 'map')",
        "KeyError: 'username'",
        "AttributeError: 'DataFrame' object has no attribute 'append'",
        "django.db.utils.OperationalError: no such table: auth_user",
        "ZeroDivisionError: division by zero",
        "df = pd.read_csv('data.csv')",
        "x = [1, 2, 3]",
        "AttributeError 怎么解决",
        "RuntimeError",
        "torch",
    ],
)
def test_no_answer_is_better_than_a_wrong_one(text: str) -> None:
    assert search(text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Can't get attribute 'Tudui'", {"saveload.class-needed"}),
        (
            "AttributeError: Can't get attribute 'Tudui' on <module '__main__' from 'a.py'>",
            {"saveload.class-needed"},
        ),
        (
            "AttributeError: Can't get attribute 'Tudui' on <module 'model' from 'a.py'>",
            {"saveload.class-no-longer-needed"},
        ),
        ("Torch not compiled with CUDA enabled", {"gpu.cpu-only-build"}),
        ("Expected all tensors to be on the same device", {"gpu.same-device"}),
        (
            f"RuntimeError: {GROUPS} to have 3 channels, but got 4 channels instead",
            {"infer.needs-rgb"},
        ),
        ("shape '[1, 3, 32, 32]' is invalid for input of size 4096", {"infer.needs-rgb"}),
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 3x1)", {LINEAR}),
        (
            "UnpicklingError: Weights only load failed",
            {"saveload.whole-model", "infer.whole-model"},
        ),
    ],
)
def test_frequent_messages_find_their_claim_first(text: str, names: set[str]) -> None:
    assert search(text)[0].id in names
