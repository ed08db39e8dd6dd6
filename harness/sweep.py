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
from functools import partial
from pathlib import Path

from harness.analysis.summarise import find
from harness.config.arguments import add_sweep, positive
from harness.config.load import load
from harness.core.errors import ConfigError
from harness.core.main import run_command
from harness.core.text import duration
from harness.reporting.collect import collect
from harness.reporting.cost import refuse_over_budget, search_state
from harness.reporting.explain import explain, list_everything
from harness.reporting.status import describe, warn
from harness.reporting.write import report_files, write
from harness.scheduling.progress import Progress
from harness.trackers import mlflow
from harness.trackers.upkeep import kept_up, mirror_or_warn
from harness.trials.corpora import prepare_builtin, refuse_missing, refuse_unfit
from harness.trials.phases import exit_code, forget_failures, run_phases
from harness.trials.plan import Phase, Plan, PlannedTrial
from harness.trials.store import check_writable
from models.refusals import refuse_unusable


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the command line and runs it."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.sweep", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_sweep(parser, optional=True)
    parser.add_argument("--dry-run", action="store_true", help="print the plan and what it could show; run nothing")
    parser.add_argument("--retry-failed", action="store_true", help="run failed trials again, from their first epoch")
    budget = "hours after which no more trials are started; what surely takes longer is not begun"
    parser.add_argument("--budget-hours", type=positive, help=budget)
    parser.add_argument("--address", help="of a running Ray cluster, such as auto or HEAD:6379; default: this machine")
    parser.add_argument(
        "--list",
        action="store_true",
        help="print every model, objective, encoder and dataset with its options, and every merge, split and coherence",
    )
    parser.add_argument("--explain", action="store_true", help="print every field of a sweep file")
    chosen = parser.parse_args(arguments)
    if chosen.list or chosen.explain:
        print(list_everything() if chosen.list else explain())
        return 0
    if chosen.sweep is None:
        raise ConfigError("Name a sweep file, such as sweeps/quickstart.yaml; `--help` shows more.")
    if chosen.dry_run:
        print(describe(Plan.open(load(chosen.sweep), chosen.filter)))
        return 0
    return run(chosen.sweep, chosen.filter, chosen.address, chosen.retry_failed, chosen.budget_hours)


def run(
    path: Path, filters: Sequence[str], address: str | None, retry_failed: bool, budget_hours: float | None = None
) -> int:
    """Runs what is missing, fills MLflow, writes the report; returns the exit code."""
    started = time.monotonic()
    sweep = load(path)
    plan = Plan.open(sweep, filters)
    refuse_missing(plan, but_builtin=True)
    todo = plan.of_state("new") + (plan.of_state("failed") if retry_failed else [])
    refuse_unusable(one.settings.parts for one in todo)
    plan.store.check_writable()
    check_writable(Path(plan.sweep.reports_dir), "reports_dir")
    mlflow.check(plan.sweep.tracking)
    with plan.store.lock(plan.sweep.name):
        prepare_builtin(plan)
        plan.refresh()
        refuse_missing(plan)
        refuse_unfit(plan)
        warn(plan)
        if retry_failed:
            forget_failures(plan)
        if address is None:  # What a cluster can take at a time is not known here.
            refuse_over_budget(plan, budget_hours)
        until = time.time() + 3600 * budget_hours if budget_hours else None
        try:
            run_phases(plan, partial(_run, path, address, until))
        except KeyboardInterrupt:
            _conclude(plan, started)
            raise
        _conclude(plan, started)
    return exit_code(plan)


_TITLES: dict[Phase, str] = {"search": "Search", "report": "Sweep", "untuned": "Untuned rows"}


def _run(path: Path, address: str | None, until: float | None, plan: Plan, todo: Sequence[PlannedTrial]) -> None:
    """Runs trials of a phase on Ray, with its progress on the screen; starts none after a time."""
    if until is not None and time.time() > until:
        print("The hours of --budget-hours are over; the same command goes on from here.", file=sys.stderr)
        return
    started = time.monotonic()
    from harness.scheduling import ray_tune  # Ray, only where there is something to run
    from harness.scheduling.ray_halving import Halving

    print(f"{_TITLES[plan.phase]}: {len(plan.selected)} trials, {len(todo)} to run.", file=sys.stderr)
    with Progress(plan) as progress, kept_up(path):
        ray_tune.run(todo, Path(plan.sweep.data_dir), plan.store, progress, address, until, Halving.of(plan))
    wall = time.monotonic() - started
    if own := progress.seconds / progress.num_slots:
        print(
            f"\nScheduling: {duration(wall)} for {duration(own)} of trials on each of {progress.num_slots} slots, "
            f"{wall / own:.2f} times."
        )


def _conclude(plan: Plan, started: float) -> None:
    """Writes the report of the whole sweep from what is stored, and says where everything is."""
    plan.refresh()
    sweep, whole = plan.sweep, plan.unfiltered()
    findings = find(*collect(whole))
    plan.trials = whole.trials  # Without those that proved wrong when they were read.
    warn(plan)
    report = write(findings, Path(sweep.reports_dir))
    mirror_or_warn(whole, findings, report_files(sweep))
    missing, failed = plan.of_state("new"), plan.of_state("failed")
    done = f"{len(plan.of_state('done'))} of {len(plan.selected)} trials done"
    print("\n".join(["", *search_state(whole), f"{done}, {len(failed)} failed, {len(missing)} missing"]))
    for one in failed[:10]:
        print(f"  {one.name}: {one.why} (see {Path(sweep.store) / 'trials' / one.key / 'trial.log'})")
    if failed:
        print("  Run failed trials again with --retry-failed.")
    print(f"Report:  {report} (in {duration(time.monotonic() - started)})")
    print(f"MLflow:  {mlflow.address(sweep.tracking)}")


if __name__ == "__main__":
    run_command(main)
