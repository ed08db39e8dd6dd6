"""Asynchronous successive halving: stops trials of a search that fall behind others of their row.

Ray Tune's own scheduler (ASHA, Li et al. 2020), one for each row, so that rows do not compete. Trials are compared at
a ninth and at a third of their planned epochs, whatever their number, where those that are not among the best third
so far are stopped. What earlier commands saw of a row counts.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

from harness.scheduling.ray_worker import SHARE, spec_of
from harness.trials.plan import Plan
from harness.trials.settings import CellKey
from harness.trials.tuning import score_so_far

History = list[dict[str, float]]
"""One entry per epoch."""

_SCORE = "score"
_WHOLE = 100.0
_FIRST = _WHOLE / 9
_FACTOR = 3


class Halving(FIFOScheduler):  # type: ignore[misc]
    """Tune scheduler of a search, in which each row has its own successive halving.

    Args:
        score: Returns the validation score that decides, of the history of a trial so far.
    """

    def __init__(self, score: Callable[[History], float]):
        super().__init__()
        self._score = score
        self._rows: dict[CellKey, ASHAScheduler] = {}
        self._of_trial: dict[str, ASHAScheduler] = {}

    @classmethod
    def of(cls, search: Plan) -> "Halving | None":
        """Returns the scheduler of a plan's phase, with what is known of its rows; None where nothing is stopped."""
        if search.phase != "search" or not search.sweep.search or search.sweep.search.stopper == "none":
            return None
        halving = cls(partial(score_so_far, metric=search.sweep.search.metric))
        for planned in search.selected:
            history = planned.stopped.history if planned.stopped else search.store.history(planned.key)
            if planned.record or planned.stopped:
                halving.replay(planned.settings.cell, planned.key, history, vars(planned.settings)["trainer"].epochs)
        return halving

    def replay(self, row: CellKey, key: str, history: History, num_epochs: int) -> None:
        """Lets a trial that has ended count in its row."""
        trial = SimpleNamespace(trial_id=key)
        self.admit(row, trial)
        for place, entry in enumerate(history, 1):
            self.judge(trial, 100 * entry["epoch"] / num_epochs, history[:place])

    def admit(self, row: CellKey, trial: Any) -> None:
        """Takes a trial up into its row."""
        self._of_trial[trial.trial_id] = halving = self._row(row)
        halving.on_trial_add(None, trial)

    def judge(self, trial: Any, share: float, history: History) -> str:
        """Returns whether a trial goes on or is stopped, after a share of its epochs, in percent."""
        seen = {SHARE: share, _SCORE: self._score(history)}
        return str(self._of_trial[trial.trial_id].on_trial_result(None, trial, seen))

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        settings = spec_of(trial.config)["trial"]
        self.admit(CellKey(settings["model"], settings["merge"], settings["dataset"]), trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        is_through = SHARE not in result
        return str(self.CONTINUE) if is_through else self.judge(trial, result[SHARE], result["history"])

    def _row(self, row: CellKey) -> ASHAScheduler:
        if row not in self._rows:
            self._rows[row] = ASHAScheduler(
                time_attr=SHARE,
                metric=_SCORE,
                mode="max",
                max_t=_WHOLE,
                grace_period=_FIRST,
                reduction_factor=_FACTOR,
                stop_last_trials=False,
            )
        return self._rows[row]
