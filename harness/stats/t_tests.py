"""Paired, Welch's and stratified t tests of a mean difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.stats.distributions import Array
from harness.stats.estimate import Estimate, satterthwaite
from harness.stats.pairing import Arms

Status = Literal["tested", "identical", "degenerate", "too few pairs", "one seed"]

TINY = 1e-9
"""Relative size below which a spread is rounding noise."""


@dataclass(frozen=True)
class TTest:
    """A two-sided t test of a mean difference of zero.

    Attributes:
        status: `tested`; `identical`, all differences are 0 (p = 1); `degenerate`, all of a stratum are the same
            other number (no p); `too few pairs`, a stratum has fewer than 2; `one seed`, set by a caller
            who knows that the seed changed nothing (no p).
        num_pairs: Complete pairs of each stratum; where seeds do not pair, runs of the smaller arm.
        difference: Mean over strata of the mean difference, in points.
        sd: Standard deviation (ddof 1) of the difference between two runs, of one seed where seeds pair; of an
            average, sqrt(sum of variances) / K.
        error: Standard error of the difference; `statistic` is their ratio, Student's t.
        p: Two-sided p; NaN where there is no test.
        low: Lower end of the 95 % interval of the difference, which ends at `high`.
    """

    status: Status
    num_pairs: tuple[int, ...]
    difference: float = math.nan
    sd: float = math.nan
    error: float = math.nan
    statistic: float = math.nan
    df: float = math.nan
    p: float = math.nan
    low: float = math.nan
    high: float = math.nan

    @property
    def estimate(self) -> Estimate | None:
        """The difference with its error; None where there is no test."""
        return Estimate(self.difference, self.error, self.df) if self.status == "tested" else None

    @property
    def has_p(self) -> bool:
        """Whether there is a p, of a test or of arms that are the same."""
        return self.status in ("tested", "identical")


def t_test(strata: Sequence[Arms]) -> TTest:
    """Tests a mean difference: paired t or Welch's for one stratum, stratified t for several.

    A stratum's difference is the sum of the means of independent samples: one of differences where seeds pair, the two
    arms where they do not. With the variance s_i^2 of sample i, its size n_i and v_i = s_i^2 / n_i, over K strata:
    difference = (sum of means) / K, error = sqrt(sum_i v_i) / K, and df = (sum_i v_i)^2 / sum_i (v_i^2 / (n_i - 1)),
    which for a single sample is n - 1. Runs on different datasets are independent, so seeds are not paired across
    strata.

    Source:
        Student 1908; Welch 1947, The generalization of Student's problem when several different population variances
        are involved; Satterthwaite 1946.
    """
    num_pairs = tuple(one.size for one in strata)
    samples = [sample for one in strata for sample in one.samples]
    scale = len(samples) / max(1, len(strata))
    difference, sd = (scale * value for value in mean_and_sd(samples))
    if not strata or min(num_pairs) < 2:
        return TTest("too few pairs", num_pairs, difference)
    tiny = TINY * max(1.0, *(abs(score) for one in strata for score in one.variant + one.base))
    status = spread([one.samples for one in strata], tiny)
    if status == "identical":
        return TTest(status, num_pairs, difference=0.0, sd=0.0, error=0.0, statistic=0.0, p=1.0)
    if status == "degenerate":
        return TTest(status, num_pairs, difference, sd)
    error, df = satterthwaite([values.var(ddof=1) / values.size for values in samples], [len(one) for one in samples])
    found = Estimate(difference, scale * error, df)
    p = 2 * found.p_above() if difference > 0 else 2 * found.p_below()
    return TTest(status, num_pairs, difference, sd, found.error, difference / found.error, df, p, *found.interval())


def spread(strata: Sequence[Sequence[Array]], tiny: float = TINY) -> Literal["tested", "identical", "degenerate"]:
    """Classifies the spread: `tested` if some stratum varies, `identical` if all are 0, else `degenerate`.

    One constant stratum other than 0 makes all degenerate: its error is unknown, which is not to have none.

    Args:
        strata: Independent samples of each stratum, at least two values each; the sum of their means is its difference.
        tiny: What counts as 0.
    """
    constant = [samples for samples in strata if all(values.std(ddof=1) <= tiny for values in samples)]
    if any(abs(sum(values.mean() for values in samples)) > tiny for samples in constant):
        return "degenerate"
    return "identical" if len(constant) == len(strata) else "tested"


def mean_and_sd(strata: Sequence[Sequence[float] | Array]) -> tuple[float, float]:
    """Returns the mean of the strata's means, and sqrt(sum of variances with ddof 1) / K.

    The mean is NaN where a stratum is empty, the standard deviation where one has a single value.
    """
    if not strata or min(map(len, strata)) < 1:
        return math.nan, math.nan
    mean = float(np.mean([np.mean(values) for values in strata]))
    if min(map(len, strata)) < 2:
        return mean, math.nan
    return mean, math.sqrt(sum(float(np.var(values, ddof=1)) for values in strata)) / len(strata)
