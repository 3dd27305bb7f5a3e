"""The shapes and number types that the checker infers from code are those of torch."""

from pathlib import Path
from textwrap import dedent

import libcst as cst
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from reference.checker.project import Project
from reference.checker.script import Script
from reference.checker.shapes.dtypes import numbers_in
from reference.checker.shapes.infer import LayerMismatchError, Shapes

TORCH = Version(torch.__version__).release
IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
LENET = """
class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc = nn.Sequential(nn.Linear(400, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), (2, 2))
        x = x.view(x.size(0), -1)
        return self.fc(x)

"""


def inferred(code: str) -> tuple[int | None, ...] | None:
    """Return the shape that the checker infers for the variable `result`."""
    version = Version(".".join(map(str, TORCH)))
    script = Script(IMPORTS + code, Path("script.py"), Project(version), version)
    assign = script.nodes(cst.Assign)[-1]
    assert script.code(assign.targets[0].target) == "result"
    return Shapes(script).of(assign.value)


def computed(code: str) -> tuple[int, ...]:
    names: dict[str, torch.Tensor] = {}
    exec(IMPORTS + code, names)  # noqa: S102 - the examples below
    return tuple(names["result"].shape)


@pytest.mark.parametrize(
    "code",
    [
        "result = torch.ones(64, 3, 32, 32)",
        "result = torch.randint(0, 10, (64, 3)).float()",
        "result = torch.tensor([[1, 2, 3], [4, 5, 6]])",
        "x = torch.zeros((2, 6))\nresult = torch.reshape(x, (-1, 1, 2, 2))",
        "x = torch.rand(4, 3, 8, 8)\nresult = x.view(x.shape[0], -1)",
        "x = torch.rand(4, 3, 8, 8)\nresult = torch.flatten(x)",
        "x = torch.rand(4, 3, 8, 8)\nresult = x.flatten(start_dim=1, end_dim=2)",
        "x = torch.rand(3, 8, 8)\nresult = x.unsqueeze(0).permute(0, 2, 3, 1)",
        "x = torch.rand(4, 3)\nx = x * 2 + 1\nresult = F.relu(x)",
        "result = F.conv2d(torch.ones(1, 1, 5, 5), torch.ones(2, 1, 3, 3), stride=2, padding=1)",
        "result = nn.Conv2d(3, 6, (3, 5), stride=(2, 1), padding=(0, 2))(torch.ones(2, 3, 9, 9))",
        "result = nn.Conv2d(3, 6, 4, padding='same')(torch.ones(2, 3, 9, 9))",
        "result = nn.Conv2d(4, 8, 3, dilation=2, groups=2)(torch.ones(1, 4, 16, 16))",
        "result = nn.Conv2d(3, 6, 3)(torch.ones(3, 9, 9))",
        "result = nn.AvgPool2d(3, 2, 1)(torch.ones(2, 3, 10, 10))",
        "result = nn.AdaptiveAvgPool2d((2, 3))(torch.ones(2, 3, 9, 9))",
        "result = nn.BatchNorm2d(3)(torch.ones(2, 3, 9, 9))",
        "result = nn.Linear(4, 2)(torch.ones(1, 1, 1, 4))",
        LENET + "net = LeNet()\nimgs = torch.ones(5, 3, 32, 32)\nresult = net(imgs)",
        LENET + "result = LeNet()(torch.ones(1, 3, 32, 32)).to('cpu')",
    ],
)
def test_shape_is_that_of_torch(code: str) -> None:
    assert inferred(code) == computed(code)


@pytest.mark.parametrize(
    "code",
    [
        # What the code decides only when it runs is unknown.
        "x = torch.ones(2, 2)\nfor _ in range(3):\n    y = x\n    x = x.unsqueeze(0)\nresult = y",
        "import sys\nx = torch.ones(2, 2)\nif sys.argv:\n    x = torch.ones(3, 3)\nresult = x",
        "size = len(__doc__ or 'ab')\nresult = torch.ones(*[size])",
        LENET + "net = LeNet()\nnet.fc = nn.Linear(400, 2)\nresult = net(torch.ones(1, 3, 32, 32))",
    ],
)
def test_shape_is_unknown(code: str) -> None:
    assert inferred(code) is None
    assert computed(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("torch.tensor([1, 2, 3])", "int"),
        ("torch.tensor([[1, 2.0], [3, 4]])", "float"),
        ("torch.tensor([1, 2], dtype=torch.float32).reshape(1, 2)", "float"),
        ("torch.reshape(torch.tensor([1, 2]), (1, 2))", "int"),
        ("torch.randint(0, 9, (2, 2))", "int"),
        ("torch.randint(0, 9, (2, 2)).float().unsqueeze(0)", "float"),
        ("torch.ones(2, 2, dtype=torch.long)", "int"),
        ("torch.ones(2, 2).to(torch.int64)", "int"),
        ("torch.arange(5).to('cpu')", "int"),
        ("torch.arange(5.0)", "float"),
    ],
)
def test_number_type_is_that_of_torch(code: str, kind: str) -> None:
    version = Version(".".join(map(str, TORCH)))
    script = Script(f"{IMPORTS}result = {code}\n", Path("script.py"), Project(version), version)
    assert numbers_in(script, script.nodes(cst.Assign)[-1].value) == kind
    result = eval(code, {"torch": torch})  # noqa: S307 - the examples above
    assert result.is_floating_point() == (kind == "float")


def layers() -> st.SearchStrategy[str]:
    """Return strategies for the code of a layer, which may not fit the one before."""
    small, channels = st.integers(1, 4), st.sampled_from([1, 2, 3, 6])
    stride, padding = st.integers(1, 3), st.integers(0, 2)
    conv = st.builds(
        "nn.Conv2d({}, {}, {}, stride={}, padding={})".format,
        channels, channels, small, stride, padding,
    )  # fmt: skip
    pool = st.builds("nn.MaxPool2d({}, stride={})".format, small, stride)
    linear = st.builds("nn.Linear({}, {})".format, st.sampled_from([3, 9, 27, 48]), channels)
    others = st.sampled_from(["nn.ReLU()", "nn.Flatten()", "nn.Dropout()", "nn.BatchNorm2d(3)"])
    return st.one_of(conv, pool, linear, others)


@given(
    layers=st.lists(layers(), min_size=1, max_size=5),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
)
def test_sequential_fits_or_not_as_in_torch(layers: list[str], height: int, width: int) -> None:
    code = dedent(f"""
        net = nn.Sequential({", ".join(layers)})
        result = net(torch.ones(2, 3, {height}, {width}))
        """)
    try:
        expected = computed(code)
    except (RuntimeError, ValueError):
        with pytest.raises(LayerMismatchError):
            inferred(code)
    else:
        assert inferred(code) == expected
