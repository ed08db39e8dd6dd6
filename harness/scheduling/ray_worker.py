"""Ray worker: runs one trial after the other in a process of its own, whole or epoch by epoch."""

import gc
import json
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune

from harness.core.errors import UserError
from harness.scheduling.stepwise import Stepwise
from harness.training.kinds import EpochCallback
from harness.trials.settings import TrainedSettings, TrialSettings
from harness.trials.store import Store

HUNG = 75
"""Exit code of a worker that ran into its trial's time limit."""
SHARE = "share"
"""In a result: share of the planned epochs that are through, in percent."""


def spec_of(config: dict[str, Any]) -> Any:
    """Returns what a worker is told of its trial."""
    return json.loads(config["spec"])


class Worker(tune.Trainable):  # type: ignore[misc]
    """Runs one trial after the other; whatever is wrong with a trial itself ends in the store.

    A class, because Tune looks only five times a second whether a function has returned. Where trials may be stopped, a
    step is an epoch, and its result has what was measured so far; else it is the whole trial.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self.spec = spec_of(config)
        self._running: Stepwise | None = None
        self._history: list[dict[str, float]] = []
        self._started = time.monotonic()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)
        return True

    def cleanup(self) -> None:
        """Ends a trial that was stopped."""
        if self._running:
            self._running.stop()
            gc.freeze()

    def step(self) -> dict[str, Any]:
        if self.spec["until"] is not None and time.time() > self.spec["until"]:
            return {"waits": True, "done": True}
        trial, store = TrialSettings.read(self.spec["trial"]), Store(Path(self.spec["store"]), self.spec["keep"])
        watchdog = threading.Timer(trial.resources.time_limit_minutes * 60, os._exit, [HUNG])
        watchdog.daemon = True
        if trial.resources.time_limit_minutes:
            watchdog.start()
        message = ""
        try:
            run = partial(_run, trial, self.spec["key"], Path(self.spec["data"]), store)
            if self.spec["stepwise"] and isinstance(trial, TrainedSettings) and (entry := self._epoch(trial, run)):
                return entry
            if not self._running:
                run(lambda entry: None)
        except UserError as error:
            message = str(error)
        finally:
            watchdog.cancel()
        self._running = None
        gc.freeze()  # What is left is modules and caches; to look through them after every trial takes 0.2 s.
        waits = trial.resources.shares_gpu and store.wants_device_alone(self.spec["key"])
        return {"user_error": message, "waits": waits, "done": True}

    def _epoch(self, trial: TrainedSettings, run: Any) -> dict[str, Any] | None:
        """Trains one epoch and returns what was measured so far; None once the trial is through."""
        self._running = self._running or Stepwise(run)
        while (entry := self._running.step()) and entry["epoch"] >= trial.trainer.epochs:
            pass  # The last epoch is followed by the test at once.
        if entry is None:
            return None
        self._history.append(entry)
        seconds = time.monotonic() - self._started
        share = 100 * entry["epoch"] / trial.trainer.epochs
        return {SHARE: share, "history": self._history, "seconds": seconds, "done": False}


def _run(trial: TrialSettings, key: str, data: Path, store: Store, on_epoch: EpochCallback) -> None:
    from harness.training.run import run as run_trial  # torch, in the worker only

    run_trial(trial, key, data, store, on_epoch)
