"""Runs a sweep, or goes on with it, and writes its report: one command from a sweep file to a table.

    python -m harness.sweep sweeps/quickstart.yaml
    python -m harness.sweep sweeps/table1.yaml --dry-run
    python -m harness.sweep sweeps/table1.yaml --filter model=hitin dataset=wos 'seed!=3'
    python -m harness.sweep --list

Exit codes: 0 every trial is there, 1 some failed (the report is still written), 2 bad input or missing
data, 130 interrupted.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from datasets import READERS
from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.config.schema import SweepFile, choices, explain
from harness.core.errors import ConfigError
from harness.core.main import run_command
from harness.core.registry import Registry
from harness.reporting import collect
from harness.reporting.status import describe
from harness.scheduling.progress import Progress, duration
from harness.trackers import mlflow
from harness.trials.corpora import card, refuse_missing_corpora
from harness.trials.plan import Plan, make_plan, unread_plan
from harness.trials.preregistration import freeze
from harness.trials.store import Store, check_writable
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS, Coherence, HeadSplit, Merge


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line and runs it."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.sweep", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_sweep(parser, optional=True)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and what it could show; run nothing")
    parser.add_argument("--retry-failed", action="store_true", help="run failed trials again, from their first epoch")
    parser.add_argument("--address", help="of a running Ray cluster, such as auto or HEAD:6379; default: this machine")
    parser.add_argument(
        "--list",
        action="store_true",
        help="print every model, objective, encoder and dataset with its options, and every merge, split and coherence",
    )
    parser.add_argument("--explain", action="store_true", help="print every field of a sweep file")
    chosen = parser.parse_args(arguments)
    if chosen.list or chosen.explain:
        print(_everything() if chosen.list else explain())
        return 0
    if chosen.sweep is None:
        raise ConfigError("Name a sweep file, such as sweeps/quickstart.yaml; `--help` shows more.")
    if chosen.dry_run:
        print(describe(make_plan(load(chosen.sweep), chosen.filter)))
        return 0
    return run(chosen.sweep, chosen.filter, chosen.address, chosen.retry_failed)


def run(path: Path, filters: Sequence[str], address: str | None, retry_failed: bool) -> int:
    """Runs what is missing, fills MLflow, writes the report; returns the exit code."""
    sweep = load(path)
    started = time.monotonic()
    store = Store(Path(sweep.store))
    first = unread_plan(sweep, filters)
    refuse_missing_corpora(_without_builtin(first))
    store.check_writable()
    check_writable(Path(sweep.reports_dir), "reports_dir")
    mlflow.check(sweep.tracking)
    with store.lock(sweep.name):
        _prepare_builtin(sweep, first)
        plan = make_plan(sweep, filters)
        refuse_missing_corpora(plan)
        if retry_failed:
            for planned in plan.of_state("failed"):
                store.forget_failure(planned.key)
            plan = plan.renewed()
        try:
            if plan.of_state("new"):
                _run_missing(path, plan, store, address)
        except KeyboardInterrupt:
            _conclude(plan.renewed(), bool(filters), started)
            raise
        return _conclude(plan.renewed(), bool(filters), started)


def _run_missing(path: Path, plan: Plan, store: Store, address: str | None) -> None:
    started = time.monotonic()
    from harness.scheduling import ray_tune  # Ray, only where there is something to run

    freeze(plan.sweep, store)
    todo = plan.of_state("new")
    print(f"{len(plan.trials)} trials, {len(todo)} to run.", file=sys.stderr)
    with Progress(plan, store) as progress, mlflow.kept_up(path):
        ray_tune.run(todo, Path(plan.sweep.data_dir), store, address, progress)
    wall = time.monotonic() - started
    if own := progress.seconds / progress.num_slots:
        print(
            f"\nScheduling: {duration(wall)} for {duration(own)} of trials on each of {progress.num_slots} slots, "
            f"{wall / own:.2f} times."
        )


def _conclude(plan: Plan, is_part: bool, started: float) -> int:
    """Writes the report of the whole sweep from what is stored, and says where everything is."""
    sweep = plan.sweep
    whole = make_plan(sweep) if is_part else plan
    summary = collect.summarise_plan(whole)
    path = collect.write(summary, Path(sweep.reports_dir))
    mlflow.mirror_or_warn(whole, summary)
    missing, failed = plan.of_state("new"), plan.of_state("failed")
    done = f"{len(plan.of_state('done'))} of {len(plan.trials)} trials done"
    print(f"\n{done}, {len(failed)} failed, {len(missing)} missing")
    for planned in failed[:10]:
        where = Path(sweep.store) / "trials" / planned.key / "trial.log"
        print(f"  {' '.join(planned.trial.cell)} seed {planned.trial.seed}: {planned.why} (see {where})")
    if failed:
        print("  Run failed trials again with --retry-failed.")
    print(f"Report:  {path} (in {duration(time.monotonic() - started)})")
    print(f"MLflow:  {mlflow.how_to_look(sweep.tracking)}")
    return 1 if failed or missing else 0


def _without_builtin(plan: Plan) -> Plan:
    problems = {name: text for name, text in plan.problems.items() if not card(plan.sweep, name).builtin}
    return replace(plan, problems=problems)


def _prepare_builtin(sweep: SweepFile, plan: Plan) -> None:
    """Makes, or makes anew, the corpora that need no source."""
    from datasets.prepare import prepare  # Arrow, only where something may be prepared

    for dataset in {trial.trial.dataset for trial in plan.trials}:
        entry = sweep.datasets[dataset]
        if card(sweep, dataset).builtin:
            prepare(entry.reader or dataset, None, entry.options, Path(sweep.data_dir))


def _everything() -> str:
    """Returns every registered name with its one-line summary and its options."""
    lines = []
    registries: list[Registry] = [STRUCTURE_ENCODERS, OBJECTIVES, TEXT_ENCODERS, READERS]
    for registry in registries:
        lines.append(f"{registry.kind}s")
        for name, component in registry.items():
            lines.append(f"  {name:<20}{component.summary}")
            for option, field in component.options.model_fields.items():
                others = [repr(one) for one in choices(field.annotation) if one != field.default]
                value = " | ".join([repr(field.default), *others])
                lines.append(f"      {option} = {value}  {field.description or ''}".rstrip())
    for title, choice in {"merges": Merge, "splits": HeadSplit, "coherence": Coherence}.items():
        lines += [title, *(f"  {name}" for name in get_args(choice))]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(main)
