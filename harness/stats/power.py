"""Power of t tests, detectable differences, seeds needed: asked beforehand, never at the observed difference."""

import math
from bisect import bisect_left

from harness.stats.distributions import chi2_quantile, noncentral_t_outside, t_isf

MOST_PAIRS = 1000
"""Number of seeds at which the search ends."""


def power(difference: float, sd: float, num_pairs: int, alpha: float = 0.05, num_strata: int = 1) -> float:
    """Power of the two-sided t test at a given true difference, paired or Welch's.

    P(|T| > t_{1 - alpha/2, df}) for T of the noncentral t law with df = K (n - 1) degrees of freedom and
    noncentrality |difference| sqrt(n) / sd. NaN without spread or with fewer than 2 pairs. Never ask it at
    the observed difference (Hoenig & Heisey 2001, The abuse of power).

    Args:
        difference: True mean difference.
        sd: Standard deviation of the difference between two runs, of one seed where seeds pair; of an average of K
            strata, sqrt(sum of variances) / K.
        num_pairs: Number of pairs in each stratum, or of runs of each arm.
        alpha: Two-sided level.
        num_strata: Number K of strata; twice that where seeds do not pair, as each arm is a sample of its own.
            Satterthwaite's and Welch's degrees of freedom are K (n - 1) where the variances are alike.
    """
    if num_pairs < 2 or not sd > 0:
        return math.nan
    df = num_strata * (num_pairs - 1)
    shift = abs(difference) * math.sqrt(num_pairs) / sd
    return noncentral_t_outside(t_isf(alpha / 2, df), df, shift)


def seeds_needed(
    difference: float, sd: float, alpha: float = 0.05, wanted: float = 0.8, num_strata: int = 1
) -> int | None:
    """Returns the least number of pairs with the wanted power; None if 1000 are not enough, or there is no spread."""
    if not sd > 0:
        return None
    numbers = range(2, MOST_PAIRS + 1)
    place = bisect_left(numbers, wanted, key=lambda n: power(difference, sd, n, alpha, num_strata))
    return numbers[place] if place < len(numbers) else None


def detectable(sd: float, num_pairs: int, alpha: float = 0.05, wanted: float = 0.8, num_strata: int = 1) -> float:
    """Returns the least true difference that is found with the wanted power; NaN where `power` is."""
    if math.isnan(power(1.0, sd, num_pairs, alpha, num_strata)):
        return math.nan
    from scipy.optimize import brentq

    high = sd
    while power(high, sd, num_pairs, alpha, num_strata) < wanted:
        high *= 2
    return float(brentq(lambda one: power(one, sd, num_pairs, alpha, num_strata) - wanted, 0.0, high, xtol=1e-9 * sd))


def upper_sd(sd: float, num_pairs: int, confidence: float = 0.8) -> float:
    """Returns the upper confidence limit of a standard deviation that was found in a pilot.

    sd sqrt((n - 1) / chi2_{1 - confidence, n - 1}): a plan on the pilot's own value would be too small in about
    half of all studies (Kieser & Wassmer 1996, On the use of the upper confidence limit for the variance from a
    pilot sample for sample size determination).
    """
    if num_pairs < 2:
        return math.nan
    return sd * math.sqrt((num_pairs - 1) / chi2_quantile(1 - confidence, num_pairs - 1))
