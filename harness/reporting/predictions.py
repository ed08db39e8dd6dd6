"""Stored predictions of finished trials, read into counts per document and checked against the recorded scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.analysis.inputs import RunKey
from harness.core.errors import StoreError
from harness.core.metric_names import HEADLINE, Decision
from harness.core.resampling import Resampling
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, Metric, by_metric, score
from harness.trials.plan import Plan, PlannedTrial

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

    from datasets.storage.corpus import Corpus
    from datasets.storage.documents import SplitName

_DIFFERENCE = 1e-6
"""Points by which a score computed from stored predictions may differ from the recorded one."""


def read_samples(plan: Plan, how: Resampling, rule: Decision = "0.5") -> Mapping[str, DocumentSample[RunKey]]:
    """Returns the test documents of each prepared corpus, with the counts of every trial that stored predictions.

    A trial whose predictions cannot be read, are of other documents, are not those that it made or do not give its
    recorded scores counts as not run from here on; the plan's warnings say why.

    Args:
        plan: Plan with the records of finished trials.
        how: Number of draws and swaps, and their root seed.
        rule: Rule by which values become labels; trials of which nothing but labels is known have these.
    """
    by_dataset: dict[str, list[PlannedTrial]] = {}
    for planned in plan.selected:
        if planned.record and planned.settings.dataset not in plan.problems:
            by_dataset.setdefault(planned.settings.dataset, []).append(planned)
    return {dataset: _sample(plan, dataset, trials, how, rule) for dataset, trials in by_dataset.items()}


def _sample(
    plan: Plan, dataset: str, trials: list[PlannedTrial], how: Resampling, rule: Decision
) -> DocumentSample[RunKey]:
    from datasets.storage.corpus import open_corpus  # Arrow, only where there is something to read
    from datasets.storage.predictions import EVALUATED

    corpus = open_corpus(Path(plan.sweep.data_dir) / trials[0].settings.corpus)
    documents = {split: _Documents.of(corpus, split) for split in EVALUATED}
    support_L = documents["test"].gold.sum(0, dtype=np.int64)
    runs: dict[RunKey, dict[Metric, Counts]] = {}
    constant: set[tuple[RunKey, Metric]] = set()
    for planned in trials:
        trial = planned.settings
        run = RunKey(trial.model, trial.merge, trial.seed)
        try:
            counts, unvaried = _counts(plan, planned, documents, f"the test split of {corpus.folder}", rule)
        except StoreError as problem:
            plan.distrust(planned.key, str(problem))
            continue
        runs[run] = counts
        constant |= {(run, metric) for metric in unvaried}
    return DocumentSample(dataset, runs, corpus.hierarchy.labels, support_L, how, constant)


class _Documents(NamedTuple):
    """The documents of a split."""

    doc_ids: "pa.Array"
    gold: "sparse.csr_array"

    @classmethod
    def of(cls, corpus: "Corpus", split: "SplitName") -> "_Documents":
        import pyarrow as pa

        rows = corpus.rows(split)
        return cls(pa.array(corpus.doc_ids(rows), pa.string()), corpus.labels(rows))


def _counts(
    plan: Plan, planned: PlannedTrial, documents: "Mapping[SplitName, _Documents]", named: str, rule: Decision
) -> tuple[dict[Metric, Counts], list[Metric]]:
    """Returns a trial's counts by metric, and the metrics of which all documents have the same labels."""
    from datasets.storage.predictions import read, refusal
    from harness.scoring.decisions import decide, possible

    record = planned.record
    assert record is not None, "only finished trials have predictions"
    path, select = plan.store.folder(planned.key) / "predictions.parquet", planned.settings.select
    found = read(path, {split: one.doc_ids for split, one in documents.items()}, record.predictions_sha256, named)
    known = rule if rule in record.decisions else "0.5"
    said = record.scores if known == "0.5" else record.decisions[known]
    gold_valid, gold = documents["val"].gold, documents["test"].gold
    counts: dict[Metric, Counts] = {}
    unvaried: list[Metric] = []
    for metric in HEADLINE:
        predicted = found[metric if select == "per_metric" else f"{select}_f1"]
        if known not in possible(predicted):
            raise refusal(path, f"holds labels alone, and the record has scores of the decision rule {known}")
        labels = decide(known, predicted, gold_valid)
        counted, recorded = Counts.of(labels, gold), said.get(metric, np.nan)
        if not abs(score(counted, metric) - recorded) <= _DIFFERENCE:
            gives = f"gives {metric} {score(counted, metric):.4f}" + (f" by {known}" if known != "0.5" else "")
            raise refusal(path, f"{gives}, and the record says {recorded:.4f}")
        counts[metric] = by_metric(counted, metric)  # Ten times as small for micro F.
        unvaried += [metric] * _is_constant(labels.indices, labels.indptr)
    return counts, unvaried


def _is_constant(indices: NDArray[np.integer], offsets: NDArray[np.integer]) -> bool:
    """Returns whether all documents have the same sorted labels."""
    sizes = np.diff(offsets)
    if (sizes != sizes[0]).any():
        return False
    lists = indices.reshape(sizes.size, -1)
    return bool((lists == lists[0]).all())
