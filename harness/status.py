"""What of a sweep is done, failed or new, and why, without running anything.

    python -m harness.status sweeps/table1.yaml

The same as `python -m harness.sweep FILE --dry-run`, under the name that one looks for while a sweep runs.
"""

import argparse
from collections.abc import Sequence

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting.status import describe
from harness.trials.plan import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the state of a sweep."""
    parser = argparse.ArgumentParser(prog="python -m harness.status", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    print(describe(Plan.open(load(chosen.sweep), chosen.filter)))
    return 0


if __name__ == "__main__":
    run_command(main)
