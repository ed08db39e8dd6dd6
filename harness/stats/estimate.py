"""Mean difference with its standard error: confidence intervals, one-sided and equivalence tests."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.distributions import t_isf, t_sf

MOST_DF = 1e6
"""Degrees of freedom from which on a t distribution is the normal one."""


@dataclass(frozen=True)
class Estimate:
    """A mean difference with its standard error, on a t distribution.

    Attributes:
        value: Difference, in points.
        error: Standard error; above 0.
        df: Degrees of freedom.
    """

    value: float
    error: float
    df: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Returns the ends of the two-sided interval."""
        margin = t_isf((1 - level) / 2, self.df) * self.error
        return self.value - margin, self.value + margin

    def p_above(self, bound: float = 0.0) -> float:
        """Returns the one-sided p of the hypothesis that the truth lies at the bound or below it."""
        return t_sf((self.value - bound) / self.error, self.df)

    def p_below(self, bound: float = 0.0) -> float:
        """Returns the one-sided p of the hypothesis that the truth lies at the bound or above it."""
        return Estimate(-self.value, self.error, self.df).p_above(-bound)

    def p_two_sided(self) -> float:
        """Returns the two-sided p of the hypothesis that the truth is 0."""
        return 2 * min(self.p_above(), self.p_below())

    def p_equivalent(self, low: float, high: float) -> float:
        """Returns the p of two one-sided tests that the truth lies between the bounds.

        It is below .05 exactly where the 90 % interval lies between them.

        Source:
            Schuirmann 1987, A comparison of the two one-sided tests procedure and the power approach.
        """
        return max(self.p_above(low), self.p_below(high))

    def guarded(self, other: "Estimate") -> "Estimate":
        """Returns the estimate, made as unsure as another one of the same difference wherever that is less sure."""
        return _Guarded(self.value, self.error, self.df, other)


@dataclass(frozen=True)
class _Guarded(Estimate):
    """An estimate that is at no level surer than another one of the same difference."""

    other: Estimate

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        (low, high), (other_low, other_high) = super().interval(level), self.other.interval(level)
        return min(low, other_low), max(high, other_high)

    def p_above(self, bound: float = 0.0) -> float:
        return max(super().p_above(bound), self.other.p_above(bound))

    def p_below(self, bound: float = 0.0) -> float:
        return max(super().p_below(bound), self.other.p_below(bound))


def satterthwaite(variances: Sequence[float], sizes: Sequence[int], known: float = 0.0) -> tuple[float, float]:
    """Returns the standard error of the mean of independent means, and its degrees of freedom.

    Args:
        variances: Squared standard error of each mean.
        sizes: Number of values behind each mean.
        known: Variance on top of their sum whose own error does not count.

    Source:
        Satterthwaite 1946, An approximate distribution of estimates of variance components.
    """
    total = float(sum(variances)) + known
    parts = sum(float(v) ** 2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    return math.sqrt(total) / len(variances), min(MOST_DF, total**2 / parts) if parts else MOST_DF
