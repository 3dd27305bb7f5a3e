"""A claim, a test of it, and the type of the fixture `run_suite`, which runs pytest over them."""

from collections.abc import Callable

import pytest

RunSuite = Callable[..., pytest.RunResult]

CLAIM = """
[[claim]]
id = "relu.zero"
lesson = "P20"
source = ["004 19"]
says = "ReLU of -1 is 0."
zh = "-1 的 ReLU 是 0。"
kind = "value"
oracle = "derived"
status = "holds"
"""
TEST = """
import pytest

@pytest.mark.claim("relu.zero")
def test_relu():
    assert max(-1, 0) == 0
"""
