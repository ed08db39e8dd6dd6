"""Fills MLflow from the store."""

import argparse
from collections.abc import Sequence

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.trackers.mlflow import check, mirror
from harness.trials.plan import make_plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills MLflow from the store."""
    from harness.reporting.collect import collect

    parser = argparse.ArgumentParser(prog="python -m harness.tracking", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    check(sweep.tracking)
    whole = make_plan(sweep)
    findings = collect(whole, is_interim=bool(whole.of_state("new")))
    print(f"{mirror(make_plan(sweep, chosen.filter), findings)} trials written to {sweep.tracking}")
    return 0


if __name__ == "__main__":
    run_command(main)
