"""Misspelt names of PyTorch, torchvision and Pillow: `nn.Conv2D`, `loss.backword` (P4, P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import DATASETS, IMAGE, LOADER, MODULES, OPTIMIZERS, TENSOR
from reference.checker.python import libraries
from reference.checker.python.reads import assigned_names, has_one_type, is_read, tested_names
from reference.checker.rule import Bad, Match, Rule
from reference.checker.rules.transforms.removed import RENAMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

FUNCTIONAL = "torch.nn.functional"
_NEAR_TENSOR = 0.85  # of difflib; tensors have 700 attributes
_OF_TENSORS = ("backward", "argmax", "reshape", "squeeze", "unsqueeze", "flatten", "detach")
# Other rules say more about these.
_WITH_RULES = {("torch.nn", "module"), (TENSOR, "copy")}
# Attributes of what networks return, if that is not a tensor.
_OF_RESULTS = {"logits", "aux_logits", "loss", "losses", "hidden_states"}
# Attributes of all data sets; that one has others, such as labels, says nothing about the next.
_OF_DATASETS = ("data", "targets", "classes", "class_to_idx", "transform", "target_transform")


class MisspeltName(Rule):
    """A misspelt name of PyTorch, torchvision or Pillow, such as `nn.Conv2D`."""

    name = "misspelt-name"
    claims = ("builtin.misspelt", "transforms.misspelt", "dataloader.name")
    severity = "error"
    message = Text(
        en="{module} has no {old} (AttributeError or ImportError): write {new}.",
        zh="{module} 里没有 {old}（AttributeError 或 ImportError）：应写作 {new}。",
    )
    write = ""
    valid = (
        """
        import torch
        import torchvision
        from torch import nn
        from torch.utils.data import DataLoader, Dataset, dataloader
        from torchvision import transforms

        nn.Conv2d(3, 6, 3)
        nn.functional.relu(x)
        torch.optim.SGD(params, lr=0.01)
        torch.some_function_of_another_version(x)
        torchvision.datasets.CIFAR10("data")
        transforms.functional.to_tensor(img)
        """,
        """
        from torch import nn

        nn = nn.Sequential()
        nn.aplly(x)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            import torchvision
            from torch import nn
            from torch.utils.data import Dataloader  # finding
            from torchvision import transforms

            to_tensor = transforms.Totensor()  # finding
            data = torchvision.datasets.cifar10("data", transform=to_tensor)  # finding
            loader = Dataloader(data)
            model = nn.sequential(nn.ReLU())  # finding
            optimizer = torch.optim.sgd(model.parameters(), lr=0.01)  # finding
            """,
            fixed="""
            import torch
            import torchvision
            from torch import nn
            from torch.utils.data import DataLoader
            from torchvision import transforms

            to_tensor = transforms.ToTensor()
            data = torchvision.datasets.CIFAR10("data", transform=to_tensor)
            loader = DataLoader(data)
            model = nn.Sequential(nn.ReLU())
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            """,
        ),
        Bad(
            """
            from torch import nn

            print(nn.relu(x))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the names that a module does not have and that resemble one of it."""
        for node, module, name in _names(script):
            known = libraries.names_of(module)
            if not known or name in known or f"{module}.{name}" in RENAMED:
                continue
            if (module, name) in _WITH_RULES:
                continue
            new = libraries.similar(name, known)
            if not new:
                continue
            fix = _renamed(script, node, new)
            if module == "torch.nn" and name in libraries.names_of(FUNCTIONAL):
                new, fix = f"functional.{name} / {new}", {}  # it depends on the arguments
            yield Match(node=node, fields={"module": module, "old": name, "new": new}, fix=fix)


def _names(script: Script) -> Iterator[tuple[cst.Attribute | cst.ImportAlias, str, str]]:
    """Yield the names that a script takes from modules: where, the module, the name."""
    for node in script.nodes(cst.Attribute):
        if node.attr.value[:1] != "_" and is_read(script, node):
            module = script.name(node.value)
            if libraries.names_of(module) and _is_module(script, node.value):
                yield node, module, node.attr.value
    for statement in script.nodes(cst.ImportFrom):
        if statement.module is None or isinstance(statement.names, cst.ImportStar):
            continue
        module = script.code(statement.module)
        for alias in statement.names:
            name = script.code(alias.name)
            if not name.startswith("_"):
                yield alias, module, name


def _is_module(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether a dotted name begins with an imported one that is never assigned."""
    while isinstance(node, cst.Attribute):
        node = node.value
    if not isinstance(node, cst.Name):
        return False
    imports = (cst.Import, cst.ImportFrom)
    return all(isinstance(b.statement, imports) for b in script.bindings(node))


