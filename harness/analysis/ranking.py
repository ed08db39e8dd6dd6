"""Ranks of rows with simultaneous confidence intervals, and how far each row lies above or below `linear`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.analysis.compare import comparison, difference
from harness.analysis.comparison import Comparison
from harness.analysis.design import Column, Contrast, RowKey, compared_rows
from harness.analysis.index import ResultsIndex
from harness.stats.ranks import RankInterval, rank_intervals
from harness.stats.t_tests import mean_and_sd

LEAST_ROWS = 3
"""Number of rows from which on ranks say more than a comparison."""


@dataclass(frozen=True)
class Rank:
    """A row's rank in one column.

    Attributes:
        mean: Mean over seeds, by which `rank` goes.
        rank: 1 + the number of rows with a higher mean.
        interval: The ranks that it may have, for all rows of the column at once.
    """

    row: RowKey
    title: str
    mean: float
    rank: int
    interval: RankInterval


def ranked_rows(index: ResultsIndex) -> list[RowKey]:
    """Returns the rows that are ranked: all but controls, and `linear` in any case; none where there are too few."""
    sweep = index.sweep
    kept = {*compared_rows(sweep), *(RowKey(model, merge) for model, merge in sweep.rows if model in sweep.linear)}
    rows = [row for row in map(RowKey._make, sweep.rows) if row in kept]
    return rows if len(rows) >= LEAST_ROWS else []


def ranks(index: ResultsIndex, column: Column) -> list[Rank]:
    """Ranks the rows that have a score in a column, the highest first; none where no two can be compared.

    Two rows are tested as in every comparison, by the wider of seeds, and of seeds and documents; those that could
    have no star are not, and rows without a score count as ranked anywhere.
    """
    rows, alpha = ranked_rows(index), index.sweep.statistics.alpha
    means = [mean_and_sd([list(arm.values()) for arm in index.arms(*row, column)])[0] for row in rows]
    p_above = np.full((len(rows), len(rows)), math.nan)
    for one, other in combinations(range(len(rows)), 2):
        if found := difference(index, Contrast(rows[one], rows[other]), column):
            p_above[one, other], p_above[other, one] = found.p_above(), found.p_below()
    if np.isnan(p_above).all():
        return []
    ranked = [
        Rank(row, index.title(*row), mean, 1 + sum(other > mean for other in means), interval)
        for row, mean, interval in zip(rows, means, rank_intervals(p_above, alpha), strict=True)
        if not math.isnan(mean)
    ]
    return sorted(ranked, key=lambda one: one.rank)


def distances(index: ResultsIndex) -> Iterator[Comparison]:
    """Yields the difference of every other row, controls too, from the first `linear` row, in every column."""
    for linear in index.sweep.linear[:1]:
        reference = RowKey(linear, index.sweep.merges_of(linear)[0])
        for row in map(RowKey._make, index.sweep.rows):
            for column in index.columns if row.model != linear else ():
                yield comparison(index, Contrast(row, reference), column)
