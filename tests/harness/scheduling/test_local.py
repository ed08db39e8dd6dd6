"""Trials run here one after the other: each once, in their order, whatever becomes of the ones before."""

from pathlib import Path
from typing import Any

import pytest

from harness.config.load import load
from harness.core.errors import UserError
from harness.scheduling import local
from harness.scheduling.progress import Listener
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.settings import TrialSettings
from harness.trials.store import Store
from tests.conftest import SweepWriter

BROKEN = {"trainer": {"encoder_lr": 1e38, "head_lr": 1e38, "clip_norm": 1e38}}


class Notes(Listener):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, key: str) -> None:
        self.events.append(("started", key))

    def epoch(self, key: str, entry: Any) -> None:
        self.events.append((f"epoch {entry['epoch']:g}", key))

    def ended(self, key: str, reason: str = "") -> None:
        self.events.append((f"ended {reason}".strip(), key))


def test_trials_run_in_order_and_a_failure_does_not_stop_the_rest(write_sweep: SweepWriter, data_dir: Path) -> None:
    plan = Plan.open(load(write_sweep(models={"flat": {}, "bad": {"model": "flat", **BROKEN}}, merges=["none"])))
    notes = Notes()
    local.run(plan.trials, data_dir, plan.store, notes)
    good, bad, good_too, bad_too = (one.key for one in plan.trials)
    whole = ["started", "epoch 1", "epoch 2", "ended"]
    expected = [(event, good) for event in whole] + [("started", bad), ("ended", bad)]
    assert notes.events == expected + [(event, good_too) for event in whole] + [
        ("started", bad_too),
        ("ended", bad_too),
    ]
    assert [plan.store.state(one.key) for one in plan.trials] == ["done", "failed"] * 2


def note_settings(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[TrialSettings]:
    """Puts in the place of a trial's run one that notes its settings; returns the notes."""
    seen: list[TrialSettings] = []

    def run(trial: TrialSettings, key: str, data_dir: Path, store: Store, on_epoch: Any) -> None:
        seen.append(trial)
        store.start_attempt(key)
        if error:
            raise error

    monkeypatch.setattr(local, "run_trial", run)
    return seen


def test_a_trial_under_two_names_runs_once(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan.open(load(write_sweep(models={"flat": {}, "twin": {"model": "flat"}}, merges=["none"])))
    seen = note_settings(monkeypatch)
    local.run(plan.trials, Path("."), plan.store, Notes())
    assert len(plan.trials) == 4 and [one.seed for one in seen] == [1, 2]


def test_a_trial_has_its_device_alone_and_starts_as_often_as_any(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"flat": {"resources": {"gpus": 0.25}}, "hiagm": {"resources": {"gpus": 2.0}}}
    plan = Plan.open(load(write_sweep(models=models, merges=["none"], seeds=[1])))
    for _ in range(3):
        plan.store.start_attempt(plan.trials[0].key)
    seen = note_settings(monkeypatch)
    local.run(plan.trials, Path("."), plan.store, Notes())
    assert [one.resources.gpus for one in seen] == [1.0, 2.0]
    assert plan.store.start_attempt(plan.trials[0].key) == 2, "what ended its earlier starts was not the trial"


def test_where_no_trial_can_run_none_is_tried(write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    trials: tuple[PlannedTrial, ...] = (plan := Plan.open(load(write_sweep()))).trials
    seen, notes = note_settings(monkeypatch, UserError("The weights are missing.")), Notes()
    with pytest.raises(UserError, match="The weights are missing"):
        local.run(trials, Path("."), plan.store, notes)
    assert len(seen) == 1 and notes.events == [("started", trials[0].key)]
