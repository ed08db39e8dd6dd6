"""Simultaneous confidence intervals for ranks, from all pairwise tests."""

from typing import NamedTuple

import numpy as np

from harness.stats.distributions import Array
from harness.stats.multiple_testing import holm


class RankInterval(NamedTuple):
    """The ranks that a row may have, 1 being the highest score; both ends are among them."""

    low: int
    high: int


def rank_intervals(p_above: Array, alpha: float = 0.05) -> list[RankInterval]:
    """Returns intervals that hold the true ranks of all rows together with a probability of at least 1 - alpha.

    The true rank of a row is 1 + the number of rows that truly score higher, so that equal rows share the better rank.
    Holm over the m (m - 1) one-sided tests, each pair in both directions, makes no false statement that one row scores
    above another with a probability of 1 - alpha, under any dependence of the tests. Whenever it makes none, a row's
    rank lies between 1 + the rows that are found above it and m - the rows that are found below it.

    Args:
        p_above: One-sided p of the hypothesis that row i scores no higher than row j, (m, m); NaN on the diagonal and
            where two rows were not compared, which counts as 1.
        alpha: Joint error rate.

    Source:
        Mogstad, Romano, Shaikh & Wilhelm 2024, Inference for ranks with applications to mobility across neighbourhoods
        and academic achievement across countries, section 3; with Holm in place of their bootstrap, which few runs do
        not allow. Al Mohamad, Goeman & van Zwet 2022, Simultaneous confidence intervals for ranks, for the same
        counts from Tukey's test.
    """
    num_rows = len(p_above)
    places = np.nonzero(~np.eye(num_rows, dtype=bool))
    is_above = np.zeros((num_rows, num_rows), dtype=bool)
    is_above[places] = np.array(holm(p_above[places].tolist(), places[0].size)) < alpha
    num_above, num_below = is_above.sum(0).tolist(), is_above.sum(1).tolist()
    return [RankInterval(1 + above, num_rows - below) for above, below in zip(num_above, num_below, strict=True)]
