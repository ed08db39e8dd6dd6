"""Published numbers against ours: which of them can be judged, and by what error."""

from collections.abc import Mapping, Sequence

from harness.analysis.findings import Column
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.config.schema import SweepFile
from harness.stats.prediction_interval import NOT_COMPARABLE, Prediction, prediction
from harness.stats.t_tests import Array

ROUNDING = 0.005
"""Most that a published score is off."""


def is_subset(sweep: SweepFile, column: Column) -> bool:
    """Returns whether trials were trained on fewer documents than there are, as no published one was."""
    return any(sweep.datasets[dataset].train_documents for dataset in column.datasets)


def judge_published(
    index: ResultsIndex,
    column: Column,
    samples: Sequence[Sequence[float] | Array],
    published: float,
    rounding: float,
    runs: Sequence[Mapping[RunKey, float]],
) -> Prediction:
    """Judges a published score or difference.

    Where it is of other test documents than ours, their error counts too; without the predictions of our runs that
    error is not known, and the number is not comparable.

    Args:
        index: What trials answered.
        column: Where.
        samples: As in `prediction`.
        published: Likewise.
        rounding: Likewise.
        runs: Of each dataset, those whose weighted sum is our number.
    """
    if is_subset(index.sweep, column):
        return NOT_COMPARABLE
    documents = 0.0
    for dataset, weights in zip(column.datasets, runs, strict=True):
        if dataset in index.sweep.statistics.other_test_documents:
            sample = index.samples.get(dataset)
            if sample is None or not sample.has(list(weights)):
                return NOT_COMPARABLE
            documents += sample.variance(column.metric, weights)[0]
    return prediction(samples, published, rounding, len(column.datasets), documents)
