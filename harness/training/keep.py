"""Models that are kept of finished trials: the weights with their thresholds, put whole into the trial's folder."""

import shutil
from pathlib import Path

from datasets.storage.corpus import Corpus
from datasets.storage.predictions import Predictions
from harness.config.trainer import best_metric
from harness.scoring.confidence import confident_threshold
from harness.scoring.decisions import possible, thresholds
from harness.training.kinds import Measured
from harness.trials.settings import TrialSettings
from models import saved
from models.load import CONFIDENT


def keep(folder: Path, trial: TrialSettings, measured: Measured, corpus: Corpus) -> None:
    """Writes a trial's model into a folder, which is there whole or not at all; nothing of a trial without a model."""
    if measured.save is None:
        return
    scratch = folder.with_name(f".{folder.name}")
    for old in (scratch, folder):
        shutil.rmtree(old, ignore_errors=True)
    scratch.mkdir()
    measured.save(scratch)
    saved.write_json(scratch / saved.THRESHOLDS, _thresholds(measured.predicted[best_metric(trial.select)], corpus))
    saved.seal(scratch)
    scratch.rename(folder)


def _thresholds(predicted: Predictions, corpus: Corpus) -> dict[str, float | list[float]]:
    """Returns the threshold of each decision rule, or those of the labels, and that of the confident depth."""
    gold_valid = corpus.labels(corpus.rows("val"))
    limits = {rule: thresholds(rule, predicted, gold_valid) for rule in possible(predicted)}
    found = {str(rule): limit if isinstance(limit, float) else limit.tolist() for rule, limit in limits.items()}
    if predicted.valid is not None:
        found[CONFIDENT] = confident_threshold(predicted.valid, gold_valid, corpus.hierarchy)
    return found
