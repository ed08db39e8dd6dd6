"""Upkeep of a tracker while a sweep runs: mirrored now and then, and never at the sweep's expense."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.analysis.findings import Findings
from harness.core.text import one_line
from harness.trackers import mlflow
from harness.trials.plan import Plan

_SECONDS_BETWEEN_MIRRORS = 600.0


def mirror_or_warn(plan: Plan, findings: Findings, files: Sequence[Path]) -> None:
    """Mirrors; an outage costs a paragraph on standard error and nothing else."""
    try:
        mlflow.mirror(plan, findings, files)
    except Exception as error:  # MLflow's stores raise anything; the sweep itself is safe in the store.
        print(
            f"warning: MLflow at {plan.sweep.tracking} was not filled ({one_line(error, 300)}). Every trial and the "
            "report are kept; the same command, or python -m harness.tracking, fills it later.",
            file=sys.stderr,
        )


@contextmanager
def kept_up(path: Path) -> Iterator[None]:
    """Mirrors from a process of its own every ten minutes, so that a long sweep can be watched."""
    stop = threading.Event()
    command = [sys.executable, "-m", "harness.tracking", str(path)]

    def repeat() -> None:
        while not stop.wait(_SECONDS_BETWEEN_MIRRORS):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not stop.wait(1.0):
                pass
            process.wait()  # Two at a time would both create what is missing.

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
