"""Runs one trial in this process: no Ray, no MLflow. This is how a trial is debugged and profiled."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.main import run_command
from harness.training.run import run
from harness.trials.corpora import refuse_missing_corpora
from harness.trials.plan import make_plan
from harness.trials.preregistration import freeze
from harness.trials.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every trial that the filter leaves and the store lacks, in this process."""
    parser = argparse.ArgumentParser(prog="python -m harness.trial", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    plan = make_plan(sweep, chosen.filter)
    refuse_missing_corpora(plan)
    store = Store(Path(sweep.store))
    store.check_writable()
    if plan.of_state("new"):
        freeze(sweep, store)
    for planned in plan.of_state("new"):
        store.forget_attempts(planned.key)
        print(f"{' '.join(planned.trial.cell)} seed {planned.trial.seed}: {planned.key}", flush=True)
        # Nothing that the harness knows of is on the device besides.
        trial = planned.trial.model_copy(update={"resources": planned.trial.resources.alone()})
        run(trial, planned.key, Path(sweep.data_dir), store, lambda entry: print(json.dumps(entry), flush=True))
        if failure := store.failure(planned.key):
            print(f"failed: {failure.kind}: {failure.message}")
    states = [store.state(planned.key) for planned in plan.trials]
    print(f"{states.count('done')} of {len(states)} trials done, {states.count('failed')} failed")
    return 1 if "failed" in states else 0


if __name__ == "__main__":
    run_command(main)
