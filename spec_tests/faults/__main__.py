"""Print which cases reject each fault; fail if one survives: `python -m spec_tests.faults`."""

import sys

from spec_tests.faults.catalog import all_faults


def main() -> int:
    """Print the cases that reject each fault; return 1 if a fault survives."""
    survivors = 0
    for fault in all_faults():
        rejecting = fault.rejecting_cases()
        survivors += not rejecting
        names = f"{len(rejecting):2} {', '.join(rejecting)}" if rejecting else "SURVIVES"
        print(f"{fault!s:48} {fault.description}\n{'':48} {names}")
    print(f"{len(all_faults())} faults, {survivors} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
