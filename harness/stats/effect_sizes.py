"""How large a difference is, and what scores over seeds look like: described, not tested."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.t_tests import TINY, Arms, Stratum, t_test

LEAST_DEVIATION = 0.2
"""Least median absolute deviation, in points, in judging that a run collapsed."""


def correlation(pairs: Stratum) -> float:
    """Pearson's r between the arms over seeds; NaN without pairs, below 3 of them, or where an arm does not vary."""
    if isinstance(pairs, Arms) or pairs.size < 3 or min(np.ptp(pairs.variant), np.ptp(pairs.base)) <= TINY:
        return math.nan
    return float(np.corrcoef(pairs.variant, pairs.base)[0, 1])


@dataclass(frozen=True)
class Effect:
    """How large a difference is, beside its mean; NaN where it does not exist.

    Attributes:
        d_z: Mean difference over the standard deviation of the differences.
        g_z: The same without its small-sample bias (Hedges).
        wins: Seeds on which the variant is ahead; None where seeds do not pair.
        p_better: Share of all pairs of a variant's and a base run in which the variant is ahead, ties a half:
            the Mann-Whitney U over the product of sizes, and P(variant > base) of Bouthillier et al. 2021.
    """

    d_z: float
    g_z: float
    wins: int | None
    p_better: float


def effect(found: Stratum) -> Effect:
    """Measures a difference in one stratum; d_z and g_z are of pairs.

    g_z = J d_z with J = Gamma((n-1)/2) / (sqrt((n-1)/2) Gamma((n-2)/2)).

    Source:
        Hedges 1981, Distribution theory for Glass's estimator of effect size; Mann & Whitney 1947.
    """
    ahead = np.sign(np.subtract.outer(np.asarray(found.variant), np.asarray(found.base)))
    p_better = float((ahead.mean() + 1) / 2) if ahead.size else math.nan
    if isinstance(found, Arms):
        return Effect(math.nan, math.nan, None, p_better)
    num_pairs, wins = found.size, int(np.sum(found.differences > 0))
    test = t_test([found])
    if test.status != "tested":
        return Effect(math.nan, math.nan, wins, p_better)
    d_z = test.difference / test.sd
    if num_pairs < 3:
        return Effect(d_z, math.nan, wins, p_better)
    half = (num_pairs - 1) / 2
    shrink = math.exp(math.lgamma(half) - math.lgamma(half - 0.5)) / math.sqrt(half)
    return Effect(d_z, shrink * d_z, wins, p_better)


def quartiles(scores: Sequence[float]) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile; NaN where there are no scores."""
    if not scores:
        return math.nan, math.nan, math.nan
    low, median, high = np.quantile(scores, (0.25, 0.5, 0.75))
    return float(low), float(median), float(high)


def collapsed(scores: Sequence[float]) -> list[bool]:
    """Says which runs lie far below the median: finished, kept in every number, and worth a look.

    Far is 10 times the median absolute deviation, taken as a fifth of a point at least: over five seeds three scores
    often lie close together by chance, and a run a point below them has not collapsed. Of 100,000 cells of five
    normal scores 3.6 % have such a run without that floor, at any sd; with it none at an sd of .3, .02 % at .5
    and .4 % at .7. A run more than two points below a median that the others agree on is always one.
    """
    if len(scores) < 3:
        return [False] * len(scores)
    median = np.median(scores)
    spread = np.median(np.abs(np.asarray(scores) - median))
    return (np.asarray(scores) < median - 10 * max(spread, LEAST_DEVIATION)).tolist()
