"""Two arms paired by seed, and the t and sign-flip tests of their mean difference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scores = Mapping[int, float]
"""Seed to score; NaN and infinities count as missing."""
Status = Literal["tested", "identical", "degenerate", "too few pairs", "one seed"]

TINY = 1e-9
"""Relative size below which a spread is rounding noise."""
MOST_EXACT = 40
"""Differences up to which every sign pattern is looked at."""
RESAMPLES = 99_999
"""Sign patterns that are drawn beyond that."""


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


def pair(variant: Scores, base: Scores) -> Pairs:
    """Pairs two arms by seed; never imputes."""
    arms = [{seed for seed, score in arm.items() if math.isfinite(score)} for arm in (variant, base)]
    seeds = sorted(arms[0] & arms[1])
    return Pairs(
        seeds=tuple(seeds),
        variant=tuple(variant[seed] for seed in seeds),
        base=tuple(base[seed] for seed in seeds),
        dropped=tuple(sorted(arms[0] ^ arms[1])),
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
        from scipy.stats import t

        margin = float(t.isf((1 - level) / 2, self.df)) * self.error
        return self.value - margin, self.value + margin

    def p_above(self, bound: float = 0.0) -> float:
        """Returns the one-sided p of the hypothesis that the truth lies at the bound or below it."""
        from scipy.stats import t

        return float(t.sf((self.value - bound) / self.error, self.df))

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


@dataclass(frozen=True)
class TTest:
    """A two-sided t test of a mean difference of zero.

    Attributes:
        status: `tested`; `identical`, all differences are 0 (p = 1); `degenerate`, all of a stratum are the same
            other number (no p); `too few pairs`, a stratum has fewer than 2; `one seed`, set by a caller
            who knows that the seed changed nothing (no p).
        num_pairs: Complete pairs of each stratum.
        difference: Mean over strata of the mean difference, in points.
        sd: Standard deviation (ddof 1) of the differences; of an average, sqrt(sum of variances) / K.
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


def t_test(strata: Sequence[Pairs]) -> TTest:
    """Paired t test for one stratum, stratified t test for several.

    With the mean difference m_k, its variance s_k^2 and n_k pairs in stratum k of K, and
    v_k = s_k^2 / n_k: difference = mean_k m_k, error = sqrt(sum_k v_k) / K, and
    df = (sum_k v_k)^2 / sum_k (v_k^2 / (n_k - 1)), which is n - 1 for one stratum.

    Source:
        Student 1908; Satterthwaite 1946, An approximate distribution of estimates of variance
        components. Runs on different datasets are independent, so seeds are not paired across strata.
    """
    num_pairs = tuple(len(pairs.seeds) for pairs in strata)
    difference, sd = mean_and_sd([pairs.differences for pairs in strata])
    nan = math.nan
    if not strata or min(num_pairs) < 2:
        return TTest("too few pairs", num_pairs, difference, nan, nan, nan, nan, nan, nan, nan)
    differences = np.concatenate([pairs.differences for pairs in strata])
    tiny = TINY * max(1.0, *(abs(score) for pairs in strata for score in pairs.variant + pairs.base))
    if np.abs(differences).max() <= tiny:
        return TTest("identical", num_pairs, 0.0, 0.0, 0.0, 0.0, nan, 1.0, nan, nan)
    if not has_spread([pairs.differences for pairs in strata], tiny):
        return TTest("degenerate", num_pairs, difference, sd, nan, nan, nan, nan, nan, nan)
    error, df = satterthwaite([pairs.differences.var(ddof=1) / len(pairs.seeds) for pairs in strata], num_pairs)
    found = Estimate(difference, error, df)
    p = 2 * found.p_above() if difference > 0 else 2 * found.p_below()
    return TTest("tested", num_pairs, difference, sd, error, difference / error, df, p, *found.interval())


def has_spread(strata: Sequence[Array], tiny: float = TINY) -> bool:
    """Returns whether there is something to test against: some stratum varies, and none is a constant other than 0.

    A constant other than 0 is a difference whose error is unknown, not one without error.

    Args:
        strata: Differences, at least two each.
        tiny: What counts as 0.
    """
    constant = [values for values in strata if values.std(ddof=1) <= tiny]
    return len(constant) < len(strata) and all(abs(values.mean()) <= tiny for values in constant)


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


def satterthwaite(variances: Sequence[float], sizes: Sequence[int]) -> tuple[float, float]:
    """Returns the standard error of the strata's mean, and its degrees of freedom.

    Args:
        variances: Squared standard error of each stratum's mean.
        sizes: Values behind each.
    """
    total = float(sum(variances))
    df = total**2 / sum(float(v) ** 2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    return math.sqrt(total) / len(variances), df


def sign_flip(strata: Sequence[Array]) -> float:
    """Two-sided sign-flip p of the mean over strata of the mean difference, exact where that can be had.

    The share of all sign patterns, independent per stratum and seed, whose statistic is at least as
    far from 0 as the observed one. Exact up to 40 differences, by meeting in the middle: the signed
    sums of one half are sorted, and each sum of the other half is looked up in them. Beyond that,
    (1 + hits) / (1 + draws) over 99,999 draws with a fixed seed.

    Source:
        Fisher 1935, The design of experiments; Pitman 1937; Phipson & Smyth 2010, Permutation
        p-values should never be zero.
    """
    if not strata or min(map(len, strata)) < 1:
        return math.nan
    terms = np.concatenate([np.asarray(values, dtype=float) / len(values) for values in strata])
    reach = abs(terms.sum()) - 1e-10 * np.abs(terms).sum()
    if reach <= 0:
        return 1.0
    if terms.size > MOST_EXACT:
        return _sampled_sign_flip(terms, reach)
    left, right = (np.sort(_signed_sums(half)) for half in np.array_split(terms, 2))
    above = right.size - np.searchsorted(right, reach - left, side="left")
    below = np.searchsorted(right, -reach - left, side="right")
    return float((above.sum() + below.sum()) / 2.0**terms.size)


def _sampled_sign_flip(terms: Array, reach: float) -> float:
    generator, hits = np.random.default_rng(0), 0
    for size in (RESAMPLES // 9,) * 9:
        bits = np.frombuffer(generator.bytes(-(-size * terms.size // 8)), dtype=np.uint8)
        flipped = np.unpackbits(bits, count=size * terms.size).reshape(size, -1).astype(float) @ terms
        hits += int(np.sum(np.abs(terms.sum() - 2 * flipped) >= reach))
    return (1 + hits) / (1 + RESAMPLES)


def _signed_sums(terms: Array) -> Array:
    sums = np.zeros(1)
    for term in terms:
        sums = np.concatenate([sums - term, sums + term])
    return sums
