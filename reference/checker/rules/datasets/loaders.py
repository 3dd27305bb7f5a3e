"""DataLoaders: what they are given and how their batches are taken (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits, networks
from reference.checker.finding import Text
from reference.checker.iteration import iterated
from reference.checker.kinds import DATASETS, IMAGE, LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.samples import image_of_sample, transform_of
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

COLLATE_FN = 6  # its position among the arguments of DataLoader


class LoaderOfPilImages(Rule):
    """A data set without ToTensor in a DataLoader."""

    name = "loader-of-pil-images"
    claims = ("dataloader.pil-images",)
    severity = "error"
    message = Text(
        en="This data set gives PIL images, and the DataLoader in line {line} cannot put them into "
        "a batch (TypeError: default_collate): give the data set a transform with ToTensor().",
        zh="这个数据集给出的是 PIL 图片，第 {line} 行的 DataLoader 无法把它们组成一批"
        "（TypeError: default_collate）：请给数据集加上含 ToTensor() 的 transform。",
    )
    write = (
        "test_data = torchvision.datasets.CIFAR10(\n"
        '    "./dataset", train=False, transform=torchvision.transforms.ToTensor()\n'
        ")"
    )
    valid = (
        """
        from torch.utils.data import DataLoader
        from torchvision import datasets, transforms

        plain = datasets.CIFAR10("data")
        img, target = plain[0]
        print(len(DataLoader(plain)))
        to_tensor = transforms.ToTensor()
        data = datasets.CIFAR10("data", True, to_tensor)
        either = datasets.CIFAR10("data", transform=transforms.Compose(all) if all else to_tensor)
        folder = DataLoader(datasets.ImageFolder("data", to_tensor))
        for loader in (DataLoader(data), folder, DataLoader(plain, collate_fn=list)):
            for imgs, targets in loader:
                print(imgs)
        for imgs, targets in folder:
            print(imgs)
        for imgs, targets in DataLoader(either):
            print(imgs)
        """,
        """
        import torchvision
        from torch.utils.data import DataLoader

        data = torchvision.datasets.CIFAR10("data")
        data.transform = torchvision.transforms.ToTensor()
        for imgs, targets in DataLoader(data):
            print(imgs)
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torch.utils.data import DataLoader

            data = torchvision.datasets.CIFAR10("data")  # finding
            for step, (imgs, targets) in enumerate(DataLoader(data, batch_size=64)):
                print(imgs.shape)
            """,
            fixed="""
            import torchvision
            from torch.utils.data import DataLoader

            data = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
            for step, (imgs, targets) in enumerate(DataLoader(data, batch_size=64)):
                print(imgs.shape)
            """,
        ),
        Bad(
            """
            from torch.utils.data import DataLoader
            from torchvision import transforms
            from torchvision.datasets import MNIST

            flip = transforms.Compose([transforms.Resize(32), transforms.RandomHorizontalFlip()])
            test_data = MNIST("data", train=False, transform=flip)  # finding
            imgs, targets = next(iter(DataLoader(dataset=test_data)))
            """
        ),
        Bad(
            """
            from PIL import Image
            from torch.utils.data import DataLoader, Dataset


            class MyData(Dataset):
                def __init__(self, names):
                    self.names = names

                def __getitem__(self, idx):
                    img = Image.open(self.names[idx])
                    return img, "ants"

                def __len__(self):
                    return len(self.names)


            train = MyData(["1.jpg"]) + MyData(["2.jpg"])
            loader = DataLoader(train)  # finding
            for img, label in loader:
                print(label)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the data sets of PIL images whose DataLoader is iterated over."""
        for loader in script.calls(LOADER):
            dataset = _created(script, argument(loader, 0, "dataset"))
            if dataset is None or argument(loader, COLLATE_FN, "collate_fn"):
                continue
            own = not DATASETS.match(script.types.of(dataset))
            gives = _own_image(script, dataset) if own else image_of_sample(script, dataset)
            if gives == IMAGE and not _sets_transform(script) and _is_iterated(script, loader):
                yield Match(
                    node=loader if own else dataset,
                    fields={"line": str(script.line(loader))},
                    fix={} if own else _with_to_tensor(script, dataset),
                    imports=("torchvision",),
                )


def _created(script: Script, node: cst.BaseExpression | None) -> cst.Call | None:
    """Return the call that creates a data set, or the first of a sum of data sets."""
    node = script.value(node) if node else None
    while isinstance(node, cst.BinaryOperation):
        node = script.value(node.left)
    return node if isinstance(node, cst.Call) else None


def _own_image(script: Script, dataset: cst.Call) -> str:
    """Return the type of the images that a class of the script returns with their labels."""
    found = script.project.class_def(script, script.types.of(dataset))
    getitem = networks.method(found[1], "__getitem__") if found else None
    if found is None or getitem is None:
        return ""
    returned = [node.value for node in found[0].within(getitem, cst.Return)]
    if len(returned) != 1 or not isinstance(returned[0], cst.Tuple):
        return ""
    return found[0].types.of(returned[0].elements[0].value)


def _sets_transform(script: Script) -> bool:
    """Return whether a script gives a data set its transform later."""
    targets = (node.target for node in script.nodes(cst.AssignTarget))
    return any(isinstance(t, cst.Attribute) and t.attr.value == "transform" for t in targets)


def _is_iterated(script: Script, loader: cst.Call) -> bool:
    """Return whether batches are taken from a DataLoader, as far as the script shows."""
    loops: list[cst.For | cst.CompFor] = [*script.nodes(cst.For)]
    taken = [node.iter for node in [*loops, *script.nodes(cst.CompFor)]]
    taken += [call.args[0].value for call in script.calls("builtins.iter") if call.args]
    sources = (iterated(script, node)[0] for node in taken)
    return any(source is not None and script.value(source) is loader for source in sources)


def _with_to_tensor(script: Script, dataset: cst.Call) -> edits.Fix:
    """Return the fix: a ToTensor for a data set without any transform."""
    if transform_of(script, dataset) is not None:
        return {}
    return {dataset: edits.with_keyword(dataset, "transform", "torchvision.transforms.ToTensor()")}


class LoaderIndexed(Rule):
    """`loader[0]`, which a DataLoader does not support."""

    name = "loader-indexed"
    claims = ("dataloader.index-message", "dataloader.no-index")
    severity = "error"
    message = Text(
        en="A DataLoader cannot be indexed (TypeError: 'DataLoader' object is not subscriptable): "
        "take the first batch with next(iter({name})).",
        zh="DataLoader 不能用下标（TypeError: 'DataLoader' object is not subscriptable）："
        "用 next(iter({name})) 取第一批。",
    )
    valid = (
        """
        from torch.utils.data import DataLoader

        loader = DataLoader(test_data)
        print(loader.dataset[0], next(iter(loader))[0], test_data[0])
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            imgs, targets = loader[0]  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            imgs, targets = next(iter(loader))
            """,
        ),
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            for i in range(10):
                imgs, targets = loader[i]  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the DataLoaders that are indexed."""
        for node in script.nodes(cst.Subscript):
            if script.types.of(node.value) != LOADER:
                continue
            name, index = script.code(node.value), node.slice[0].slice
            fix: edits.Fix = {}
            if isinstance(index, cst.Index) and script.literal(index.value) == 0:
                fix = {node: edits.expression(f"next(iter({name}))")}
            yield Match(node=node, fields={"name": name}, fix=fix)


RULES = (LoaderOfPilImages, LoaderIndexed)
