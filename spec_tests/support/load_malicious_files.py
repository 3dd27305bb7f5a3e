"""Load each malicious file in every way that the reference offers, with limited memory.

`python -m spec_tests.support.load_malicious_files FOLDER` writes the files to a folder and prints
the outcomes as JSON.
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
SUSPICIOUS = (  # prefixes of the audit events that loading a checkpoint must not raise
    *("os.", "subprocess.", "socket.", "webbrowser.", "ctypes.", "urllib.", "shutil."),
    *("exec", "compile", "import", "pickle.find_class"),
)


def outcome(load: Callable[[], object]) -> str:
    """Return the message of a refused file; otherwise the exception's name, or "loaded!"."""
    try:
        load()
    except InputError as error:
        return str(error)
    except BaseException as error:  # noqa: BLE001 - the test reports whatever it is
        return f"{type(error).__name__}!"
    return "loaded!"


def load_all(paths: dict[str, Path], events: list[str]) -> Iterator[dict[str, object]]:
    """Load and convert each file, and yield the outcomes with the audit events raised."""
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


def import_lazy_modules(folder: Path, malicious: Path) -> None:
    """Use the same code paths once, as torch and Python import some modules on first use.

    Later such an import would count as an audit event of a malicious file.
    """
    for zipped in (True, False):
        (folder / "good.pth").write_bytes(saved(Tudui(), zipped=zipped))
        load_checkpoint(folder / "good.pth")
    outcome(lambda: load_checkpoint(malicious))
    b"text".decode("raw-unicode-escape")  # the codec of pickle's protocol 0


def main(folder: Path) -> None:
    """Write and load all files; print the outcomes, and the peak memory in bytes."""
    torch.manual_seed(0)
    canary = folder / "canary"
    paths = {}
    for number, (name, data) in enumerate(files(str(canary)).items()):
        paths[name] = folder / f"{number:03}.pth"
        paths[name].write_bytes(data)
    import_lazy_modules(folder, paths["zip os.system"])
    events: list[str] = []
    sys.addaudithook(lambda name, _: events.append(name) if name.startswith(SUSPICIOUS) else None)
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used * resource.getpagesize() + MEMORY,) * 2)
    outcomes = list(load_all(paths, events))
    canary_exists = canary.exists()
    good = {}
    for name, data in harmless():
        (folder / "good.pth").write_bytes(data)
        good[name] = outcome(lambda: load_checkpoint(folder / "good.pth"))
    events.clear()
    torch.load(paths["zip os.system"], weights_only=False)  # the control: this does run code
    control = {"events": list(events), "canary": canary.exists()}
    status = Path("/proc/self/status").read_text(encoding="ascii")
    # getrusage's ru_maxrss would start from the parent's peak.
    peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    report = {
        "files": outcomes,
        "canary": canary_exists,
        "control": control,
        "good": good,
        "peak": peak,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
