"""Power of t tests, detectable differences, seeds needed: asked beforehand, never at the observed difference."""

import math
from bisect import bisect_left
from functools import lru_cache

import numpy as np

from harness.stats.distributions import Array, chi2_quantile, noncentral_t_outside, t_isf

MOST_PAIRS = 1000
"""Number of seeds at which the search ends."""
LEAST_PILOT = 3
"""Number of pairs from which on their standard deviation says anything about further ones."""
_POINTS = 4096

Shares = tuple[float, ...]
"""Variances of one value of each independent sample behind a difference, up to a common factor.

One sample of differences where seeds pair, two arms where they do not; of an average, those of all its strata.
"""


def power(difference: float, sd: float, num_pairs: int, alpha: float = 0.05, shares: Shares = (1.0,)) -> float:
    """Power of the two-sided t test at a given true difference: paired, Welch's or stratified.

    For one sample P(|T| > t_{1 - alpha/2, n - 1}) for T of the noncentral t law with noncentrality
    d = |difference| sqrt(n) / sd. The degrees of freedom of several samples are Satterthwaite's, which depend on the
    sample variances: at K (n - 1), their most, a power of .8 would be promised where .7 happens (K = 3, n = 4,
    alpha = .05 / 8). It is the mean of P(|Z + d| > t_{1 - alpha/2, df(s)} x sqrt(sum of s^2 / sum of sigma^2)) over
    the law of the variances s^2, whose error is below .002. NaN without spread or with fewer than 2 pairs. Never ask
    it at the observed difference (Hoenig & Heisey 2001, The abuse of power).

    Args:
        difference: True mean difference.
        sd: Standard deviation of the difference between two runs, of one seed where seeds pair; of an average of K
            strata, sqrt(sum of variances) / K.
        num_pairs: Number of pairs in each stratum, or of runs of each arm.
        alpha: Two-sided level.
        shares: How the variance is shared between samples.
    """
    if num_pairs < 2 or not sd > 0:
        return math.nan
    shift = abs(difference) * math.sqrt(num_pairs) / sd
    if len(shares) == 1:
        return noncentral_t_outside(t_isf(alpha / 2, num_pairs - 1), num_pairs - 1, shift)
    from scipy.special import ndtr

    bounds = _bounds(num_pairs, alpha, shares)
    return float(np.mean(ndtr(shift - bounds) + ndtr(-shift - bounds)))


@lru_cache(maxsize=512)
def _bounds(num_pairs: int, alpha: float, shares: Shares) -> Array:
    """Returns what |Z + d| must exceed, at points that are spread evenly over the law of the sample variances.

    The points are an additive recurrence by powers of the generalised golden ratio, so that equal questions have
    equal answers (Roberts 2018, The unreasonable effectiveness of quasirandom sequences).
    """
    from scipy.special import gammaincinv, stdtrit

    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (len(shares) + 1))
    steps = np.outer(np.arange(1, _POINTS + 1), ratio ** -np.arange(1.0, len(shares) + 1))
    variances = 2 / (num_pairs - 1) * gammaincinv((num_pairs - 1) / 2, (0.5 + steps) % 1)
    variances *= np.array(shares) / sum(shares)
    total = variances.sum(1)
    df = (num_pairs - 1) * total**2 / (variances**2).sum(1)
    bounds: Array = -stdtrit(df, alpha / 2) * np.sqrt(total)
    return bounds


def seeds_needed(
    difference: float, sd: float, alpha: float = 0.05, wanted: float = 0.8, shares: Shares = (1.0,)
) -> int | None:
    """Returns the least number of pairs with the wanted power; None if 1000 are not enough, or there is no spread."""
    if not sd > 0:
        return None
    numbers = range(2, MOST_PAIRS + 1)
    place = bisect_left(numbers, wanted, key=lambda n: power(difference, sd, n, alpha, shares))
    return numbers[place] if place < len(numbers) else None


def detectable(sd: float, num_pairs: int, alpha: float = 0.05, wanted: float = 0.8, shares: Shares = (1.0,)) -> float:
    """Returns the least true difference that is found with the wanted power; NaN where `power` is."""
    if math.isnan(power(1.0, sd, num_pairs, alpha, shares)):
        return math.nan
    from scipy.optimize import brentq

    high = sd
    while power(high, sd, num_pairs, alpha, shares) < wanted:
        high *= 2
    return float(brentq(lambda one: power(one, sd, num_pairs, alpha, shares) - wanted, 0.0, high, xtol=1e-9 * sd))


def upper_sd(sd: float, num_pairs: int, confidence: float = 0.8) -> float:
    """Returns the upper confidence limit of a standard deviation that was found in a pilot; NaN below 3 pairs.

    sd sqrt((n - 1) / chi2_{1 - confidence, n - 1}): a plan on the pilot's own value would be too small in about
    half of all studies (Kieser & Wassmer 1996, On the use of the upper confidence limit for the variance from a
    pilot sample for sample size determination).
    """
    if num_pairs < LEAST_PILOT:
        return math.nan
    return sd * math.sqrt((num_pairs - 1) / chi2_quantile(1 - confidence, num_pairs - 1))
