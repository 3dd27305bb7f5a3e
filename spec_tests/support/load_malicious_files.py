"""Load every hostile file in every way that the reference has, with little memory.

`python -m spec_tests.support.load_malicious_files FOLDER` writes the files and prints as JSON what
came of each.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from reference.checkpoints.files import convert, load_checkpoint
from reference.errors import InputError
from reference.models.course import Tudui
from spec_tests.support.malicious_files import files, harmless
from spec_tests.support.pickle_builder import saved

MEMORY = 2**30
LOUD = (  # the audit events of a program that does something
    *("os.", "subprocess.", "socket.", "webbrowser.", "ctypes.", "urllib.", "shutil."),
    *("exec", "compile", "import", "pickle.find_class"),
)


def outcome(load: Callable[[], object]) -> str:
    """Return what a refused file's line says, and of anything else what it was."""
    try:
        load()
    except InputError as error:
        return str(error)
    except BaseException as error:  # noqa: BLE001 - that is what must not happen
        return f"{type(error).__name__}!"
    return "loaded!"


def load_all(paths: dict[str, Path], events: list[str]) -> Iterator[dict[str, object]]:
    for name, path in paths.items():
        new = path.with_suffix(".new")
        events.clear()
        yield {
            "name": name,
            "load": outcome(lambda path=path: load_checkpoint(path)),
            "convert": outcome(lambda path=path, new=new: convert(path, new)),
            "events": list(events),
            "written": new.exists(),
        }


def main(folder: Path) -> None:
    """Write, load, and print the outcomes and the peak memory in bytes."""
    torch.manual_seed(0)
    canary = folder / "canary"
    paths = {}
    for number, (name, data) in enumerate(files(str(canary)).items()):
        paths[name] = folder / f"{number:03}.pth"
        paths[name].write_bytes(data)
    for zipped in (True, False):  # what torch imports late
        (folder / "good.pth").write_bytes(saved(Tudui(), zipped=zipped))
        load_checkpoint(folder / "good.pth")
    outcome(lambda: load_checkpoint(paths["zip os.system"]))
    b"text".decode("raw-unicode-escape")  # of protocol 0
    events: list[str] = []
    sys.addaudithook(lambda name, _: events.append(name) if name.startswith(LOUD) else None)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used * resource.getpagesize() + MEMORY,) * 2)
    outcomes = list(load_all(paths, events))
    run = canary.exists()
    good = {}
    for name, data in harmless():
        (folder / "good.pth").write_bytes(data)
        good[name] = outcome(lambda: load_checkpoint(folder / "good.pth"))
    events.clear()
    torch.load(paths["zip os.system"], weights_only=False)
    control = {"events": list(events), "canary": canary.exists()}
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])  # getrusage counts the parent's
    print(
        json.dumps(
            {"files": outcomes, "canary": run, "control": control, "good": good, "peak": peak}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
