"""How networks, layers and losses are called (P16, P23)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import LOSSES, TENSOR
from reference.checker.networks import method
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import is_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

# Layers and losses that are created without arguments, or with numbers only.
_OF_NUMBERS = re.compile(
    r"torch\.nn\.(Conv\dd|Linear|MaxPool\dd|AvgPool\dd|BatchNorm\dd|Dropout\d?d?|Flatten"
    r"|(Leaky)?ReLU6?|Sigmoid|Tanh|Softmax|LogSoftmax|GELU|ELU|SiLU|AdaptiveAvgPool\dd)$"
)
_WITHOUT_ARGUMENTS = re.compile(r"torch\.nn\.(\w+Loss|ReLU|Sigmoid|Tanh|Flatten|GELU|SiLU)$")


class ForwardCalled(Rule):
    """`net.forward(x)` in place of `net(x)`."""

    name = "forward-called"
    claims = ("module.call",)
    severity = "advice"
    message = Text(
        en="Call the network itself, {network}(…): it runs forward, and hooks too, which "
        ".forward(…) "
        "skips.",
        zh="直接调用网络 {network}(…) 即可：它会执行 forward，也会执行钩子（hook），而 "
        ".forward(…) 会跳过钩子。",
    )
    write = "output = tudui(input)"
    valid = (
        """
        from torch import nn

        class Net(nn.Module):
            def forward(self, x):
                return super().forward(x) + self.forward(x)

        net = Net()
        print(net(x), robot.forward(3))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.Sequential(nn.Flatten())

                def forward(self, x):
                    return self.model1.forward(x)  # finding

            net = Net()
            output = net.forward(imgs)  # finding
            loaded = torch.load("net.pth", weights_only=False)
            output = loaded.forward(imgs)  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.Sequential(nn.Flatten())

                def forward(self, x):
                    return self.model1(x)

            net = Net()
            output = net(imgs)
            loaded = torch.load("net.pth", weights_only=False)
            output = loaded(imgs)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of forward on networks and layers, but not on self."""
        for call, network in script.method_calls("forward"):
            owner = script.enclosing(call, cst.FunctionDef)
            is_self = isinstance(network, cst.Name) and owner and _is_self(owner, network)
            if is_network(script, network) and not is_self:
                fields = {"network": script.code(network)}
                yield Match(node=call, fields=fields, fix={call.func: network})


def _is_self(function: cst.FunctionDef, name: cst.Name) -> bool:
    """Return whether a name is a function's first parameter."""
    params = function.params.params
    return bool(params) and params[0].name.value == name.value


