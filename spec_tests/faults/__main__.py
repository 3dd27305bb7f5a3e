"""Print which cases reject each fault; fail if one survives: `python -m spec_tests.faults`."""

import sys

from spec_tests.faults.catalog import all_faults, smallest_set
from spec_tests.harness import vectors


def main() -> int:
    """Print the cases that reject each fault; return 1 if a fault survives."""
    rejecting = {fault: list(fault.rejecting_cases()) for fault in all_faults()}
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


if __name__ == "__main__":
    sys.exit(main())
