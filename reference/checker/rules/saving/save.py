"""Saving networks with `torch.save` (P26, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.edits import Fix, before, statement_of
from reference.checker.finding import Text
from reference.checker.kinds import DATASETS, WRITERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import ANY, file_name, folder_of, is_known, shown
from reference.checker.saving.saved import saves
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class TorchSaveWholeModel(Rule):
    """`torch.save` of a whole network instead of its weights."""

    name = "torch-save-whole-model"
    claims = ("saveload.class-no-longer-needed", "saveload.whole-model")
    severity = "advice"
    message = Text(
        en="This saves the whole network. Since torch 2.6 such a file is read only with "
        "weights_only=False, and only by a script that has the network's class. Save the weights "
        "instead: {write}.",
        zh="这里保存的是整个网络。从 torch 2.6 起，读取这样的文件必须写 weights_only=False，"
        "而且读取的脚本里要有这个网络的类。建议只保存参数：{write}。",
    )
    write = ""
    valid = (
        """
        import torch

        torch.save(net.state_dict(), "net.pth")
        torch.save({"model": net.state_dict(), "epoch": 3}, "net.pth")
        torch.save(torch.ones(3), "ones.pth")
        """,
    )
    invalid = (
        Bad("""
            import torch
            import torchvision

            vgg16 = torchvision.models.vgg16(weights=None)
            torch.save(vgg16, "vgg16.pth")  # finding
            """),
        Bad("""
            import torch

            def train(model, path):
                model.train()
                torch.save({"model": model, "epoch": 3}, path)  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.save with a whole network."""
        for saved in saves(script):
            if saved.content == "network":
                name = saved.value.value if isinstance(saved.value, cst.Name) else "model"
                write = f"torch.save({name}.state_dict(), …)"
                yield Match(node=saved.call, fields={"write": write})


class SaveFolderMissing(Rule):
    """`torch.save` into a folder that does not exist and that the script does not create."""

    name = "save-folder-missing"
    claims = ("saveload.models-folder", "saveload.model-folder")
    severity = "advice"
    message = Text(
        en="torch.save creates no folders: if there is no folder {folder}, this line fails with "
        "RuntimeError: Parent directory {folder} does not exist, and what was trained is lost. "
        "Create it first, with os.makedirs.",
        zh="torch.save 不会自动建目录：没有 {folder} 目录时，这一行会报 RuntimeError: Parent "
        "directory {folder} does not exist，训练结果也就丢了。应先用 os.makedirs 建好目录。",
    )
    write = ""
    valid = (
        """
        import torch

        torch.save(net.state_dict(), "net.pth")
        torch.save(net.state_dict(), "./net.pth")
        torch.save(net.state_dict(), path)
        """,
        """
        import os
        import torch

        if not os.path.exists("./models"):
            os.mkdir("./models")
        torch.save(net.state_dict(), "./models/net.pth")
        """,
        """
        import torch
        import torchvision

        train_set = torchvision.datasets.CIFAR10("./data", download=True)
        torch.save(net.state_dict(), "data/net.pth")
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            for i in range(10):
                train(net)
                # one file for each epoch
                torch.save(net.state_dict(), "./models/net_{}.pth".format(i))  # finding
            """,
            fixed="""
            import torch
            import os

            for i in range(10):
                train(net)
                # one file for each epoch
                os.makedirs("./models", exist_ok=True)
                torch.save(net.state_dict(), "./models/net_{}.pth".format(i))
            """,
        ),
        Bad(
            """
            import torch

            folder = "runs/" + name
            torch.save(net.state_dict(), folder + "/net.pth")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.save with a folder that nothing creates."""
        created: set[str] | None = None
        for call in script.calls("torch.save"):
            folder = folder_of(file_name(script, argument(call, 1, "f")))
            name = _plain(folder)
            if not name or name.startswith(ANY) or _exists(script, name):
                continue
            if created is None:
                created = set(_created(script))
            if not any(made == name or made.startswith((name + "/", ANY)) for made in created):
                yield Match(
                    node=call,
                    fields={"folder": shown(folder)},
                    fix=_makedirs(script, call, folder),
                    imports=("os",),
                )


def _plain(folder: str) -> str:
    """Return a folder's name without `./`; empty for the current folder and those above it."""
    parts = [part for part in folder.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def _exists(script: Script, folder: str) -> bool:
    """Return whether a folder is beside the script, or in the folder around it."""
    around = script.path.resolve().parents
    return is_known(folder) and any((base / folder).is_dir() for base in around[:2])


def _created(script: Script) -> Iterator[str]:
    """Yield the folders that a script creates, as far as it shows."""
    for call in script.nodes(cst.Call):
        name = script.name(call.func)
        makes = name in ("os.makedirs", "os.mkdir") or name in WRITERS
        downloads = DATASETS.match(name) and script.literal(argument(call, 4, "download")) is True
        if (makes or downloads) and call.args:
            yield _plain(file_name(script, call.args[0].value)) or ANY
        elif isinstance(call.func, cst.Attribute) and call.func.attr.value in ("mkdir", "makedirs"):
            yield _plain(file_name(script, call.func.value)) or ANY


def _makedirs(script: Script, call: cst.Call, folder: str) -> Fix:
    statement = statement_of(script, call)
    if statement is None or not is_known(folder) or '"' in folder or "\\" in folder:
        return {}
    return {statement: before(statement, f'os.makedirs("{folder}", exist_ok=True)')}


RULES = (TorchSaveWholeModel, SaveFolderMissing)