class ClassCalledWithData(Rule):
    """Tensors that are given to the class of a layer, loss or network, not to an object of it."""

    name = "class-called-with-data"
    claims = ("loss.instance-first", "module.instance-first")
    severity = "error"
    message = Text(
        en="{name} is a class: called with tensors, it takes them as its options. Create an object "
        "first, and call that with the tensors: {name}(…)(input).",
        zh="{name} 是类：直接把张量传给它，会被当成它的选项。要先创建对象，再用张量调用对象："
        "{name}(…)(input)。",
    )
    valid = (
        """
        import torch
        from torch import nn

        weights = torch.ones(10)
        loss_fn = nn.CrossEntropyLoss(weights)
        relu, weight = nn.ReLU(), nn.Parameter(torch.ones(3))
        loss = loss_fn(relu(outputs), targets)
        print(nn.MSELoss()(weights, weights))
        """,
        """
        import torch
        from torch import nn

        class net(nn.Module):
            def __init__(self):
                super().__init__()

        net = net()
        print(net(torch.ones(3)))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            outputs, targets = torch.ones(2, 10), torch.tensor([1, 2])
            loss = nn.CrossEntropyLoss(outputs, targets)  # finding
            output = nn.ReLU(outputs)  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            outputs, targets = torch.ones(2, 10), torch.tensor([1, 2])
            loss = nn.CrossEntropyLoss()(outputs, targets)
            output = nn.ReLU()(outputs)
            """,
        ),
        Bad(
            """
            import torch
            from torch import nn

            loss_fn = nn.CrossEntropyLoss
            loss = loss_fn(torch.ones(2, 10), torch.tensor([1, 2]))  # finding
            """
        ),
        Bad(
            """
            import torch
            from torch import nn

            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)

                def forward(self, input):
                    return self.conv1(input)

            output = Tudui(torch.ones(64, 3, 32, 32))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of classes of networks with tensors."""
        for call in script.nodes(cst.Call):
            name = script.name(script.value(call.func))
            is_loss = bool(LOSSES.match(name))
            is_class = is_loss or _OF_NUMBERS.match(name) or _takes_nothing(script, name)
            if not is_class or _has_names(call) or script.types.of(call.func):
                continue  # what has a type is an object: after `net = net()`, net is no class
            tensors = [arg for arg in call.args if script.types.of(arg.value) == TENSOR]
            if len(tensors) > is_loss:  # the only tensor of a loss may be its weight
                created = call.with_changes(args=[])
                fix: Fix = {}
                if _WITHOUT_ARGUMENTS.match(name) and script.value(call.func) is call.func:
                    fix = {call: cst.Call(created, call.args)}
                yield Match(node=call, fields={"name": script.code(call.func)}, fix=fix)


def _has_names(call: cst.Call) -> bool:
    """Return whether a call has keyword or starred arguments."""
    return any(arg.keyword is not None or arg.star for arg in call.args)


def _takes_nothing(script: Script, name: str) -> bool:
    """Return whether a name is a network's class of the script whose __init__ has only self."""
    if not name or name.startswith(("builtins.", "torch")) or not script.types.is_module_type(name):
        return False
    found = script.project.class_def(script, name)
    init = method(found[1], "__init__") if found else None
    if init is None:
        return False
    params = init.params
    has_star = isinstance(params.star_arg, cst.Param) or params.star_kwarg is not None
    return len(params.params) == 1 and not has_star


class SequentialOfClasses(Rule):
    """A class, or a list of layers, that is given to Sequential."""

    name = "sequential-of-classes"
    claims = ("seq.modules-only",)
    severity = "error"
    message = Text(
        en="Sequential takes layers, separated by commas: {what}.",
        zh="Sequential 接收的是用逗号隔开的各层：{what}。",
    )
    valid = (
        """
        from torch import nn

        layers = [nn.Flatten(), nn.Linear(3072, 10)]
        model = nn.Sequential(*layers)
        model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU())
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            model = nn.Sequential(
                nn.Conv2d(3, 6, 3),
                nn.ReLU,  # finding
            )
            layers = [nn.Flatten()]
            model = nn.Sequential(layers)  # finding
            """,
            fixed="""
            from torch import nn

            model = nn.Sequential(
                nn.Conv2d(3, 6, 3),
                nn.ReLU(),
            )
            layers = [nn.Flatten()]
            model = nn.Sequential(*layers)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the arguments of Sequential that are classes or lists."""
        for call in script.calls("torch.nn.Sequential"):
            for arg in call.args:
                name = script.name(arg.value)
                if re.match(r"torch\.nn\.[A-Z]\w*$", name):
                    what = f"{script.code(arg.value)}()"
                    fix: Fix = {}
                    if _WITHOUT_ARGUMENTS.match(name):
                        fix = {arg.value: cst.Call(arg.value)}
                    yield Match(node=arg, fields={"what": what}, fix=fix)
                elif not arg.star and script.types.of(arg.value) == "builtins.list":
                    what = f"Sequential(*{script.code(arg.value)})"
                    yield Match(
                        node=arg, fields={"what": what}, fix={arg: arg.with_changes(star="*")}
                    )


RULES = (ForwardCalled, ClassCalledWithData, SequentialOfClasses)
