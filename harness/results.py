"""A sweep's trials, or its comparisons, as one tidy table: on the screen, in a file, or as a pandas frame.

    python -m harness.results sweeps/quickstart.yaml                          # one line per trial
    python -m harness.results sweeps/quickstart.yaml --comparisons            # one line per comparison
    python -m harness.results sweeps/quickstart.yaml --output trials.parquet  # every column; or .csv

In Python `frame("sweeps/quickstart.yaml")`, and with `comparisons=True`. The columns are those of the report's files
NAME.csv and NAME-deltas.csv. Where a comparison tests anything it is a look.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting import frames
from harness.reporting.status import warn
from harness.trials.phases import exit_code
from harness.trials.plan import Plan

if TYPE_CHECKING:
    from pandas import DataFrame


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a short table, or writes all of it to a file."""
    parser = argparse.ArgumentParser(prog="python -m harness.results", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    parser.add_argument("--comparisons", action="store_true", help="one line per comparison, not per trial")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a .csv or .parquet, with every column")
    chosen = parser.parse_args(arguments)
    if chosen.output:
        frames.refuse_unwritable(chosen.output)
    plan = Plan.open(load(chosen.sweep), chosen.filter)
    rows = _rows(plan, chosen.sweep, chosen.comparisons)
    if chosen.output:
        frames.write(rows, chosen.output)
    print(chosen.output or frames.shown(rows))
    return exit_code(plan)


def frame(sweep: str | Path, comparisons: bool = False) -> "DataFrame":
    """Returns a row per planned trial of a sweep file, or per comparison.

    Args:
        sweep: Path of the sweep file.
        comparisons: Whether the rows are comparisons; where these test anything it is a look.

    Raises:
        UserError: On a sweep file that cannot be run, and for comparisons where nothing has finished.
    """
    return frames.frame(_rows(Plan.open(load(Path(sweep))), Path(sweep), comparisons))


def _rows(plan: Plan, file: Path, comparisons: bool) -> frames.Rows:
    try:
        return frames.rows_of_comparisons(plan, file) if comparisons else frames.rows_of_trials(plan)
    finally:
        warn(plan)


if __name__ == "__main__":
    run_command(main)
