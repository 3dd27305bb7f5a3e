"""Testing a network: eval(), train() and no_grad() (P28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.evaluations import depends_on_mode, evaluations
from reference.checker.training.gradients import is_no_grad, records_gradients
from reference.checker.training.loops import loops_around, training_loops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script
    from reference.checker.training.loops import BatchLoop

TEST = """
tudui.train()
for imgs, targets in train_dataloader:
    optimizer.zero_grad()
    loss_fn(tudui(imgs), targets).backward()
    optimizer.step()

tudui.eval()
with torch.no_grad():
    for imgs, targets in test_dataloader:
        outputs = tudui(imgs)
"""
SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader

net = nn.Sequential(nn.Flatten(), {dropout}nn.Linear(3072, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
train_loader = DataLoader(train_data, batch_size=64)
test_loader = DataLoader(test_data, batch_size=64)
for epoch in range(10):
    {train}
    for imgs, targets in train_loader:
        loss = loss_fn(net(imgs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    {eval}
{test}
"""
WITH_NO_GRAD = """
    with torch.no_grad():{mark}
        for imgs, targets in test_loader:
            total = total + loss_fn(net(imgs), targets).item()
"""
WITHOUT = """
    # test
    for imgs, targets in test_loader:{mark}
        total = total + loss_fn(net(imgs), targets).item()
"""


def _script(train: str, eval_: str, test: str, mark: str = "", dropout: str = "") -> str:
    test = test.strip("\n").format(mark=mark)
    return SCRIPT.format(train=train, eval=eval_, test=test, dropout=dropout)


