"""Simultaneous confidence intervals that match Holm's procedure: all of a family's differences at once."""

import math
from collections.abc import Sequence

from harness.stats.distributions import t_isf
from harness.stats.estimate import Estimate
from harness.stats.multiple_testing import holm

Interval = tuple[float, float]


def simultaneous_intervals(found: Sequence[Estimate | None], size: int, alpha: float = 0.05) -> list[Interval]:
    """Returns intervals that cover all true differences together with a probability of at least 1 - alpha.

    Lower and upper ends are two families of one-sided bounds at alpha / 2, each compatible with Holm over the one-sided
    p-values of its direction, of which A of m are not rejected. A bound that is rejected is 0, which it excludes;
    only where A is 0 it is that of alpha / (2m), if that lies beyond 0. Any other is the bound of alpha / (2A),
    which lies on the far side of 0. This holds under any dependence of the tests.

    An interval that excludes 0 belongs to a difference that two-sided Holm at alpha rejects; and where all that Holm
    rejects have one sign, every such interval excludes 0. Where the signs differ, the last to be rejected may keep 0.
    No finite intervals could match two-sided Holm there as well: with one true difference of 0 beside large ones, Holm
    spends all of alpha on that one, and nothing is left for the ends of the others.

    Args:
        found: Differences with their errors; None where nothing was tested, which counts as not rejected.
        size: Planned size m of the family; planned tests that are not in `found` count as not rejected.
        alpha: Joint error rate of both directions.

    Returns:
        The ends of each interval, NaN where nothing was tested. An end of exactly 0 is not part of the interval.

    Source:
        Guilbaud 2008, Simultaneous confidence regions corresponding to Holm's step-down procedure and other
        closed-testing procedures; Strassburger & Bretz 2008, Compatible simultaneous lower confidence bounds for the
        Holm procedure and other Bonferroni-based closed tests.
    """
    lower = _lower_ends(found, size, alpha / 2)
    turned = [one and Estimate(-one.value, one.error, one.df) for one in found]
    return [(low, 0.0 - high) for low, high in zip(lower, _lower_ends(turned, size, alpha / 2), strict=True)]


def _lower_ends(found: Sequence[Estimate | None], size: int, alpha: float) -> list[float]:
    """Returns one-sided bounds from below that hold together with a probability of 1 - alpha."""
    adjusted = holm([one.p_above() if one else math.nan for one in found], size)
    num_left = size - sum(p < alpha for p in adjusted)
    ends = []
    for one, p in zip(found, adjusted, strict=True):
        if one is None:
            ends.append(math.nan)
        elif p < alpha and num_left:
            ends.append(0.0)
        else:
            bound = one.value - t_isf(alpha / (num_left or size), one.df) * one.error
            ends.append(max(0.0, bound) if p < alpha else bound)
    return ends
