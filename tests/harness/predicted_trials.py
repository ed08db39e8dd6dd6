"""Finished trials with made-up predictions, recorded as a trial would record them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage import predictions
from datasets.storage.corpus import Corpus
from harness.core.metric_names import HEADLINE
from harness.trials.plan import Plan, PlannedTrial
from tests.harness.trials.test_plan import record


def predict(plan: Plan, trials: Sequence[PlannedTrial], select: str = "per_metric") -> dict[str, dict[str, float]]:
    """Finishes trials of one dataset; returns scikit-learn's scores of them by key."""
    corpus = Corpus.open(Path(plan.sweep.data_dir) / trials[0].settings.corpus)
    test = corpus.rows("test")
    gold = corpus.labels(test).toarray()
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
        lists = {metric: sparse.csr_array(labels) for metric, labels in predicted.items()}
        sha256 = predictions.write(folder / "predictions.parquet", corpus.doc_ids(test), lists)
        made = record(planned.key, planned.settings)
        plan.store.finish(made.model_copy(update={"scores": scores, "predictions_sha256": sha256}))
        expected[planned.key] = scores
    return expected