class EvalMissing(Rule):
    """A network that is tested without `eval()`."""

    name = "eval-missing"
    claims = ("eval.modes", "eval.affected-modules", "eval.dropout-eval", "eval.batchnorm-eval")
    severity = "advice"
    message = Text(
        en="The network is tested in training mode, in which Dropout drops values and BatchNorm "
        "uses the batch's own statistics: call {network}.eval() before the test, and "
        "{network}.train() before training goes on.",
        zh="测试时网络还处于训练模式：Dropout 会随机置零，BatchNorm 会用当前批次的统计量。"
        "测试前调用 {network}.eval()，继续训练前调用 {network}.train()。",
    )
    write = TEST
    valid = (
        _script("net.train()", "net.eval()", WITH_NO_GRAD),
        _script("pass", "net.train(False)", WITH_NO_GRAD),
        """
        from torch import nn
        from torch.utils.data import DataLoader

        net = nn.MaxPool2d(3)
        for imgs, targets in DataLoader(dataset, batch_size=64):
            output = net(imgs)
            writer.add_images("output", output, step)
        """,
        """
        from torch import nn
        from torch.utils.data import DataLoader

        net = nn.Linear(8, 10)
        loss_fn = nn.CrossEntropyLoss()
        for imgs, targets in DataLoader(dataset, batch_size=1):
            loss = loss_fn(net(imgs), targets)
            loss.backward()
        """,
    )
    invalid = (
        Bad(_script("# net.train()", "# net.eval()", WITH_NO_GRAD, mark="  # finding")),
        Bad(_script("pass", "pass", WITHOUT, mark="  # finding", dropout="nn.Dropout(), ")),
        Bad(
            """
            import torch
            from torch.utils.data import DataLoader

            model = torch.load("tudui.pth", weights_only=False)
            for data in DataLoader(test_data, batch_size=64):  # finding
                imgs, targets = data
                hits += (model(imgs).argmax(1) == targets).sum().item()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the tests in scripts without eval(), at `with no_grad()` or at the loop."""
        if _calls_eval(script):
            return
        for loop in evaluations(script):
            network = loop.outputs[0].func
            yield Match(
                node=_no_grad_around(script, loop) or loop.node,
                severity=_severity(script, network),
                fields={"network": script.code(network)},
            )


class TrainMissing(Rule):
    """`eval()` in each epoch, and never `train()` again."""

    name = "train-mode-not-restored"
    claims = ("eval.mode-stays", "eval.dropout-train", "eval.batchnorm-train")
    severity = "advice"
    message = Text(
        en="{network}.eval() stays in effect, so from the second epoch on the network is trained "
        "in "
        "evaluation mode: call {network}.train() at the start of each epoch.",
        zh="{network}.eval() 之后一直有效，从第二轮起就是在评估模式下训练：每一轮开始时要调用 "
        "{network}.train()。",
    )
    write = TEST
    valid = (
        _script("net.train()", "net.eval()", WITH_NO_GRAD),
        _script("net.train(True)", "net.eval()", WITH_NO_GRAD),
        _script("pass", "pass", WITH_NO_GRAD),
        """
        def train(net):
            net.train()
            for imgs, targets in train_loader:
                loss_fn(net(imgs), targets).backward()

        def test(net):
            net.eval()

        for epoch in range(10):
            train(net)
            test(net)
        """,
    )
    invalid = (
        Bad(_script("pass", "net.eval()  # finding", WITH_NO_GRAD)),
        Bad(
            """
            import torch

            def train_epoch(net):
                for imgs, targets in train_loader:
                    loss = loss_fn(net(imgs), targets)
                    loss.backward()

            net = torch.load("net.pth")
            net.train()
            for epoch in range(10):
                train_epoch(net)
                net.eval()  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of eval in epochs without train()."""
        trains = [set(loops_around(script, loop.node)) for loop in training_loops(script)]
        back = [
            set(loops_around(script, call))
            for call, _ in script.method_calls("train")
            if not _is_eval(script, call)
        ]
        for call, network in script.method_calls("eval", "train"):
            around = set(loops_around(script, call)) if _is_eval(script, call) else set()
            epochs = [loop for loop in around if any(loop in inside for inside in trains)]
            if epochs and not any(loop in inside for loop in epochs for inside in back):
                fields = {"network": script.code(network)}
                yield Match(node=call, severity=_severity(script, network), fields=fields)


class NoGradMissing(Rule):
    """A test that records gradients."""

    name = "no-grad-missing"
    claims = ("eval.no-grad", "eval.no-grad-memory")
    severity = "advice"
    message = Text(
        en="A test needs no gradients, but here they are recorded for each batch, which takes "
        "memory "
        "and time: put the loop under with torch.no_grad().",
        zh="测试不需要梯度，而这里每一批都会记录，既占内存又费时间：把循环放到 with "
        "torch.no_grad(): 下面。",
    )
    write = TEST
    valid = (
        _script("net.train()", "net.eval()", WITH_NO_GRAD),
        """
        import torch
        from torch.utils.data import DataLoader

        @torch.no_grad()
        def test(net, loader):
            hits = 0
            for imgs, targets in loader:
                hits += (net(imgs).argmax(1) == targets).sum().item()
            return hits

        print(test(torch.nn.Linear(8, 2), DataLoader(test_data, batch_size=64)))
        """,
    )
    invalid = (
        Bad(
            _script("net.train()", "net.eval()", WITHOUT, mark="  # finding"),
            fixed=_script(
                "net.train()",
                "net.eval()",
                WITH_NO_GRAD.replace("    with", "    # test\n    with"),
            ),
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the loops of tests that record gradients."""
        for loop in evaluations(script):
            if any(records_gradients(script, call) for call in loop.outputs):
                node = loop.node
                off = cst.parse_expression("torch.no_grad()")
                new = cst.With(
                    items=[cst.WithItem(off)],
                    body=cst.IndentedBlock([node.with_changes(leading_lines=[])]),
                    leading_lines=node.leading_lines,
                )
                yield Match(node=node, fix={node: new}, imports=("torch",))


def _calls_eval(script: Script) -> bool:
    """Return whether a script uses `eval` or `train(False)`, even without parentheses."""
    evals = any(node.attr.value == "eval" for node in script.nodes(cst.Attribute))
    return evals or any(_is_eval(script, call) for call, _ in script.method_calls("train"))


def _is_eval(script: Script, call: cst.Call) -> bool:
    """Return whether a call is `x.eval()` or `x.train(False)`."""
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "eval":
        return True
    return bool(call.args) and script.literal(call.args[0].value) is False


def _no_grad_around(script: Script, loop: BatchLoop) -> cst.With | None:
    around = script.enclosing(loop.node, cst.With)
    return around if around and is_no_grad(script, around) else None


def _severity(script: Script, network: cst.BaseExpression) -> Severity:
    return "warning" if depends_on_mode(script, network) else "advice"


RULES = (EvalMissing, TrainMissing, NoGradMissing)
