"""How the weights of torchvision's networks are chosen (P25)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.edits import Fix, keyword
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# pretrained=True means the first version of the weights; for these networks there are newer ones,
# which "DEFAULT" would load.
NEWER_WEIGHTS = re.compile(
    r"resnet(50|101|152)$|resnext(50|101_32x8d)|wide_resnet|mobilenet_v(2|3_large)$"
    r"|efficientnet_b1$|regnet"
)
_NETWORK = re.compile(r"torchvision\.models\.(?!get_|list_)[a-z]\w*$")
_CLASS = re.compile(r"torchvision\.models\.\w+_Weights$")
_WEIGHTS = re.compile(r"(\w+_Weights\.)?(DEFAULT|[A-Z][A-Z0-9_]+)$")


def _networks(script: Script) -> Iterator[cst.Call]:
    """Yield the calls that create one of torchvision's networks."""
    for call in script.nodes(cst.Call):
        if _NETWORK.match(script.name(call.func)):
            yield call


def _weights(script: Script, call: cst.Call, value: cst.BaseExpression) -> str | None:
    """Return the code of `weights=` that means the same as True, False or `VGG16_Weights`."""
    if _CLASS.match(script.name(value)):
        return f"{script.code(value)}.DEFAULT"
    given = script.literal(value)
    if given is True:
        newer = NEWER_WEIGHTS.match(script.name(call.func).rpartition(".")[2])
        return '"IMAGENET1K_V1"' if newer else '"DEFAULT"'
    return "None" if given is False or given is None else None


class PretrainedArgument(Rule):
    """`pretrained=` of a network of torchvision."""

    name = "pretrained-deprecated"
    claims = ("vgg.pretrained-false", "vgg.pretrained-true")
    severity = "advice"
    message = Text(
        en="The parameter pretrained is deprecated since torchvision 0.13 and gives a warning: "
        'write weights=None for random weights, or weights="DEFAULT" for trained ones.',
        zh="参数 pretrained 从 torchvision 0.13 起已弃用，运行时会有警告：随机参数写 weights=None，"
        '训练好的参数写 weights="DEFAULT"。',
    )
    valid = (
        """
        import torchvision
        from torchvision.models import vgg16

        vgg16_false = vgg16(weights=None)
        vgg16_true = torchvision.models.vgg16(weights="DEFAULT", progress=False)
        names = torchvision.models.list_models()
        net = Net(pretrained=True)
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torchvision.models import resnet50

            vgg16_false = torchvision.models.vgg16(pretrained=False)  # finding
            vgg16_true = torchvision.models.vgg16(progress=True, pretrained=True)  # finding
            net = resnet50(pretrained=True)  # finding
            """,
            fixed="""
            import torchvision
            from torchvision.models import resnet50

            vgg16_false = torchvision.models.vgg16(weights=None)
            vgg16_true = torchvision.models.vgg16(progress=True, weights="DEFAULT")
            net = resnet50(weights="IMAGENET1K_V1")
            """,
        ),
        Bad(
            """
            from torchvision import models

            def network(trained):
                return models.resnet18(pretrained=trained)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the networks that are created with `pretrained=`."""
        for call in _networks(script):
            for arg in call.args:
                if arg.keyword and arg.keyword.value == "pretrained":
                    weights = _weights(script, call, arg.value)
                    fix: Fix = {}
                    if weights and argument(call, None, "weights") is None:
                        fix[arg] = keyword("weights", weights).with_changes(comma=arg.comma)
                    yield Match(node=call, fix=fix)


class WeightsPositional(Rule):
    """The weights of a network of torchvision, given without `weights=` or as True."""

    name = "weights-positional"
    claims = ("vgg.weights-positional",)
    severity = "advice"
    message = Text(
        en="The weights of a network are given by keyword, as weights=None or "
        'weights="DEFAULT"; without the keyword, or as True or False, they give a warning since '
        "torchvision 0.13.",
        zh='网络的权重要用关键字传入：weights=None 或 weights="DEFAULT"。不写关键字，或写成 '
        "True、False，从 torchvision 0.13 起会有警告。",
    )
    valid = (
        """
        from torchvision.models import VGG16_Weights, vgg16

        vgg16_true = vgg16(weights=VGG16_Weights.DEFAULT)
        vgg16_false = vgg16()
        vgg16_none = vgg16(weights=None)
        vgg16(**options)
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision

            vgg16_false = torchvision.models.vgg16(False)  # finding
            vgg16_true = torchvision.models.vgg16(weights=True)  # finding
            net = torchvision.models.vgg16(torchvision.models.VGG16_Weights.DEFAULT)  # finding
            resnet = torchvision.models.resnet18(None)  # finding
            other = torchvision.models.vgg16(weights=torchvision.models.VGG16_Weights)  # finding
            """,
            fixed="""
            import torchvision

            vgg16_false = torchvision.models.vgg16(weights=None)
            vgg16_true = torchvision.models.vgg16(weights="DEFAULT")
            net = torchvision.models.vgg16(weights=torchvision.models.VGG16_Weights.DEFAULT)
            resnet = torchvision.models.resnet18(weights=None)
            other = torchvision.models.vgg16(weights=torchvision.models.VGG16_Weights.DEFAULT)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the networks whose weights are given without a keyword, or as True or False."""
        for call in _networks(script):
            for index, arg in enumerate(call.args):
                by_keyword = arg.keyword is not None and arg.keyword.value == "weights"
                positional = index == 0 and arg.keyword is None and not arg.star
                code = _weights(script, call, arg.value) if by_keyword or positional else None
                is_none = script.name(arg.value) == "builtins.None"
                if positional or (code is not None and not is_none):
                    new = keyword("weights", code or script.code(arg.value))
                    yield Match(node=call, fix={arg: new.with_changes(comma=arg.comma)})


class WeightsUnknown(Rule):
    """A string for `weights=` that is not the name of weights, such as a path."""

    name = "weights-unknown"
    claims = ("vgg.weights-name",)
    severity = "error"
    message = Text(
        en="weights={weights} is not the name of weights, and fails with a KeyError: write "
        '"DEFAULT" or None. Weights from a file are loaded with load_state_dict.',
        zh='weights={weights} 不是权重的名字，会报 KeyError：应写 "DEFAULT" 或 None。'
        "文件里的参数用 load_state_dict 加载。",
    )
    valid = (
        """
        from torchvision.models import vgg16

        net = vgg16(weights="DEFAULT")
        net = vgg16(weights="IMAGENET1K_V1")
        net = vgg16(weights="VGG16_Weights.IMAGENET1K_FEATURES")
        net = vgg16(weights=name)
        """,
    )
    invalid = (
        Bad("""
            import torchvision

            net = torchvision.models.vgg16(weights="True")  # finding
            net = torchvision.models.vgg16(weights="vgg16-397923af.pth")  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the networks that are created with an unknown name of weights."""
        for call in _networks(script):
            given = argument(call, 0, "weights")
            name = script.literal(given)
            if given is not None and isinstance(name, str) and not _WEIGHTS.match(name):
                yield Match(node=call, fields={"weights": f'"{name}"'})


RULES = (PretrainedArgument, WeightsPositional, WeightsUnknown)
