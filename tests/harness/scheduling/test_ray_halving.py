"""Successive halving: within a row, at shares of the planned epochs, with what earlier commands saw."""

import json
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.load import load
from harness.scheduling.ray_halving import Halving
from harness.trials.plan import Plan
from harness.trials.settings import CellKey
from harness.trials.store import Stopped
from harness.trials.tuning import score_so_far
from tests.conftest import SweepWriter
from tests.harness.trials.searched import searching

MEAN = partial(score_so_far, metric="mean")
ROW, OTHER = CellKey("flat", "none", "wos"), CellKey("hitin", "none", "wos")


def history(*scores: float) -> list[dict[str, float]]:
    return [
        {"epoch": float(epoch), "valid_micro_f1": score, "valid_macro_f1": score - 20}
        for epoch, score in enumerate(scores, 1)
    ]


def trial(name: str, row: CellKey = ROW) -> Any:
    return SimpleNamespace(trial_id=name, config={"spec": json.dumps({"key": name, "trial": row._asdict()})})


def result(share: float, *scores: float) -> dict[str, Any]:
    return {"share": share, "history": history(*scores)}


def decide(halving: Halving, name: str, share: float, *scores: float, row: CellKey = ROW) -> str:
    one = trial(name, row)
    halving.on_trial_add(None, one)
    return halving.on_trial_result(None, one, result(share, *scores))


def test_what_falls_behind_is_stopped_at_a_ninth_of_its_epochs() -> None:
    halving = Halving(MEAN)
    assert [decide(halving, f"t{score}", 12.0, score) for score in (50.0, 60.0, 70.0)] == ["CONTINUE"] * 3
    assert decide(halving, "late", 12.0, 55.0) == "STOP", "below the best third of 50, 60 and 70"
    assert decide(halving, "good", 12.0, 69.0) == "CONTINUE"


def test_before_the_first_rung_nothing_is_stopped() -> None:
    halving = Halving(MEAN)
    for score in (50.0, 60.0, 70.0):
        decide(halving, f"t{score}", 12.0, score)
    assert decide(halving, "slow", 10.0, 1.0) == "CONTINUE"


def test_rows_do_not_compete() -> None:
    halving = Halving(MEAN)
    for score in (80.0, 85.0, 90.0):
        decide(halving, f"t{score}", 12.0, score)
    assert decide(halving, "first of its row", 12.0, 10.0, row=OTHER) == "CONTINUE"


def test_the_best_epoch_so_far_counts() -> None:
    halving = Halving(MEAN)
    for score in (50.0, 60.0, 70.0):
        decide(halving, f"t{score}", 12.0, score)
    assert decide(halving, "worse by now", 12.0, 69.0, 30.0) == "CONTINUE"


def test_a_result_that_ends_a_trial_says_nothing() -> None:
    halving = Halving(MEAN)
    one = trial("a")
    halving.on_trial_add(None, one)
    assert halving.on_trial_result(None, one, {"user_error": "", "done": True}) == "CONTINUE"


def test_what_earlier_commands_saw_counts(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep, {"trials": 6, "stopper": "asha"})
    search = Plan.open(load(path)).of_phase("search")
    for planned, score in zip(search.trials[:3], (50.0, 60.0, 70.0), strict=True):
        search.store.folder(planned.key).mkdir(parents=True)
        search.store.stop(Stopped(key=planned.key, history=history(score), seconds=1.0))
    search.refresh()
    assert [one.state for one in search.trials[:4]] == ["stopped"] * 3 + ["new"]
    assert search.trials[0].why == "stopped after epoch 1"
    halving = Halving.of(search)
    assert halving is not None
    assert decide(halving, "late", 50.0, 55.0, row=search.trials[0].settings.cell) == "STOP"


@pytest.mark.parametrize("phase", ["report", "untuned"])
def test_only_a_search_stops_trials(write_sweep: SweepWriter, phase: Any) -> None:
    plan = Plan.open(load(searching(write_sweep, {"stopper": "asha"})))
    assert Halving.of(plan.of_phase(phase)) is None
    assert Halving.of(Plan.open(load(searching(write_sweep))).of_phase("search")) is None


def test_a_stopped_trial_counts_as_new_where_nothing_is_stopped(write_sweep: SweepWriter) -> None:
    search = Plan.open(load(searching(write_sweep, {"stopper": "asha"}))).of_phase("search")
    search.store.folder(search.trials[1].key).mkdir(parents=True)
    search.store.stop(Stopped(key=search.trials[1].key, history=history(50.0), seconds=1.0))
    plain = Plan.open(load(searching(write_sweep))).of_phase("search")
    assert plain.trials[1].key == search.trials[1].key and plain.trials[1].state == "new"
