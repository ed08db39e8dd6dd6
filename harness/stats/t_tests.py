"""Two arms, paired by seed or not, and the t tests of their mean difference."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.stats.distributions import Array, t_isf, t_sf

Scores = Mapping[int, float]
"""Seed to score; NaN and infinities count as missing."""
Status = Literal["tested", "identical", "degenerate", "too few pairs", "one seed"]

TINY = 1e-9
"""Relative size below which a spread is rounding noise."""
MOST_DF = 1e6
"""Degrees of freedom from which on a t law is the normal one."""


@dataclass(frozen=True)
class Pairs:
    """Scores of two arms on the seeds that both finished.

    Attributes:
        seeds: In rising order.
        variant: One score per seed.
        base: One score per seed.
        dropped: Seeds that only one arm finished.
    """

    seeds: tuple[int, ...]
    variant: tuple[float, ...]
    base: tuple[float, ...]
    dropped: tuple[int, ...]

    @property
    def differences(self) -> Array:
        """Variant minus base, per seed."""
        return np.asarray(self.variant, dtype=float) - np.asarray(self.base, dtype=float)

    @property
    def samples(self) -> tuple[Array, ...]:
        """Independent samples whose means add up to the mean difference: the differences."""
        return (self.differences,)

    @property
    def arms(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The seeds of the variant and those of the base."""
        return self.seeds, self.seeds

    @property
    def size(self) -> int:
        """Pairs."""
        return len(self.seeds)


@dataclass(frozen=True)
class Arms:
    """Scores of two arms whose runs do not belong to each other.

    Attributes:
        arms: The seeds of the variant and those of the base, in rising order.
        variant: One score per seed of the variant.
        base: One score per seed of the base.
        dropped: Seeds whose runs were made on something else than those of the other arm.
    """

    arms: tuple[tuple[int, ...], tuple[int, ...]]
    variant: tuple[float, ...]
    base: tuple[float, ...]
    dropped: tuple[int, ...]

    @property
    def samples(self) -> tuple[Array, ...]:
        """Independent samples whose means add up to the mean difference: the variant, and the base turned."""
        return np.asarray(self.variant, dtype=float), -np.asarray(self.base, dtype=float)

    @property
    def size(self) -> int:
        """Runs of the smaller arm."""
        return min(len(self.variant), len(self.base))


Stratum = Pairs | Arms
"""Two arms on one dataset."""
Join = Callable[[Scores, Scores], Stratum]
"""Puts a variant and its base together."""


def as_pairs(variant: Scores, base: Scores) -> Pairs:
    """Pairs two arms by seed; never imputes."""
    arms = [{seed for seed, score in arm.items() if math.isfinite(score)} for arm in (variant, base)]
    seeds = sorted(arms[0] & arms[1])
    return Pairs(
        seeds=tuple(seeds),
        variant=tuple(variant[seed] for seed in seeds),
        base=tuple(base[seed] for seed in seeds),
        dropped=tuple(sorted(arms[0] ^ arms[1])),
    )


def same_origin(arms: Sequence[Scores], made_on: Callable[[int], str]) -> list[dict[int, float]]:
    """Keeps of several arms the runs that were made on the same thing: on what leaves most in the smallest arm.

    Runs without partners can only be compared as whole arms, and arms of different mixtures of hardware differ by that.

    Args:
        arms: Scores by seed.
        made_on: What the run of a seed was made on.
    """
    found = [{seed: score for seed, score in sorted(arm.items()) if math.isfinite(score)} for arm in arms]
    kinds = sorted({made_on(seed) for arm in found for seed in arm})
    kept = [[{seed: arm[seed] for seed in arm if made_on(seed) == kind} for arm in found] for kind in kinds]
    best = max(kept, key=lambda choice: min(map(len, choice)), default=found)
    return best if min(map(len, best)) else [{} for _ in found]


def as_arms(variant: Scores, base: Scores, made_on: Callable[[int], str] = lambda seed: "") -> Arms:
    """Puts two arms side by side whose seeds mean nothing to each other."""
    one, other = same_origin((variant, base), made_on)
    finite = [{seed for seed, score in arm.items() if math.isfinite(score)} for arm in (variant, base)]
    left_out = (finite[0] - one.keys()) | (finite[1] - other.keys())
    return Arms(
        arms=(tuple(one), tuple(other)),
        variant=tuple(one.values()),
        base=tuple(other.values()),
        dropped=tuple(sorted(left_out)) if all(finite) else (),
    )


