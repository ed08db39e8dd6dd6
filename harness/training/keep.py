"""Models that are kept of finished trials: weights and thresholds, put whole into the trial's folder."""

import shutil
import traceback
from collections.abc import Callable
from logging import Logger
from pathlib import Path

from datasets.storage.corpus import Corpus
from datasets.storage.predictions import Predictions
from harness.config.trainer import best_metric
from harness.core.files import is_disk_full
from harness.scoring.confidence import confident_threshold
from harness.scoring.decisions import possible, thresholds
from harness.training.kinds import Measured
from harness.trials.identity import cell_identity
from harness.trials.settings import TrialSettings
from harness.trials.store import Store
from models import saved


def keep(store: Store, key: str, trial: TrialSettings, measured: Measured, corpus: Corpus, log: Logger) -> None:
    """Puts a trial's model into its folder, whole or not at all, and lets go of that of a worse seed.

    Nothing happens where the store keeps no models, and with a system that has none. A model that cannot be written
    costs a line in the log, and never what the trial has measured; a full disk is told as ever.
    """
    if store.keep == "none" or measured.save is None:
        return
    try:
        _keep(store, key, trial, measured, corpus, measured.save)
    except Exception as error:
        if is_disk_full(error):
            raise
        log.error(f"The model was not kept.\n{traceback.format_exc()}")


def _keep(
    store: Store,
    key: str,
    trial: TrialSettings,
    measured: Measured,
    corpus: Corpus,
    save: Callable[[Path], None],
) -> None:
    metric, folder = best_metric(trial.select), store.model(key)
    scratch = folder.with_name(f".{folder.name}")
    for old in (scratch, folder):
        shutil.rmtree(old, ignore_errors=True)
    scratch.mkdir()
    save(scratch)
    saved.write_json(scratch / saved.THRESHOLDS, _thresholds(measured.predicted[metric], corpus))
    saved.seal(scratch)
    scratch.rename(folder)
    store.note_best(cell_identity(trial, corpus.fingerprint), key, measured.scores[f"valid_{metric}"])


def _thresholds(predicted: Predictions, corpus: Corpus) -> dict[str, float | list[float]]:
    """Returns the threshold of each decision rule, or those of the labels, and that of the confident depth."""
    gold_valid = corpus.labels(corpus.rows("val"))
    limits = {rule: thresholds(rule, predicted, gold_valid) for rule in possible(predicted)}
    found = {str(rule): limit if isinstance(limit, float) else limit.tolist() for rule, limit in limits.items()}
    if predicted.valid is not None:
        found[saved.CONFIDENT] = confident_threshold(predicted.valid, gold_valid, corpus.hierarchy)
    return found
