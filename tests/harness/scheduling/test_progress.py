"""What a running sweep shows, counted by hand."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.scheduling.progress import Progress
from harness.trials.plan import Plan
from harness.trials.store import Failure, Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import finish


def test_counts_and_time_left(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep()
    store = Store(Path(load(path).store))
    there, failed, first, second, lost, *_ = Plan.open(load(path)).trials
    finish(store, there.key, there.settings, seconds=30.0)
    store.folder(failed.key).mkdir()
    store.fail(Failure(key=failed.key, kind="error", message="no", settings={}, attempts=1))
    progress = Progress(Plan.open(load(path)))
    for one in (first, second):
        progress.started(one.key)
        finish(store, one.key, one.settings, seconds=20.0)
    for one in (first, second):
        progress.ended(one.key)
    for _ in range(2):  # In two rounds: it counts as one trial.
        progress.started(lost.key)
        progress.ended(lost.key, "killed")
    lines = capsys.readouterr().err.splitlines()
    # All of one dataset; to go: 5 trials, of models that took 30 s (hiagm none) and 20 s.
    assert lines[0].startswith("1 done, 1 running, 1 failed, 1 already there, 5 to go, about ")
    assert lines[1].startswith("2 done, 0 running, 1 failed, 1 already there, 4 to go, about ")
    assert lines[3] == lines[2] and "3 to go" in lines[3] and "lost its worker (killed)" in lines[3]
    assert progress.num_slots == 2 and progress.seconds == 40.0