@dataclass(frozen=True)
class Estimate:
    """A mean difference with its standard error, on a t law.

    Attributes:
        value: The difference, in points.
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

    def p_equivalent(self, low: float, high: float) -> float:
        """Returns the p of two one-sided tests that the truth lies between the bounds.

        Below .05 exactly where the 90 % interval lies between them.

        Source:
            Schuirmann 1987, A comparison of the two one-sided tests procedure and the power approach.
        """
        return max(self.p_above(low), self.p_below(high))

    def times(self, factor: float) -> "Estimate":
        """Returns the estimate on another scale."""
        return Estimate(factor * self.value, abs(factor) * self.error, self.df)

    def guarded(self, other: "Estimate") -> "Estimate":
        """Returns the estimate made as unsure as another one of the same difference, wherever that is less sure."""
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

    def times(self, factor: float) -> Estimate:
        return super().times(factor).guarded(self.other.times(factor))


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
        error: Standard error of the difference.
        statistic: Student's t.
        df: Its degrees of freedom.
        p: Two-sided; NaN where there is no test.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
    """

    status: Status
    num_pairs: tuple[int, ...]
    difference: float
    sd: float
    error: float
    statistic: float
    df: float
    p: float
    low: float
    high: float

    @property
    def estimate(self) -> Estimate | None:
        """The difference on its t law; None where there is no test."""
        return Estimate(self.difference, self.error, self.df) if self.status == "tested" else None


def t_test(strata: Sequence[Stratum]) -> TTest:
    """Tests a mean difference: paired t or Welch's for one stratum, stratified t for several.

    A stratum's difference is the sum of the means of independent samples: one of differences where seeds pair, the two
    arms where they do not. With the variance s_i^2 of sample i, its size n_i and v_i = s_i^2 / n_i, over K strata:
    difference = (sum of means) / K, error = sqrt(sum_i v_i) / K, and df = (sum_i v_i)^2 / sum_i (v_i^2 / (n_i - 1)),
    which for a single sample is n - 1. Pairing is planned and never chosen after a look: it holds its level at any
    correlation between the arms, loses a little power at none and gains from about .3 on.

    Source:
        Student 1908; Welch 1947, The generalization of Student's problem when several different population variances
        are involved; Satterthwaite 1946, An approximate distribution of estimates of variance components. Runs on
        different datasets are independent, so seeds are not paired across strata.
    """
    num_pairs = tuple(one.size for one in strata)
    samples = [sample for one in strata for sample in one.samples]
    scale = len(samples) / max(1, len(strata))
    difference, sd = (scale * value for value in mean_and_sd(samples))
    nan = math.nan
    if not strata or min(num_pairs) < 2:
        return TTest("too few pairs", num_pairs, difference, nan, nan, nan, nan, nan, nan, nan)
    tiny = TINY * max(1.0, *(abs(score) for one in strata for score in one.variant + one.base))
    status = spread([one.samples for one in strata], tiny)
    if status == "identical":
        return TTest(status, num_pairs, 0.0, 0.0, 0.0, 0.0, nan, 1.0, nan, nan)
    if status == "degenerate":
        return TTest(status, num_pairs, difference, sd, nan, nan, nan, nan, nan, nan)
    error, df = satterthwaite([values.var(ddof=1) / values.size for values in samples], [len(one) for one in samples])
    found = Estimate(difference, scale * error, df)
    p = 2 * found.p_above() if difference > 0 else 2 * found.p_below()
    return TTest(status, num_pairs, difference, sd, found.error, difference / found.error, df, p, *found.interval())


def spread(strata: Sequence[Sequence[Array]], tiny: float = TINY) -> Literal["tested", "identical", "degenerate"]:
    """Says whether there is something to test against: some stratum varies, and none is a constant other than 0.

    A constant other than 0 is a difference whose error is unknown, not one without error.

    Args:
        strata: Of each its independent samples, at least two values each; the sum of their means is its difference.
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


def satterthwaite(variances: Sequence[float], sizes: Sequence[int], known: float = 0.0) -> tuple[float, float]:
    """Returns the standard error of the mean of some independent means, and its degrees of freedom.

    Args:
        variances: Squared standard error of each mean.
        sizes: Values behind each.
        known: A variance on top of their sum whose own error does not count.
    """
    total = float(sum(variances)) + known
    parts = sum(float(v) ** 2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    return math.sqrt(total) / len(variances), min(MOST_DF, total**2 / parts) if parts else MOST_DF
