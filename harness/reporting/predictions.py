"""Stored predictions of finished trials, read into counts per document and checked against the recorded scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.analysis.inputs import RunKey
from harness.core.errors import StoreError
from harness.core.metric_names import HEADLINE
from harness.core.resampling import Resampling
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, Metric, by_metric, score
from harness.trials.plan import Plan, PlannedTrial

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

_DIFFERENCE = 1e-6
"""Points by which a score computed from stored predictions may differ from the recorded one."""


def read_samples(plan: Plan, how: Resampling) -> Mapping[str, DocumentSample[RunKey]]:
    """Returns the test documents of each prepared corpus, with the counts of every trial that stored predictions.

    A trial whose predictions cannot be read, are of other documents, are not those that it made or do not give its
    recorded scores counts as not run from here on; the plan's warnings say why.

    Args:
        plan: Plan with the records of finished trials.
        how: Number of draws and swaps, and their root seed.
    """
    by_dataset: dict[str, list[PlannedTrial]] = {}
    for planned in plan.selected:
        if planned.record and planned.settings.dataset not in plan.problems:
            by_dataset.setdefault(planned.settings.dataset, []).append(planned)
    return {dataset: _sample(plan, dataset, trials, how) for dataset, trials in by_dataset.items()}


def _sample(plan: Plan, dataset: str, trials: list[PlannedTrial], how: Resampling) -> DocumentSample[RunKey]:
    import pyarrow as pa

    from datasets.storage.corpus import open_corpus  # Arrow, only where there is something to read

    corpus = open_corpus(Path(plan.sweep.data_dir) / trials[0].settings.corpus)
    test = corpus.rows("test")
    gold, doc_ids = corpus.labels(test), pa.array(corpus.doc_ids(test))
    support_L = gold.sum(0, dtype=np.int64)
    runs: dict[RunKey, dict[Metric, Counts]] = {}
    constant: set[tuple[RunKey, Metric]] = set()
    for planned in trials:
        trial = planned.settings
        run = RunKey(trial.model, trial.merge, trial.seed)
        try:
            counts, unvaried = _counts(plan, planned, gold, doc_ids, f"the test split of {corpus.folder}")
        except StoreError as problem:
            plan.distrust(planned.key, str(problem))
            continue
        runs[run] = counts
        constant |= {(run, metric) for metric in unvaried}
    return DocumentSample(dataset, runs, corpus.hierarchy.labels, support_L, how, constant)


def _counts(
    plan: Plan, planned: PlannedTrial, gold: "sparse.csr_array", doc_ids: "pa.Array", documents: str
) -> tuple[dict[Metric, Counts], list[Metric]]:
    """Returns a trial's counts by metric, and the metrics of which all documents have the same labels."""
    from scipy import sparse

    from datasets.storage.predictions import read, refusal

    assert planned.record is not None, "only finished trials have predictions"
    path, rule = plan.store.folder(planned.key) / "predictions.parquet", planned.settings.select
    lists = read(path, doc_ids, planned.record.predictions_sha256, documents)
    counts: dict[Metric, Counts] = {}
    unvaried: list[Metric] = []
    for metric in HEADLINE:
        offsets, indices = lists[metric if rule == "per_metric" else f"{rule}_f1"]
        predicted = sparse.csr_array((np.ones(len(indices), dtype=bool), indices, offsets), shape=gold.shape)
        counted, recorded = Counts.of(predicted, gold), planned.record.scores.get(metric, np.nan)
        if not abs(score(counted, metric) - recorded) <= _DIFFERENCE:
            said = f"gives {metric} {score(counted, metric):.4f}, and the record says {recorded:.4f}"
            raise refusal(path, said)
        counts[metric] = by_metric(counted, metric)  # Ten times as small for micro F.
        unvaried += [metric] * _is_constant(indices, offsets)
    return counts, unvaried


def _is_constant(indices: NDArray[np.integer], offsets: NDArray[np.integer]) -> bool:
    """Returns whether all documents have the same sorted labels."""
    sizes = np.diff(offsets)
    if (sizes != sizes[0]).any():
        return False
    lists = indices.reshape(sizes.size, -1)
    return bool((lists == lists[0]).all())
