"""Published scores against ours: which of them can be judged, and by what error."""

from collections.abc import Mapping, Sequence

from harness.analysis.design import Column
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.config.schema import SweepFile
from harness.stats.distributions import Array
from harness.stats.prediction_interval import NOT_COMPARABLE, Prediction, prediction


def published_score(sweep: SweepFile, model: str, merge: str, column: Column) -> float | None:
    """Returns the published score; of an average, the mean rounded as the literature prints it."""
    if sweep.published is None:
        return None
    row = sweep.published.scores.get(f"{model}/{merge}", {})
    scores = [row.get(dataset, {}).get(column.metric) for dataset in column.datasets]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return None
    return known[0] if len(known) == 1 else round(sum(known) / len(known), 2)


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
        index: Trial results.
        column: Metric and datasets of the number.
        samples: Independent samples over seeds whose means add up to the sum over datasets.
        published: Published score, or difference.
        rounding: Most that the published number is off.
        runs: Runs whose weighted sum is our number, for each dataset.
    """
    if is_subset(index.sweep, column):
        return NOT_COMPARABLE
    documents = 0.0
    for dataset, weights in zip(column.datasets, runs, strict=True):
        if dataset in index.sweep.statistics.other_test_documents:
            variance = index.document_variance(dataset, column.metric, weights)
            if variance is None:
                return NOT_COMPARABLE
            documents += variance
    return prediction(samples, published, rounding, len(column.datasets), documents)
