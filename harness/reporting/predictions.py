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
from harness.core.text import one_line
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, Metric, by_metric
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_DIFFERENCE = 1e-6
"""Points by which a score computed from stored predictions may differ from the recorded one."""


def read_samples(plan: Plan, how: Resampling) -> Mapping[str, DocumentSample[RunKey]]:
    """Returns the test documents of each prepared corpus, with the counts of every trial that stored predictions.

    Args:
        plan: Plan with the records of finished trials.
        how: Number of draws and swaps, and their root seed.

    Raises:
        StoreError: If predictions are of other documents, or do not give the recorded scores.
    """
    by_dataset: dict[str, list[PlannedTrial]] = {}
    for planned in plan.selected:
        if planned.record and planned.settings.dataset not in plan.problems:
            by_dataset.setdefault(planned.settings.dataset, []).append(planned)
    return {dataset: _sample(plan, dataset, trials, how) for dataset, trials in by_dataset.items()}


def _sample(plan: Plan, dataset: str, trials: list[PlannedTrial], how: Resampling) -> DocumentSample[RunKey]:
    import pyarrow as pa
    from scipy import sparse

    from datasets.storage.corpus import Corpus  # Arrow, only where there is something to read

    corpus = Corpus.open(Path(plan.sweep.data_dir) / trials[0].settings.corpus)
    test = corpus.rows("test")
    gold, doc_ids = corpus.labels(test), pa.array(corpus.doc_ids(test))
    store = plan.store
    runs: dict[RunKey, dict[Metric, Counts]] = {}
    constant: set[tuple[RunKey, Metric]] = set()
    for planned in trials:
        path = store.folder(planned.key) / "predictions.parquet"
        if not path.exists():
            continue
        table, trial = _read(path, doc_ids, corpus.folder), planned.settings
        run = RunKey(trial.model, trial.merge, trial.seed)
        counts: dict[Metric, Counts] = {}
        for metric in HEADLINE:
            rule = trial.trainer.select
            lists = table[f"{metric if rule == 'per_metric' else f'{rule}_f1'}_labels"].combine_chunks()
            indices, offsets = lists.flatten().to_numpy(), lists.offsets.to_numpy()
            predicted = sparse.csr_array((np.ones(len(indices), dtype=bool), indices, offsets), shape=gold.shape)
            counts[metric] = by_metric(Counts.of(predicted, gold), metric)  # Ten times as small for micro F.
            if _is_constant(indices, offsets):
                constant.add((run, metric))
        runs[run] = counts
    sample = DocumentSample(dataset, runs, corpus.hierarchy.labels, gold.sum(0, dtype=np.int64), how, constant)
    _check(sample, trials, store)
    return sample


def _read(path: Path, doc_ids: "pa.Array", corpus: Path) -> "pa.Table":
    """Returns the predictions of a trial, if they are of the test documents of the corpus."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path).combine_chunks()
    except (pa.ArrowException, OSError) as error:
        raise StoreError(_damaged(path, f"cannot be read ({one_line(error, 200)})")) from None
    if not table["doc_id"].combine_chunks().equals(doc_ids):
        raise StoreError(_damaged(path, f"is of other documents than the test split of {corpus}"))
    return table


def _is_constant(indices: NDArray[np.integer], offsets: NDArray[np.integer]) -> bool:
    """Returns whether all documents have the same sorted labels."""
    sizes = np.diff(offsets)
    if (sizes != sizes[0]).any():
        return False
    lists = indices.reshape(sizes.size, -1)
    return bool((lists == lists[0]).all())


def _check(sample: DocumentSample[RunKey], trials: list[PlannedTrial], store: Store) -> None:
    """Refuses predictions that do not give the recorded scores."""
    for planned in trials:
        trial, record = planned.settings, planned.record
        run = RunKey(trial.model, trial.merge, trial.seed)
        if record is None or not sample.has([run]):
            continue
        for metric in HEADLINE:
            found, recorded = sample.score(run, metric), record.scores[metric]
            if not abs(found - recorded) <= _DIFFERENCE:
                path = store.folder(planned.key) / "predictions.parquet"
                raise StoreError(_damaged(path, f"gives {metric} {found:.4f}, and the record says {recorded:.4f}"))


def _damaged(path: Path, what: str) -> str:
    return (
        f"The predictions {path} cannot be trusted: the file {what}. Delete the trial's folder {path.parent} and run "
        "the sweep again; only this trial is run anew."
    )
