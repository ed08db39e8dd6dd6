"""Runs trials in this process, one after the other: no Ray, no MLflow. This is how to debug or profile one.

    python -m harness.trial sweeps/quickstart.yaml --filter model=hitin merge=masking seed=1

On a machine without the rest of the harness it runs what the filter leaves into the same kind of store; copy the
trial folders into the sweep's store and the sweep finds them done.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.reporting.status import warn
from harness.scheduling import local
from harness.scheduling.progress import EpochLog
from harness.trials.corpora import refuse_missing, refuse_unfit
from harness.trials.phases import run_phases
from harness.trials.plan import Plan
from models.refusals import refuse_unusable


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every trial that the filter leaves and the store lacks."""
    parser = argparse.ArgumentParser(prog="python -m harness.trial", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    plan = Plan.open(load(chosen.sweep), chosen.filter)
    refuse_missing(plan)
    refuse_unusable(one.settings.parts for one in plan.of_state("new"))
    refuse_unfit(plan)
    plan.store.check_writable()
    warn(plan)
    run_phases(
        plan,
        lambda phase, todo: local.run(todo, Path(plan.sweep.data_dir), phase.store, EpochLog(phase)),
    )
    plan.refresh()
    done, failed = len(plan.of_state("done")), len(plan.of_state("failed"))
    print(f"{done} of {len(plan.selected)} trials done, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    run_command(main)
