"""Print which cases reject each fault; fail if one survives: `python -m spec_tests.faults`."""

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor

import torch

from spec_tests.faults.catalog import all_faults, smallest_set
from spec_tests.harness import vectors


def main() -> int:
    """Print the cases that reject each fault; return 1 if a fault survives."""
    with ProcessPoolExecutor(initializer=_prepare) as pool:
        cases = pool.map(_rejecting_cases, range(len(all_faults())), chunksize=4)
        rejecting = dict(zip(all_faults(), cases, strict=True))
    for fault, cases in rejecting.items():
        issue = f" ({fault.issue})" if fault.issue else ""
        names = f"{len(cases):2} {', '.join(cases)}" if cases else "SURVIVES"
        print(f"{fault!s:48} {fault.description}{issue}\n{'':48} {names}")
    survivors = sum(not cases for cases in rejecting.values())
    enough = smallest_set({str(fault): cases for fault, cases in rejecting.items()})
    total = sum(len(vectors.cases(operator)) for operator in vectors.operators())
    print(f"{len(enough)} of {total} cases reject all: {', '.join(enough)}")
    print(f"{len(rejecting)} faults, {survivors} survive")
    return 1 if survivors else 0


def _prepare() -> None:
    """Let each process compute on one core, and say nothing of what faults make torch warn."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")


def _rejecting_cases(number: int) -> list[str]:
    """Return the cases that reject a fault; a process cannot be sent the fault itself."""
    return list(all_faults()[number].rejecting_cases())


if __name__ == "__main__":
    sys.exit(main())
