"""Fills MLflow from the store, or fills the gaps after an outage.

python -m harness.tracking sweeps/quickstart.yaml
"""

import argparse
from collections.abc import Sequence

from harness.analysis.summarise import find
from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting.collect import collect
from harness.reporting.status import warn
from harness.reporting.write import report_files
from harness.trackers import mlflow
from harness.trials.plan import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills the tracker from the store."""
    parser = argparse.ArgumentParser(prog="python -m harness.tracking", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    mlflow.check(sweep.tracking)
    plan = Plan.open(sweep, chosen.filter)
    whole = plan.unfiltered()
    findings = find(*collect(whole, is_interim=bool(whole.of_state("new"))))
    plan.trials = whole.trials  # Without those that proved wrong when they were read.
    warn(plan)
    print(f"{mlflow.mirror(plan, findings, report_files(sweep))} trials written to {sweep.tracking}")
    return 0


if __name__ == "__main__":
    run_command(main)
