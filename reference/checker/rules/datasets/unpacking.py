"""How samples and batches are unpacked (P6, P7, P14, P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.iteration import iterated
from reference.checker.kinds import DATASETS, LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

IMAGE_NAMES = frozenset(["img", "image", "imgs", "images", "picture", "pictures"])
LABEL_NAMES = frozenset(["label", "labels", "target", "targets"])
PAIR = 2


class SampleOrder(Rule):
    """`target, img = dataset[0]`, where the image comes first."""

    name = "sample-order-swapped"
    claims = ("cifar10.image-and-label", "dataloader.two-parts", "dataset.three-methods")
    severity = "warning"
    message = Text(
        en="The data set returns {returned}, in this order, and the names here are the other way "
        "round.",
        zh="数据集返回的顺序是 {returned}，这里的两个名字写反了。",
    )
    write = "img, target = test_set[0]"
    valid = (
        """
        import torchvision
        from torch.utils.data import DataLoader, Dataset

        test_set = torchvision.datasets.CIFAR10("data", train=False)
        img, target = test_set[0]
        for imgs, targets in DataLoader(test_set):
            pass


        class MyData(Dataset):
            def __getitem__(self, idx):
                return label, img


        label, img = MyData()[0]
        """,
    )
    invalid = (
        Bad(
            """
            import torchvision
            from torch.utils.data import DataLoader, Dataset

            test_set = torchvision.datasets.CIFAR10("data", train=False)
            target, img = test_set[0]  # finding
            for step, (targets, imgs) in enumerate(DataLoader(test_set)):  # finding
                pass
            for data in DataLoader(test_set):
                targets, imgs = data  # finding


            class MyData(Dataset):
                def __getitem__(self, idx):
                    return label, img


            img, label = MyData()[0]  # finding
            """,
            fixed="""
            import torchvision
            from torch.utils.data import DataLoader, Dataset

            test_set = torchvision.datasets.CIFAR10("data", train=False)
            img, target = test_set[0]
            for step, (imgs, targets) in enumerate(DataLoader(test_set)):
                pass
            for data in DataLoader(test_set):
                imgs, targets = data


            class MyData(Dataset):
                def __getitem__(self, idx):
                    return label, img


            label, img = MyData()[0]
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the pairs of names that are in another order than what they get."""
        for node in script.nodes(cst.Tuple):
            kinds = _kinds(node)
            if len(set(kinds)) != PAIR:
                continue
            source = _unpacked(script, node)
            returned = _returned(script, source) if source is not None else []
            if kinds == returned[::-1]:
                first, second = node.elements
                fix: edits.Fix = {first.value: second.value, second.value: first.value}
                fields = {"returned": ", ".join(returned)}
                yield Match(node=node, fields=fields, fix=fix)


def _kinds(node: cst.BaseExpression) -> list[str]:
    """Return `["image", "label"]` for a tuple of names such as `imgs, targets`."""
    elements = node.elements if isinstance(node, cst.Tuple) else ()
    names = [e.value.value if isinstance(e.value, cst.Name) else "" for e in elements]
    kinds = ["image" if n in IMAGE_NAMES else "label" if n in LABEL_NAMES else "" for n in names]
    return kinds if all(kinds) and len(kinds) == PAIR else []


def _unpacked(script: Script, node: cst.Tuple) -> cst.BaseExpression | None:
    """Return the data set whose samples or batches are unpacked into a tuple of names."""
    parent = script.parent(node)
    if isinstance(parent, cst.AssignTarget):
        assign = script.parent(parent)
        value = assign.value if isinstance(assign, cst.Assign) else None
        if isinstance(value, cst.Subscript):
            return _data_set(script, value.value)
        binding = script.binding(value) if isinstance(value, cst.Name) else None
        if binding is None or not binding.iterated or binding.value is None:
            return None
        source, path = iterated(script, binding.value, binding.path)
        return _data_set(script, source) if path == () else None
    loop = script.enclosing(node, cst.For)
    if loop is None or node not in (loop.target, *_inner_targets(loop)):
        return None
    # The first name of the loop's own pair is the image; with enumerate it is the number.
    whole = node is loop.target
    source, path = iterated(script, loop.iter, (0,) if whole else (1,))
    return _data_set(script, source) if path == ((0,) if whole else ()) else None


def _inner_targets(loop: cst.For) -> list[cst.BaseExpression]:
    """Return `(imgs, targets)` of `for step, (imgs, targets) in …`."""
    elements = loop.target.elements if isinstance(loop.target, cst.Tuple) else ()
    return [element.value for element in elements[1:]]


def _data_set(script: Script, node: cst.BaseExpression | None) -> cst.BaseExpression | None:
    """Return the expression that creates a data set, also through a DataLoader."""
    made = script.value(node) if node is not None else None
    if isinstance(made, cst.Call) and script.types.of(made) == LOADER:
        return _data_set(script, argument(made, 0, "dataset"))
    return made


def _returned(script: Script, dataset: cst.BaseExpression) -> list[str]:
    """Return the order of what a data set returns."""
    if DATASETS.match(script.types.of(dataset)):
        return ["image", "label"]
    value, _ = _returned_value(script, dataset)
    return _kinds(value) if value is not None else []


def _returned_value(
    script: Script, dataset: cst.BaseExpression
) -> tuple[cst.BaseExpression | None, Script]:
    """Return what the __getitem__ of a learner's data set returns, and in which script."""
    while isinstance(dataset, cst.BinaryOperation):
        dataset = script.value(dataset.left)
    of = script.types.of(dataset)
    found = script.project.class_def(script, of) if of else None
    getitem = networks.method(found[1], "__getitem__") if found else None
    if found is None or getitem is None:
        return None, script
    returned = [node.value for node in found[0].within(getitem, cst.Return)]
    return (returned[0] if len(returned) == 1 else None), found[0]


class DictBatchUnpacked(Rule):
    """`imgs, labels = data`, where a batch is a dict."""

    name = "dict-batch-unpacked"
    claims = ("dataset.dict-unpacked",)
    severity = "error"
    message = Text(
        en="The data set returns dicts, so a batch is a dict, and unpacking it gives its keys, "
        "which are strings: take the values by their keys.",
        zh="数据集返回的是字典，一批数据也是字典；对字典解包得到的是键（字符串）。"
        "请用键取出对应的值。",
    )
    valid = (
        """
        from torch.utils.data import DataLoader, Dataset


        class MyData(Dataset):
            def __getitem__(self, idx):
                return {"img": self.images[idx], "label": 1}


        for i, data in enumerate(DataLoader(MyData())):
            imgs, labels = data["img"], data["label"]
            keys, values = data.keys(), data.values()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader, Dataset


            class MyData(Dataset):
                def __getitem__(self, idx):
                    sample = {"img": self.images[idx], "label": 1}
                    return sample


            loader = DataLoader(MyData() + MyData())
            for i, j in enumerate(loader):
                imgs, labels = j  # finding
            for imgs, labels in loader:  # finding
                pass
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the pairs of names to which a dict is unpacked."""
        for node in script.nodes(cst.Tuple):
            source = _unpacked(script, node) if len(node.elements) == PAIR else None
            if source is None:
                continue
            value, owner = _returned_value(script, source)
            if value is not None and isinstance(owner.value(value), cst.Dict):
                yield Match(node=node)


RULES = (SampleOrder, DictBatchUnpacked)
