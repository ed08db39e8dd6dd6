"""Searches whose trials are made up: a planted score for each candidate, in no time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.config.load import load
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Failure
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict
from tests.harness.trials.test_plan import record

SEARCH: dict[str, Any] = {"trials": 4, "space": {"trainer.head_lr": {"log_uniform": [1e-3, 1e-1]}}}


def searching(write_sweep: SweepWriter, search: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Writes a sweep of one model with a search."""
    return write_sweep(**{"models": {"flat": {}}, "search": {**SEARCH, **(search or {})}, **changes})


def opened(path: Path) -> Plan:
    return Plan.open(load(path))


def near(best: float) -> Callable[[PlannedTrial], float]:
    """Returns a score that is the higher the nearer the learning rate is to a value."""

    def score(planned: PlannedTrial) -> float:
        trainer = vars(planned.settings).get("trainer")
        return 90 - abs(trainer.head_lr - best) if trainer else 20.0

    return score


def finish(plan: Plan, planned: PlannedTrial, score: float | None, seconds: float = 10.0) -> None:
    """Leaves a record with validation scores, or a failure where there is none; made-up ones outside of a search."""
    store, key = plan.store, planned.key
    store.folder(key).mkdir(parents=True, exist_ok=True)
    settings = planned.settings.model_dump(mode="json")
    if score is None:
        store.fail(Failure(key=key, kind="non_finite", message="The loss is NaN.", settings=settings, attempts=1))
        return
    if not planned.candidate:
        predict(plan, [planned])
        return
    (store.folder(key) / "predictions.parquet").touch()
    scores = {"valid_micro_f1": score, "valid_macro_f1": score - 20, "micro_f1": score - 1, "macro_f1": score - 21}
    store.finish(record(key, planned.settings, seconds).model_copy(update={"scores": scores}))


class Runner:
    """Runs trials as `run_phases` wants it, and remembers which.

    Args:
        score: The validation score of a trial; None where it fails.
        seconds: What each takes.
    """

    def __init__(self, score: Callable[[PlannedTrial], float | None], seconds: float = 10.0):
        self.score, self.seconds = score, seconds
        self.runs: list[tuple[str, list[PlannedTrial]]] = []

    def __call__(self, plan: Plan, todo: list[PlannedTrial]) -> None:
        self.runs.append((plan.phase, list(todo)))
        for planned in todo:
            finish(plan, planned, self.score(planned), self.seconds)

    @property
    def counts(self) -> list[tuple[str, int]]:
        return [(phase, len(todo)) for phase, todo in self.runs]
