"""Names whose import is missing (P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python.causes import undefined_names
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class MissingImport(Rule):
    """A name of PyTorch, torchvision, Pillow or Python whose import is missing."""

    name = "missing-import"
    claims = (
        "listing.undefined-name",
        "listing.no-imports",
        "listing.optimizer-names",
        "listing.dataset-imports",
        "listing.loss-imports",
        "listing.vgg-imports",
    )
    severity = "error"
    message = Text(
        en="{name} is not imported (NameError). Write {statement} at the top.",
        zh="没有导入 {name}（NameError）：在文件开头加上 {statement}。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader as Loader

        loader = Loader(data)
        layer: nn.Module = nn.Linear(2, 3)
        print(__file__, __name__, len([x for x in torch.ones(3)]))
        """,
        """
        from model import *

        nn.ReLU()
        torch.ones(3)
        """,
        """
        from unknown import *

        nn.ReLU()
        """,
        """
        try:
            import torch
        except ImportError:
            torch = None
        print(torch)
        """,
        """
        def f():
            global torch
            import torch

        f()
        torch.ones(3)
        """,
    )
    files: ClassVar = {"model.py": "import torch\nfrom torch import nn\n"}
    invalid = (
        Bad(
            """
            from torch import nn

            net = nn.Linear(3072, 10)
            x = torch.ones(1, 3072)  # finding
            torch.save(net.state_dict(), "net.pth")
            """,
            fixed="""
            from torch import nn
            import torch

            net = nn.Linear(3072, 10)
            x = torch.ones(1, 3072)
            torch.save(net.state_dict(), "net.pth")
            """,
        ),
        Bad(
            """
            import torch


            class Tudui(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = Conv2d(3, 6, 3)  # finding
                    self.relu = nn.ReLU()  # finding


            loader = DataLoader(data_set())  # finding
            """,
            fixed="""
            import torch
            from torch import nn
            from torch.nn import Conv2d
            from torch.utils.data import DataLoader


            class Tudui(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = Conv2d(3, 6, 3)
                    self.relu = nn.ReLU()


            loader = DataLoader(data_set())
            """,
        ),
        Bad(
            """
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __init__(self, root):
                    self.paths = os.listdir(root)  # finding

                def __getitem__(self, index):
                    image = Image.open(self.paths[index])  # finding
                    return np.array(image)  # finding
            """,
            fixed="""
            from torch.utils.data import Dataset
            import os
            import numpy as np
            from PIL import Image


            class MyData(Dataset):
                def __init__(self, root):
                    self.paths = os.listdir(root)

                def __getitem__(self, index):
                    image = Image.open(self.paths[index])
                    return np.array(image)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in undefined_names(script, "import"):
            node = found.names[0]
            yield Match(
                node=node,
                fields={"name": node.value, "statement": found.right},
                write=found.right,
                fix={node: cst.Name(node.value)},
                imports=(found.right,),
            )


RULES = (MissingImport,)