def _renamed(script: Script, node: cst.Attribute | cst.ImportAlias, new: str) -> Fix:
    """Return the fix: another name in this place and, of an import, wherever it is read."""
    if isinstance(node, cst.Attribute):
        return {node.attr: cst.Name(new)}
    fix: Fix = {node.name: cst.Name(new)}
    if node.asname is None and isinstance(node.name, cst.Name):
        fix |= {name: cst.Name(new) for name in script.accesses(node.name)}
    return fix


class MisspeltMethod(Rule):
    """A misspelt method or attribute of a tensor, optimizer, layer, loader or image."""

    name = "misspelt-method"
    claims = ("builtin.misspelt",)
    severity = "error"
    message = Text(
        en="{kind} has no {old} (AttributeError): write {new}.",
        zh="{kind} 没有 {old}（AttributeError）：应写作 {new}。",
    )
    write = ""
    valid = (
        """
        import torch
        import torchvision
        from PIL import Image

        x = torch.ones(3)
        x.sum().item()
        x.something_quite_different()
        x.my_name = 3
        x.my_name.bit_length()
        torch.optim.SGD([x], lr=0.1).zero_grad()
        torchvision.models.vgg16().classifier[6]
        torchvision.models.vit_b_16().heads.head
        torchvision.models.inception_v3()(x).logits
        torchvision.datasets.SVHN("data").labels
        img = Image.open("a.png").convert("RGB")
        print(img.bands if hasattr(img, "bands") else len(img.getbands()))
        vgg16 = torchvision.models.vgg16()
        vgg16.add_module("clasifier", x)
        vgg16.clasifier(x)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            import torchvision
            from torch import nn

            vgg16 = torchvision.models.vgg16()
            vgg16.clasifier.add_module("linear", nn.Linear(1000, 10))  # finding
            optimizer = torch.optim.SGD(vgg16.parameters(), lr=0.01)
            loss_fn = nn.CrossEntropyLoss()
            loss = loss_fn(output, targets)
            optimizer.zero_gard()  # finding
            loss.backwords()  # finding
            optimizer.setp()  # finding
            """,
            fixed="""
            import torch
            import torchvision
            from torch import nn

            vgg16 = torchvision.models.vgg16()
            vgg16.classifier.add_module("linear", nn.Linear(1000, 10))
            optimizer = torch.optim.SGD(vgg16.parameters(), lr=0.01)
            loss_fn = nn.CrossEntropyLoss()
            loss = loss_fn(output, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the attributes that such an object does not have and that resemble one of it."""
        given = {name for _, name in assigned_names(script)} | tested_names(script)
        for node in script.nodes(cst.Attribute):
            name = node.attr.value
            of = script.types.of(node.value)
            if not of or name.startswith("_") or name in given:
                continue
            known, candidates = _attributes(of)
            if name in known or (of, name) in _WITH_RULES:
                continue
            if of == TENSOR and name in _OF_RESULTS:
                continue
            new = libraries.similar(name, _OF_TENSORS if of == TENSOR else candidates)
            if of == TENSOR and not new:
                new = libraries.similar(name, candidates, _NEAR_TENSOR)
            if new and is_read(script, node) and has_one_type(script, node.value, of):
                kind = of if of == "torchvision.models" else of.rpartition(".")[2]
                fix: Fix = {node.attr: cst.Name(new)}
                yield Match(node=node, fields={"kind": kind, "old": name, "new": new}, fix=fix)


def _attributes(of: str) -> tuple[frozenset[str], Iterable[str]]:
    """Return the attributes that a type may have, and those of which one may be meant."""
    known: frozenset[str] = frozenset()
    if of in (TENSOR, IMAGE, LOADER, "torchvision.models"):
        known = libraries.attributes(of)
    elif OPTIMIZERS.match(of):
        known = libraries.attributes("torch.optim")
    elif DATASETS.match(of):
        return libraries.attributes("torchvision.datasets"), _OF_DATASETS
    elif MODULES.match(of):
        known = libraries.attributes("torch.nn")
    return known, known


RULES = (MisspeltName, MisspeltMethod)
