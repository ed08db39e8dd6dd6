"""Probability of being better, correlation over seeds: described, not tested."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.stats.distributions import normal_isf
from harness.stats.multiple_testing import LEAST_PAIRS
from harness.stats.pairing import Arms
from harness.stats.t_tests import TINY


def correlation(found: Arms) -> float:
    """Pearson's r between the arms over seeds; NaN below 5 pairs, or where an arm does not vary.

    Of 3 pairs of independent scores a quarter have |r| > .92, so that r says nothing before there are as many as a star
    needs.
    """
    if len(found.differences) < LEAST_PAIRS or min(np.ptp(found.variant), np.ptp(found.base)) <= TINY:
        return math.nan
    return float(np.corrcoef(found.variant, found.base)[0, 1])


class ProbabilityBetter(NamedTuple):
    """Probability that a run of the variant scores above a run of the base, ties counting a half.

    Attributes:
        value: Share of all pairs of a variant's and a base run in which the variant is ahead: the Mann-Whitney U over
            the product of sizes; NaN where an arm is empty.
        low: Lower end of the 95 % interval, which ends at `high`.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan


def p_better(variant: Sequence[float], base: Sequence[float]) -> ProbabilityBetter:
    """Estimates P(variant > base) + P(tie) / 2, with a 95 % interval that stays within 0 and 1.

    The ends are the values t that solve |t - estimate| = z sqrt(V(t)) with the variance of two arms of n and m runs,
    V(t) = t (1 - t) (1 + N (1 - t) / (2 - t) + N t / (1 + t)) / (n m) and N = (n + m) / 2 - 1. It takes arms as
    independent, so that with scores that rise and fall together over seeds it is wider than it need be. Where one arm
    is ahead everywhere it still has a length: 5 against 5 runs say no more than .64 to 1.

    Source:
        Newcombe 2006, Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2
        (method 5); Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks, for the measure.
    """
    if not variant or not base:
        return ProbabilityBetter()
    ahead = np.sign(np.subtract.outer(np.asarray(variant), np.asarray(base)))
    value = float((ahead.mean() + 1) / 2)
    return ProbabilityBetter(value, _lower_end(value, *ahead.shape), 1 - _lower_end(1 - value, *ahead.shape))


def _lower_end(estimate: float, n: int, m: int) -> float:
    """Returns the t up to the estimate that lies z standard errors, as they would be at t, below it."""
    z, more = normal_isf(0.025), (n + m) / 2 - 1
    low, high = 0.0, estimate
    while (middle := (low + high) / 2) not in (low, high):
        shape = 1 + more * (1 - middle) / (2 - middle) + more * middle / (1 + middle)
        is_outside = estimate - middle > z * math.sqrt(middle * (1 - middle) * shape / (n * m))
        low, high = (middle, high) if is_outside else (low, middle)
    return high
