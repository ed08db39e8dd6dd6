"""Ray worker without Ray: whole trials, epochs, stops, late trials."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness.config.load import load
from harness.scheduling import local
from harness.scheduling.progress import Listener
from harness.scheduling.ray_worker import Worker
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Store
from tests.conftest import SweepWriter

TRAINER = {"epochs": 3, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}


@pytest.fixture
def plan(write_sweep: SweepWriter) -> Plan:
    return Plan.open(load(write_sweep(models={"flat": {}}, merges=["none"], seeds=[1], trainer=TRAINER)))


def config(plan: Plan, planned: PlannedTrial, **changes: Any) -> dict[str, str]:
    spec = {"key": planned.key, "trial": planned.settings.model_dump(), "data": plan.sweep.data_dir}
    spec |= {"store": str(plan.store.root), "keep": "none", "until": None, "stepwise": False, **changes}
    return {"spec": json.dumps(spec)}


def worker(of: dict[str, str]) -> Worker:
    """Returns a worker as Ray sets it up, in this process."""
    made = Worker.__new__(Worker)
    made.setup(of)
    return made


def test_a_whole_trial_is_one_step(plan: Plan) -> None:
    (planned,) = plan.trials
    assert worker(config(plan, planned)).step() == {"user_error": "", "waits": False, "done": True}
    assert plan.store.record(planned.key)


def test_epoch_by_epoch_a_trial_is_the_same_to_the_bit(plan: Plan, tmp_path: Path) -> None:
    (planned,) = plan.trials
    stepping = worker(config(plan, planned, stepwise=True))
    first, second = stepping.step(), stepping.step()
    assert [round(one["share"]) for one in (first, second)] == [33, 67] and not first["done"]
    assert [entry["epoch"] for entry in second["history"]] == [1, 2]
    assert plan.store.record(planned.key) is None
    assert stepping.step()["done"], "the last epoch is followed by the test at once"
    alone = Store(tmp_path / "alone")
    local.run([planned], Path(plan.sweep.data_dir), alone, Listener())
    one, other = plan.store.record(planned.key), alone.record(planned.key)
    assert one and other and one.predictions_sha256 == other.predictions_sha256


def test_a_worker_that_gets_another_trial_lets_go_of_the_one_that_was_stopped(plan: Plan) -> None:
    (planned,) = plan.trials
    stepping = worker(config(plan, planned, stepwise=True))
    stepping.step()
    assert stepping.reset_config(config(plan, planned))
    assert plan.store.state(planned.key) == "new", "neither finished nor failed"
    assert stepping.step()["done"] and plan.store.record(planned.key), "its lock is free"


def test_a_late_trial_is_not_begun(plan: Plan) -> None:
    (planned,) = plan.trials
    assert worker(config(plan, planned, until=time.time() - 1)).step() == {"waits": True, "done": True}
    assert not plan.store.has_folder(planned.key)


def test_what_only_the_user_can_mend_is_said(plan: Plan) -> None:
    (planned,) = plan.trials
    wrong = config(plan, planned, key="0123456789abcdef")
    for stepwise in (False, True):
        of = {"spec": json.dumps({**json.loads(wrong["spec"]), "stepwise": stepwise})}
        assert "is not the one that the plan saw" in worker(of).step()["user_error"]
