"""Try to break the program for some minutes: `python -m spec_tests.torture --minutes 2`."""

from __future__ import annotations

import argparse
import os
import sys

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
os.environ |= THREADS  # before torch and NumPy are imported: a process with threads cannot fork
sys.dont_write_bytecode = True

from reference.app.process import keep_freed_memory  # noqa: E402 - as above
from spec_tests import paths  # noqa: E402 - as above
from spec_tests.torture import session  # noqa: E402 - as above

SAVED = paths.ROOT / "build" / "torture"
EPILOG = """Without --minutes, the attempts of one seed of --kind are tried, as a failure's report
says. Each failing attempt is kept in build/torture/. The exit code is 1 if any attempt failed."""


def main() -> int:
    """Run a session and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m spec_tests.torture", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("--minutes", type=float, help="how long to try (with --kind optional)")
    parser.add_argument("--seed", type=int, default=1, help="of the attempts (default: 1)")
    parser.add_argument("--kind", choices=session.NAMES, help="try one kind only")
    arguments = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the attempts need Linux: forks, audit of memory in /proc, memfd_create")
    if not (arguments.minutes or arguments.kind):
        parser.error("give --minutes, or --kind and --seed to repeat attempts")
    keep_freed_memory()  # as the program does before it imports torch
    return session.run(arguments.minutes, arguments.seed, arguments.kind, SAVED)


if __name__ == "__main__":
    sys.exit(main())
