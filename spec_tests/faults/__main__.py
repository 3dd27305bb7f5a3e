"""Print which cases reject each fault; fail if one survives: `python -m spec_tests.faults`."""

import sys

from spec_tests.faults.catalog import all_faults


def main() -> int:
    """Print which cases catch which fault; return 1 if one survives."""
    survivors = 0
    for fault in all_faults():
        caught = fault.catches()
        survivors += not caught
        names = f"{len(caught):2} {', '.join(caught)}" if caught else "SURVIVES"
        print(f"{fault!s:48} {fault.says}\n{'':48} {names}")
    print(f"{len(all_faults())} faults, {survivors} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
