"""Training and testing on the right images, and on all of them (P14, P15, P27, P28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.evaluations import evaluations
from reference.checker.training.loops import batch_loops, training_loops
from reference.checker.training.sets import dataset_of, misnamed, which_set
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

SETS = """
train_data = torchvision.datasets.CIFAR10("data", train=True, transform=ToTensor())
test_data = torchvision.datasets.CIFAR10("data", train=False, transform=ToTensor())
"""
SCRIPT = """
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

train_data = torchvision.datasets.CIFAR10("data", train=True)
test_data = torchvision.datasets.CIFAR10("data", train=False)
train_loader = DataLoader(train_data, batch_size=64{train_options}
test_loader = DataLoader(test_data, batch_size=64{test_options}
net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
net.train()
for imgs, targets in {train}:{train_mark}
    optimizer.zero_grad()
    loss_fn(net(imgs), targets).backward()
    optimizer.step()
net.eval()
with torch.no_grad():
    for imgs, targets in {test}:{test_mark}
        total = total + loss_fn(net(imgs), targets).item()
"""


def _script(
    train: str = "train_loader",
    test: str = "test_loader",
    train_options: str = ", shuffle=True)",
    test_options: str = ")",
) -> str:
    marks = {
        f"{name}_mark": "  # finding" if loader.endswith("!") else ""
        for name, loader in {"train": train, "test": test}.items()
    }
    return SCRIPT.format(
        train=train.rstrip("!"),
        test=test.rstrip("!"),
        train_options=train_options,
        test_options=test_options,
        **marks,
    )


class SetOfOtherName(Rule):
    """A data set named test that has the training images, or the reverse."""

    name = "data-set-named-otherwise"
    claims = ("cifar10.train-flag", "cifar10.test-dataset")
    severity = "warning"
    message = Text(
        en="{name} has the {set} images: without train=False, a data set has the training images, "
        "with it the test images.",
        zh="{name} 里其实是 train={train} 的图片：不写 train=False 时是训练集，写了才是测试集。",
    )
    write = SETS
    valid = (
        """
        import torchvision

        train_set = torchvision.datasets.CIFAR10("data", train=True)
        test_set = torchvision.datasets.CIFAR10("data", train=False)
        dataset = torchvision.datasets.CIFAR10("data", train=False)
        latest = torchvision.datasets.CIFAR10("data")
        train_test_data = torchvision.datasets.CIFAR10("data")
        test_images = torchvision.datasets.ImageFolder("data/test")
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torch.utils.data import DataLoader
            from torchvision.datasets import MNIST

            test_data = torchvision.datasets.CIFAR10("data", train=True)  # finding
            test_set = torchvision.datasets.CIFAR10("data", transform=to_tensor)  # finding
            mnist_train = MNIST("data", train=False)  # finding
            train_data = MNIST("data", train=True)
            test_loader = DataLoader(train_data)  # finding
            loader_of_test = DataLoader(test_set)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the data sets whose names say the other set."""
        for assign, name, of in misnamed(script):
            words = "training" if of == "train" else "test"
            fields = {"name": name, "set": words, "train": str(of == "train")}
            yield Match(node=assign, fields=fields)


class TrainsOnTestSet(Rule):
    """A training loop over the test images, in a script that opens the training images too."""

    name = "trains-on-test-set"
    claims = ("cifar10.train-flag", "eval.no-tuning")
    severity = "warning"
    message = Text(
        en="This loop trains on the test images, although the script opens the training images "
        "too: "
        "loop over the DataLoader of the training set.",
        zh="这个循环是在测试集上训练，而脚本里也打开了训练集：应当遍历训练集的 DataLoader。",
    )
    write = "for imgs, targets in train_dataloader:\n    outputs = tudui(imgs)"
    valid = (
        _script(),
        """
        import torchvision
        from torch.utils.data import DataLoader

        dataset = torchvision.datasets.CIFAR10("data", train=False)
        for imgs, targets in DataLoader(dataset, batch_size=64):
            loss_fn(net(imgs), targets).backward()
        """,
    )
    invalid = (Bad(_script(train="test_loader!")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the training loops over test images, if no other loop has the training images."""
        loops = [(loop, which_set(script, loop.loader)) for loop in training_loops(script)]
        if not _opens(script, "train") or any(misnamed(script)):
            return
        if not any(of == "train" for _, of in loops):
            yield from (Match(node=loop.node) for loop, of in loops if of == "test")


class TestsOnTrainSet(Rule):
    """A test over the training images, in a script that opens the test images and leaves them."""

    name = "tests-on-train-set"
    claims = ("train.whole-test-set", "cifar10.train-flag")
    severity = "warning"
    message = Text(
        en="This loop tests on the training images, and nothing uses the test images that the "
        "script "
        "opens: loop over the DataLoader of the test set.",
        zh="这个循环是在训练集上测试，而脚本打开的测试集没有用到：应当遍历测试集的 DataLoader。",
    )
    write = "for imgs, targets in test_dataloader:\n    outputs = tudui(imgs)"
    valid = (_script(),)
    invalid = (Bad(_script(test="train_loader!")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the tests over the training images, if no loop has the test images."""
        used = {which_set(script, loop.loader) for loop in batch_loops(script)}
        if used == {"train"} and _opens(script, "test"):
            yield from (Match(node=loop.node) for loop in evaluations(script))


class DropLastInTest(Rule):
    """drop_last=True for the images that a network is tested on."""

    name = "drop-last-in-test"
    claims = ("train.drop-last-test",)
    severity = "advice"
    message = Text(
        en="With drop_last=True the incomplete last batch is left out, so not all test images are "
        "evaluated: leave it out here.",
        zh="设了 drop_last=True 会丢掉最后不完整的一批，测不到全部测试图片：测试时不要设。",
    )
    valid = (_script(test_options=", drop_last=False)"),)
    invalid = (Bad(_script(test_options=", drop_last=True)  # finding")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the loaders with drop_last=True that are used for tests."""
        for call in {script.value(loop.loader) for loop in evaluations(script)}:
            if _drops_last(script, call):
                yield Match(node=call)


class DropLastInTraining(Rule):
    """drop_last=True for training images in a fixed order."""

    name = "drop-last-unshuffled"
    claims = ("train.drop-last-train",)
    severity = "advice"
    message = Text(
        en="With drop_last=True and without shuffle=True, the same last images are left out in "
        "every "
        "epoch and never used: write shuffle=True.",
        zh="设了 drop_last=True 却没有 shuffle=True，每一轮丢掉的都是同样的最后几张图片，"
        "永远用不到："
        "请写 shuffle=True。",
    )
    valid = (_script(train_options=", shuffle=True, drop_last=True)"),)
    invalid = (Bad(_script(train_options=", drop_last=True)  # finding")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the loaders for training with drop_last=True and without shuffle."""
        for call in {script.value(loop.loader) for loop in training_loops(script)}:
            if _drops_last(script, call) and isinstance(call, cst.Call):
                given = [argument(call, None, name) for name in ("sampler", "batch_sampler")]
                shuffle = argument(call, 2, "shuffle")
                is_ordered = shuffle is None or script.literal(shuffle) is False
                if is_ordered and given == [None, None]:
                    yield Match(node=call)


def _opens(script: Script, of: str) -> bool:
    """Return whether a script opens the training or the test images."""
    calls = [call for call in script.nodes(cst.Call) if dataset_of(script, call) is call]
    return any(which_set(script, call) == of for call in calls)


def _drops_last(script: Script, call: cst.BaseExpression) -> bool:
    if not isinstance(call, cst.Call) or script.types.of(call) != LOADER:
        return False
    drop_last = argument(call, None, "drop_last")
    return drop_last is not None and script.literal(drop_last) is True


RULES = (SetOfOtherName, TrainsOnTestSet, TestsOnTrainSet, DropLastInTest, DropLastInTraining)
