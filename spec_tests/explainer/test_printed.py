"""The exceptions and the learner's code in printed texts of several kinds."""

import pytest

from reference.explainer.printed import clean, exceptions, own_code, plain

CHAINED = """\
Traceback (most recent call last):
  File "D:\\code\\train.py", line 8, in <module>
    config["lr"]
    ~~~~~~^^^^^^
KeyError: 'lr'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "D:\\code\\train.py", line 10, in <module>
    model = load("tudui.pth")
  File "D:\\Anaconda3\\Lib\\site-packages\\torch\\serialization.py", line 1470, in load
    raise pickle.UnpicklingError(_get_wo_message(str(e))) from None
_pickle.UnpicklingError: """
UNPICKLING = """\
Weights only load failed.
\t(1) Re-running `torch.load` with `weights_only` set to `False`."""
WORKER = """\
RuntimeError: Caught RuntimeError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/opt/lib/python3.12/site-packages/torch/utils/data/_utils/worker.py", line 349, in _loop
    data = fetcher.fetch(index)
RuntimeError: stack expects each tensor to be equal size, but got [3, 4] at entry 0
"""
NOTEBOOK = """\
---------------------------------------------------------------------------
\x1b[0;31mAssertionError\x1b[0m                            Traceback (most recent call last)
Cell \x1b[0;32mIn[3], line 2\x1b[0m
      1 import torch
----> 2 tudui = tudui.cuda()

File ~/lib/torch/nn/modules/module.py:918, in Module._apply(self, fn)
--> 918     module._apply(fn)

\x1b[0;31mAssertionError\x1b[0m: Torch not compiled with CUDA enabled\r
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            CHAINED + UNPICKLING,
            [
                ("KeyError", "'lr'"),
                ("UnpicklingError", UNPICKLING),
            ],
        ),
        (
            WORKER,
            [
                ("RuntimeError", "Caught RuntimeError in DataLoader worker process 0."),
                (
                    "RuntimeError",
                    "stack expects each tensor to be equal size, but got [3, 4] at entry 0",
                ),
            ],
        ),
        (NOTEBOOK, [("AssertionError", "Torch not compiled with CUDA enabled")]),
        ("a.py:3: UserWarning: slow\n  warn()", [("UserWarning", "slow\n  warn()")]),
        ("运行报错：RuntimeError：CUDA error", [("RuntimeError", "CUDA error")]),
        ("cv2.error: OpenCV(4.9) !_src.empty()", [("error", "OpenCV(4.9) !_src.empty()")]),
        ("  assert x\nAssertionError", [("AssertionError", "")]),
        ("ValueError('a') and MyError are no lines of a traceback", []),
        ("", []),
    ],
    ids=["chained", "worker", "notebook", "warning", "chinese", "cv2", "bare", "none", "empty"],
)
def test_exceptions(text: str, expected: list[tuple[str, str]]) -> None:
    found = exceptions(clean(text))
    assert [(printed.type, printed.message) for printed in found] == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CHAINED, 'model = load("tudui.pth")'),
        (WORKER, ""),
        (NOTEBOOK, "tudui = tudui.cuda()"),
        ("tudui = tudui.cuda()", ""),
    ],
    ids=["script", "library", "notebook", "no-traceback"],
)
def test_own_code(text: str, code: str) -> None:
    assert own_code(clean(text)) == code


def test_plain() -> None:
    typed = "Can’t get attribute ‘Tudui’，on\n   <module（main）>"
    assert plain(typed) == "Can't get attribute 'Tudui',on <module(main)>"


def test_clean() -> None:
    assert clean("\x1b[0;31mKeyError\x1b[0m: 'x'\r\n") == "KeyError: 'x'\n"
