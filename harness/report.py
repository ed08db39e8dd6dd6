"""Writes a sweep's report again, from what is stored: no torch, no Ray.

With `--filter` the report of those trials is printed in place of being written; where it tests anything it is a look.
`--figures all` draws four more figures than every report has:

    python -m harness.report sweeps/quickstart.yaml --filter model=hitin
    python -m harness.report sweeps/quickstart.yaml --figures all
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.analysis.summarise import find
from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting.collect import collect
from harness.reporting.markdown import markdown
from harness.reporting.status import warn
from harness.reporting.write import write
from harness.trials.phases import exit_code
from harness.trials.plan import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the report of what is stored, complete or not."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    parser.add_argument(
        "--figures",
        choices=["main", "all"],
        default="main",
        help="main: differences, seeds, published; all: also variances, power, labels and times; default: main",
    )
    chosen = parser.parse_args(arguments)
    plan = Plan.open(load(chosen.sweep), chosen.filter)
    findings = find(*collect(plan))
    warn(plan)
    print(markdown(findings) if chosen.filter else write(findings, Path(plan.sweep.reports_dir), chosen.figures))
    return exit_code(plan)


if __name__ == "__main__":
    run_command(main)
