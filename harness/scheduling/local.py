"""Local scheduler: runs trials one after the other in this process, without Ray."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.scheduling.progress import Listener
from harness.training.run import run as run_trial
from harness.trials.plan import PlannedTrial, by_identity
from harness.trials.store import Store


def run(trials: Sequence[PlannedTrial], data_dir: Path, store: Store, progress: Listener) -> None:
    """Runs trials until each has a record or a failure in the store.

    A scheduler is one such function. Every other one has these parameters too, and the same promise.

    Args:
        trials: Trials that the store lacks.
        data_dir: Folder of prepared corpora.
        store: Where the trials leave their records.
        progress: Hears of every start, epoch and end.

    Raises:
        UserError: Where no trial can run here: the encoder's weights are missing, say, or the disk is full.
    """
    for key, planned in by_identity(trials).items():
        store.forget_attempts(key)
        progress.started(key)
        # No other trial of ours is on the device.
        alone = planned.settings.model_copy(update={"resources": planned.settings.resources.alone()})
        run_trial(alone, key, data_dir, store, partial(progress.epoch, key))
        progress.ended(key)
