"""Finished trials with made-up predictions, recorded as a trial would record them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage import predictions
from datasets.storage.corpus import Corpus
from datasets.storage.predictions import Keeper, LabelValues, Predictions
from harness.core.metric_names import HEADLINE
from harness.scoring.decisions import decide, possible
from harness.trials.plan import Plan, PlannedTrial
from tests.harness.trials.test_plan import record


def predict(
    plan: Plan, trials: Sequence[PlannedTrial], select: str = "per_metric", with_values: bool = False
) -> dict[str, dict[str, float]]:
    """Finishes trials of one dataset, which say labels alone or also values; returns scikit-learn's scores by key."""
    corpus = Corpus.open(Path(plan.sweep.data_dir) / trials[0].settings.corpus)
    test = corpus.rows("test")
    gold, gold_valid = corpus.labels(test).toarray(), corpus.labels(corpus.rows("val"))
    doc_ids = {split: corpus.doc_ids(corpus.rows(split)) for split in predictions.EVALUATED}
    expected = {}
    for planned in trials:
        rng = np.random.default_rng(int(planned.key, 16))
        predicted = {metric: gold ^ (rng.random(gold.shape) < 0.02) for metric in HEADLINE}
        scores = {}
        for metric in HEADLINE:
            chosen = predicted[metric if select == "per_metric" else f"{select}_f1"]
            scores[metric] = 100 * f1_score(gold, chosen, average=metric[:5], zero_division=0)
        folder = plan.store.folder(planned.key)
        folder.mkdir(parents=True, exist_ok=True)
        said = {
            metric: _with_values(labels, gold_valid.toarray(), rng)
            if with_values
            else Predictions(LabelValues.of_labels(sparse.csr_array(labels)))
            for metric, labels in predicted.items()
        }
        sha256 = predictions.write(folder / "predictions.parquet", doc_ids, said)
        decisions: dict[str, dict[str, float]] = {}
        for rule in possible(said["micro_f1"])[1:]:
            decisions[rule] = {}
            for metric in HEADLINE:
                chosen = said[metric if select == "per_metric" else f"{select}_f1"]
                labels = decide(rule, chosen, gold_valid).toarray()
                decisions[rule][metric] = 100 * f1_score(gold, labels, average=metric[:5], zero_division=0)
        changes = {"scores": scores, "predictions_sha256": sha256, "decisions": decisions}
        plan.store.finish(record(planned.key, planned.settings).model_copy(update=changes))
        expected[planned.key] = scores
    return expected


def _with_values(labels: np.ndarray, gold_valid: np.ndarray, rng: np.random.Generator) -> Predictions:
    """Returns values above a half for the given labels of the test documents, and lower ones for validation."""
    kept = []
    for likely, half in ((labels, 0.5), (gold_valid ^ (rng.random(gold_valid.shape) < 0.05), 0.25)):
        keeper = Keeper()
        keeper.add((half * (rng.random(likely.shape) + likely)).astype(np.float32))
        kept.append(keeper.kept())
    return Predictions(kept[0], kept[1], "probabilities")
