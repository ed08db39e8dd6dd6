"""Published scores: which are held against ours and by what error, and those that are shown beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.design import Column
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.config.literature import PublishedScore
from harness.config.schema import SweepFile
from harness.core.metric_names import Headline
from harness.stats.distributions import Array
from harness.stats.estimate import Estimate
from harness.stats.prediction_interval import (
    NOT_COMPARABLE,
    Prediction,
    PublishedNumber,
    against_published,
    prediction,
)
from harness.stats.t_tests import TINY, mean_and_sd


@dataclass(frozen=True)
class LiteratureRow:
    """Published scores of one system, or further ones of a row of ours.

    Attributes:
        title: Name of the system, or title of our row.
        source: Short name of the source.
        scores: Its scores, aligned with the columns of the findings.
    """

    title: str
    source: str
    scores: tuple[PublishedNumber | None, ...]


def first_source(sweep: SweepFile) -> str:
    """Returns the source whose scores are held against ours; empty where nothing is published."""
    return next(iter(sweep.published), "")


def published_number(
    sweep: SweepFile, model: str, merge: str, column: Column, source: str | None = None
) -> PublishedNumber | None:
    """Returns the published score of a row of ours, by default that of the first source."""
    name = first_source(sweep) if source is None else source
    return _number(sweep.published[name].scores.get(f"{model}/{merge}", {}), column) if name else None


def _number(row: Mapping[str, Mapping[Headline, PublishedScore]], column: Column) -> PublishedNumber | None:
    """Returns a system's score in a column; of an average, the mean rounded as the literature prints it."""
    scores = [score for dataset in column.datasets if (score := row.get(dataset, {}).get(column.metric))]
    if len(scores) < len(column.datasets):
        return None
    # A mean with a standard deviation has two runs at least.
    runs = [score.n or (1 if score.sd is None else 2) for score in scores]
    value = scores[0].mean if len(scores) == 1 else round(sum(score.mean for score in scores) / len(scores), 2)
    spreads = tuple((score.sd, num) for score, num in zip(scores, runs, strict=True) if score.sd is not None)
    is_stated = all(score.n or score.sd is None for score in scores)
    return PublishedNumber(value, spreads if len(spreads) == len(scores) else (), min(runs), len(scores), is_stated)


def literature(index: ResultsIndex) -> list[LiteratureRow]:
    """Returns what is published on these corpora besides the scores that are held against ours."""
    found = []
    for name, source in index.sweep.published.items():
        ours = {} if name == first_source(index.sweep) else source.scores
        titled = [(index.title(*row.split("/")), scores) for row, scores in ours.items()]
        for title, scores in (*titled, *source.literature.items()):
            found.append(LiteratureRow(title, name, tuple(_number(scores, column) for column in index.columns)))
    return found


def is_subset(sweep: SweepFile, column: Column) -> bool:
    """Returns whether trials were trained on fewer documents than there are, as no published one was."""
    return any(sweep.datasets[dataset].train_documents for dataset in column.datasets)


def judge_published(
    index: ResultsIndex,
    column: Column,
    samples: Sequence[Sequence[float] | Array],
    published: PublishedNumber,
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
    documents = _document_error(index, column, runs)
    if documents is None or is_subset(index.sweep, column):
        return NOT_COMPARABLE
    return prediction(samples, published, rounding, len(column.datasets), documents)


def above_published(
    index: ResultsIndex, model: str, merge: str, column: Column, published: PublishedNumber
) -> Estimate | None:
    """Returns how far a row lies above a published score, with the error of both; None where that is not known."""
    arms = index.arms(model, merge, column)
    samples = [np.array(list(arm.values())) for arm in arms]
    if index.one_seed(model, merge, column) or min(map(len, arms)) < 2 or mean_and_sd(samples)[1] <= TINY:
        return None
    documents = _document_error(index, column, index.runs_of_mean(model, merge, column))
    return None if documents is None else against_published(samples, published, len(samples), documents)


def _document_error(index: ResultsIndex, column: Column, runs: Sequence[Mapping[RunKey, float]]) -> float | None:
    """Returns the variance of our number over documents, of datasets that others tested on other ones.

    None where predictions are not known.
    """
    total = 0.0
    for dataset, weights in zip(column.datasets, runs, strict=True):
        if dataset in index.sweep.statistics.other_test_documents:
            variance = index.document_variance(dataset, column.metric, weights)
            if variance is None:
                return None
            total += variance
    return total
