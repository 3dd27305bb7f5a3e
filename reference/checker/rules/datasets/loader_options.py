"""The options of DataLoaders, and their workers (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import is_main_guard
from reference.checker.finding import Text
from reference.checker.iteration import iterated
from reference.checker.kinds import LOADER
from reference.checker.parameters import calls_of
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

NUM_WORKERS = 5  # its position among the arguments of DataLoader


class LoaderNeedsWorkers(Rule):
    """Options of workers without workers."""

    name = "loader-needs-workers"
    claims = ("dataloader.default-prefetch", "dataloader.persistent-workers")
    severity = "error"
    message = Text(
        en="{option} is for worker processes, and num_workers is 0 here: this line raises a "
        "ValueError. Give num_workers as well, or leave {option} out.",
        zh="{option} 是给子进程用的，而这里 num_workers 是 0，这一行会报 ValueError。"
        "请同时给出 num_workers，或去掉 {option}。",
    )
    valid = (
        """
        from torch.utils.data import DataLoader

        DataLoader(test_data, num_workers=2, prefetch_factor=2, persistent_workers=True)
        DataLoader(test_data, persistent_workers=False, prefetch_factor=None)
        DataLoader(test_data, num_workers=workers, prefetch_factor=2)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            DataLoader(test_data, batch_size=64, prefetch_factor=2)  # finding
            DataLoader(test_data, num_workers=0, persistent_workers=True)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the DataLoaders that have options of workers and no workers."""
        for call in script.calls(LOADER):
            workers = argument(call, NUM_WORKERS, "num_workers")
            if (workers and script.literal(workers) != 0) or any(arg.star for arg in call.args):
                continue
            factor = script.literal(argument(call, None, "prefetch_factor"))
            persistent = script.literal(argument(call, None, "persistent_workers"))
            if isinstance(factor, int):
                yield Match(node=call, fields={"option": "prefetch_factor"})
            elif persistent is True:
                yield Match(node=call, fields={"option": "persistent_workers"})


class LoaderOptionsExclude(Rule):
    """Options of a DataLoader that exclude each other."""

    name = "loader-options-exclude"
    claims = ("dataloader.sampler-and-shuffle", "dataloader.batch-sampler-alone")
    severity = "error"
    message = Text(
        en="{first} determines the order or the batches itself, so {second} cannot be given as "
        "well: this line raises a ValueError.",
        zh="{first} 已经决定了顺序或批次，不能再同时给出 {second}：这一行会报 ValueError。",
    )
    write = "loader = DataLoader(test_data, batch_size=64, sampler=sampler)"
    valid = (
        """
        from torch.utils.data import DataLoader

        DataLoader(test_data, batch_size=64, shuffle=False, sampler=sampler)
        DataLoader(test_data, batch_sampler=batches, num_workers=2)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            DataLoader(test_data, shuffle=True, sampler=sampler)  # finding
            DataLoader(test_data, batch_size=64, batch_sampler=batches)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the DataLoaders that get two options of which only one is allowed."""
        for call in script.calls(LOADER):
            given = {
                arg.keyword.value: script.literal(arg.value) for arg in call.args if arg.keyword
            }
            used = {name for name, value in given.items() if value not in (None, False)}
            first = next((n for n in ("batch_sampler", "sampler") if n in used), "")
            others = {"batch_sampler": ("shuffle", "sampler", "drop_last"), "sampler": ("shuffle",)}
            second = next((name for name in others.get(first, ()) if name in used), "")
            if first == "batch_sampler" and not second and given.get("batch_size", 1) != 1:
                second = "batch_size"
            if second:
                yield Match(node=call, fields={"first": first, "second": second})


class WorkersWithoutGuard(Rule):
    """Workers in a script without `if __name__ == "__main__":`."""

    name = "workers-without-guard"
    claims = ("dataloader.windows", "dataloader.spawn-guard")
    severity = "warning"
    message = Text(
        en="On Windows and macOS each worker runs this script again from the top and fails with a "
        'RuntimeError (or BrokenPipeError): put the code under if __name__ == "__main__":, or '
        "set num_workers to 0.",
        zh="在 Windows 和 macOS 上，每个子进程都会从头再运行一遍本文件，于是报 RuntimeError"
        '（或 BrokenPipeError）：请把代码放到 if __name__ == "__main__": 下面，'
        "或者把 num_workers 设为 0。",
    )
    valid = (
        """
        from torch.utils.data import DataLoader


        def main():
            for imgs, targets in loader:
                print(imgs.shape)


        loader = DataLoader(test_data, num_workers=2)
        if __name__ == "__main__":
            main()
        """,
        """
        from torch.utils.data import DataLoader

        loader = DataLoader(test_data, num_workers=0)
        for imgs, targets in loader:
            print(imgs.shape)
        """,
        """
        from torch.utils.data import DataLoader

        loader = DataLoader(test_data, num_workers=4)
        print(len(loader))
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data, batch_size=64, num_workers=2)  # finding
            for imgs, targets in loader:
                print(imgs.shape)
            """
        ),
        Bad(
            """
            from torch.utils.data import DataLoader


            def train(batches):
                for imgs, targets in batches:
                    print(imgs.shape)


            train(DataLoader(test_data, 64, num_workers=4))  # finding
            batches = DataLoader(test_data, 64, num_workers=4)  # finding
            imgs, targets = next(iter(batches))
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the DataLoaders with workers whose loop runs whenever the script is imported."""
        if script.path.suffix == ".ipynb":
            return  # a worker does not run a notebook's cells
        taken = [node.iter for node in script.nodes(cst.For) if _runs_on_import(script, node)]
        taken += [
            call.args[0].value
            for call in script.calls("builtins.iter")
            if call.args and _runs_on_import(script, call)
        ]
        found = [iterated(script, node)[0] for node in taken]
        sources = [script.value(node) for node in found if node is not None]
        for call in script.calls(LOADER):
            workers = script.literal(argument(call, NUM_WORKERS, "num_workers"))
            if isinstance(workers, int) and workers > 0 and any(s is call for s in sources):
                yield Match(node=call)


def _runs_on_import(script: Script, node: cst.CSTNode) -> bool:
    """Return whether a statement runs when another process imports the script."""
    for _ in range(20):
        if any(is_main_guard(script, parent) for parent in script.parents(node)):
            return False
        function = script.enclosing(node, cst.FunctionDef, cst.ClassDef)
        if function is None:
            return True
        calls = calls_of(script, function) if isinstance(function, cst.FunctionDef) else []
        if len(calls) != 1:
            return False
        node = calls[0]
    return False


RULES = (LoaderNeedsWorkers, LoaderOptionsExclude, WorkersWithoutGuard)
