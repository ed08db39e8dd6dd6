"""Tests, intervals and power for scores measured over seeds: pure NumPy and SciPy.

The unit of replication is a training run; two arms are paired by seed. A *stratum* is one dataset:
a cell of the table is one stratum, an average column has one per dataset, and every function here
takes a list of strata, so that cells and averages share one formula. Scores are F in points.
SciPy is imported where it is needed, because a plan only asks what is reachable at all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scores = Mapping[int, float]
"""Seed to score; NaN and infinities count as missing."""
Status = Literal["tested", "identical", "degenerate", "too few pairs", "one seed"]
Agreement = Literal["≈", ">", "<", "uninformative", "degenerate", "n/a"]

LEAST_PAIRS = 5
"""Complete pairs that a star needs."""
LEAST_DEVIATION = 0.5
"""Least median absolute deviation, in points, in judging that a run collapsed."""
_TINY = 1e-9
_MOST_EXACT = 40
_RESAMPLES = 99_999


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
class TTest:
    """A two-sided t test of a mean difference of zero.

    Attributes:
        status: `tested`; `identical`, all differences are 0 (p = 1); `degenerate`, all are the same
            other number (no p); `too few pairs`, a stratum has fewer than 2; `one seed`, set by a caller
            who knows that the seed changed nothing (no p).
        num_pairs: Complete pairs of each stratum.
        difference: Mean over strata of the mean difference, in points.
        sd: Standard deviation (ddof 1) of the differences; of an average, sqrt(sum of variances) / K.
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
    statistic: float
    df: float
    p: float
    low: float
    high: float


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
        return TTest("too few pairs", num_pairs, difference, nan, nan, nan, nan, nan, nan)
    differences = np.concatenate([pairs.differences for pairs in strata])
    tiny = _TINY * max(1.0, *(abs(score) for pairs in strata for score in pairs.variant + pairs.base))
    if np.abs(differences).max() <= tiny:
        return TTest("identical", num_pairs, 0.0, 0.0, 0.0, nan, 1.0, nan, nan)
    if sd <= tiny:
        return TTest("degenerate", num_pairs, difference, sd, nan, nan, nan, nan, nan)
    from scipy.stats import t

    error, df = _satterthwaite([pairs.differences.var(ddof=1) / len(pairs.seeds) for pairs in strata], num_pairs)
    statistic = difference / error
    margin = float(t.isf(0.025, df)) * error
    p = 2 * float(t.sf(abs(statistic), df))
    return TTest("tested", num_pairs, difference, sd, statistic, df, p, difference - margin, difference + margin)


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


def _satterthwaite(variances: Sequence[float], sizes: Sequence[int]) -> tuple[float, float]:
    """Returns the standard error of the strata's mean, and its degrees of freedom."""
    total = float(sum(variances))
    df = total**2 / sum(float(v) ** 2 / (n - 1) for v, n in zip(variances, sizes, strict=True))
    return math.sqrt(total) / len(variances), df


def sign_flip(strata: Sequence[Array]) -> float:
    """Exact two-sided sign-flip p of the mean over strata of the mean difference.

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
    if terms.size > _MOST_EXACT:
        signs = np.random.default_rng(0).integers(0, 2, size=(_RESAMPLES, terms.size), dtype=np.int8) * 2 - 1
        return float((1 + np.sum(np.abs(signs @ terms) >= reach)) / (1 + _RESAMPLES))
    left, right = (np.sort(_signed_sums(half)) for half in np.array_split(terms, 2))
    above = right.size - np.searchsorted(right, reach - left, side="left")
    below = np.searchsorted(right, -reach - left, side="right")
    return float((above.sum() + below.sum()) / 2.0**terms.size)


def _signed_sums(terms: Array) -> Array:
    sums = np.zeros(1)
    for term in terms:
        sums = np.concatenate([sums - term, sums + term])
    return sums


def least_reachable_p(num_pairs: int, family_size: int = 1) -> float:
    """Returns the least p that the exact sign flip can give after the first Holm step.

    min(1, family_size x 2 / 2^num_pairs): all differences of one sign. The exact Wilcoxon test shares it.
    """
    return min(1.0, family_size * 2.0 ** (1 - num_pairs))


def pairs_to_reach(alpha: float = 0.05, family_size: int = 1) -> int:
    """Returns the least number of pairs at which the exact sign flip can pass the first Holm step."""
    num_pairs = 1
    while least_reachable_p(num_pairs, family_size) > alpha:
        num_pairs += 1
    return num_pairs


def why_no_star(num_pairs: int) -> str:
    """Returns why so few complete pairs get no star whatever their scores; empty where they may."""
    if num_pairs >= LEAST_PAIRS:
        return ""
    return f"{num_pairs} complete {'pair' if num_pairs == 1 else 'pairs'}; a star needs at least {LEAST_PAIRS}"


def holm(p: Sequence[float], size: int) -> list[float]:
    """Holm-adjusted p-values, which control the family-wise error under any dependence.

    The i-th smallest of m becomes max over j <= i of (m - j + 1) p_(j), at most 1.

    Args:
        p: Raw p-values; NaN counts as 1 and stays NaN in the answer.
        size: Planned size m of the family; planned tests that are not in `p` count as 1.

    Source:
        Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    return _adjust(p, size, lambda ranked: np.maximum.accumulate(ranked * (size - np.arange(ranked.size))))


def benjamini_hochberg(p: Sequence[float], size: int) -> list[float]:
    """Benjamini-Hochberg q-values: the i-th smallest of m becomes min over j >= i of m p_(j) / j.

    Args:
        p: As in `holm`.
        size: As in `holm`.

    Source:
        Benjamini & Hochberg 1995, Controlling the false discovery rate.
    """

    def step_up(ranked: Array) -> Array:
        return np.minimum.accumulate((ranked * size / np.arange(1, ranked.size + 1))[::-1])[::-1]

    return _adjust(p, size, step_up)


def _adjust(p: Sequence[float], size: int, step: Callable[[Array], Array]) -> list[float]:
    assert len(p) <= size, "more tests than planned"
    raw = np.asarray(p, dtype=float)
    filled = np.where(np.isnan(raw), 1.0, raw)
    order = np.argsort(filled, kind="stable")
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(step(filled[order]), 1.0)
    return np.where(np.isnan(raw), math.nan, adjusted).tolist()


def star_levels(alpha: float) -> list[float]:
    """Returns the levels of one, two and three stars: alpha, and those of .01 and .001 below it."""
    return [alpha, *(level for level in (0.01, 0.001) if level < alpha)]


def confidence_set(members: Sequence[Sequence[Scores]], size: int) -> list[bool]:
    """Says of each member of a group whether it may be the best one.

    A member leaves if some other beats it in a one-sided (stratified) paired t test at
    .05 / (size - 1). The truly best one is dropped with a probability of at most 5 %, whichever is
    numerically best.

    Args:
        members: Scores of each member, one mapping per stratum; an empty one can neither beat nor be beaten.
        size: Planned number of members.

    Source:
        Hsu 1984, Constrained simultaneous confidence intervals for multiple comparisons with the best;
        Gupta 1965, On some multiple decision (selection and ranking) rules.
    """

    def beaten(loser: Sequence[Scores], winner: Sequence[Scores]) -> bool:
        test = t_test([pair(better, worse) for better, worse in zip(winner, loser, strict=True)])
        if test.status != "tested" or test.statistic <= 0:
            return False
        return test.p / 2 < 0.05 / (size - 1)

    return [not any(beaten(one, other) for other in members if other is not one) for one in members]


@dataclass(frozen=True)
class Prediction:
    """Where a further single run, rounded as published, would lie.

    Attributes:
        label: `≈`, the published number lies inside; `>`, ours is higher; `<`, ours is lower;
            `uninformative`, fewer than 3 seeds or a half-width above 2 points; `degenerate`, no spread
            over seeds; `n/a`, fewer than 2 seeds.
        low: Lower end of the 95 % interval, in points.
        high: Upper end.
        half_width: Half its width.
        p: Two-sided, of the published number as a further run (without the rounding).
    """

    label: Agreement
    low: float
    high: float
    half_width: float
    p: float


def prediction(strata: Sequence[Sequence[float]], published: float, rounding: float = 0.005) -> Prediction:
    """Judges a published single run by the 95 % prediction interval of ours.

    mean +- (t_{.975, df} x s x sqrt(1 + 1/n) + rounding), df = n - 1. For an average of K strata the
    squared error is sum_k s_k^2 (1 + 1/n_k) / K^2, with Satterthwaite's degrees of freedom.

    Source:
        Spence & Stanley 2016, Prediction interval: what to expect when you're expecting a replication.
    """
    mean, sd = mean_and_sd(strata)
    sizes = [len(values) for values in strata]
    if math.isnan(sd):
        return Prediction("n/a", math.nan, math.nan, math.nan, math.nan)
    if sd <= _TINY * max(1.0, abs(mean)):
        return Prediction("degenerate", math.nan, math.nan, math.nan, math.nan)
    from scipy.stats import t

    error, df = _satterthwaite([float(np.var(values, ddof=1)) * (1 + 1 / len(values)) for values in strata], sizes)
    half_width = float(t.isf(0.025, df)) * error + rounding
    label: Agreement = "≈" if abs(published - mean) <= half_width else ">" if mean > published else "<"
    if min(sizes) < 3 or half_width > 2:
        label = "uninformative"
    p = 2 * float(t.sf(abs(published - mean) / error, df))
    return Prediction(label, mean - half_width, mean + half_width, half_width, p)


def power(difference: float, sd: float, num_pairs: int, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test at a given true difference.

    P(|T| > t_{1 - alpha/2, n - 1}) for T of the noncentral t law with n - 1 degrees of freedom and
    noncentrality |difference| sqrt(n) / sd. NaN without spread or with fewer than 2 pairs. Never ask
    it at the observed difference (Hoenig & Heisey 2001, The abuse of power).
    """
    if num_pairs < 2 or not sd > 0:
        return math.nan
    from scipy.stats import nct, t

    shift = abs(difference) * math.sqrt(num_pairs) / sd
    critical = float(t.isf(alpha / 2, num_pairs - 1))
    # SciPy answers NaN in the far tails, where the left one is empty and the right one is everything.
    right = np.nan_to_num(nct.sf(critical, num_pairs - 1, shift), nan=1.0)
    left = np.nan_to_num(nct.cdf(-critical, num_pairs - 1, shift), nan=0.0)
    return min(1.0, float(right + left))


def seeds_needed(difference: float, sd: float, alpha: float = 0.05, wanted: float = 0.8) -> int | None:
    """Returns the least number of pairs with the wanted power; None if 1000 are not enough."""
    return next((n for n in range(2, 1001) if power(difference, sd, n, alpha) >= wanted), None)


def correlation(pairs: Pairs) -> float:
    """Pearson's r between the arms over seeds; NaN below 3 pairs or where an arm does not vary."""
    if len(pairs.seeds) < 3 or min(np.ptp(pairs.variant), np.ptp(pairs.base)) <= _TINY:
        return math.nan
    return float(np.corrcoef(pairs.variant, pairs.base)[0, 1])


def num_collapsed(scores: Sequence[float]) -> int:
    """Counts runs far below the median: finished, kept in every number, and worth a look.

    Far is 10 times the median absolute deviation, taken as half a point at least: over five seeds three
    scores often lie close together by chance, and a run a point below them has not collapsed.
    """
    if len(scores) < 3:
        return 0
    median = np.median(scores)
    spread = np.median(np.abs(np.asarray(scores) - median))
    return int(np.sum(np.asarray(scores) < median - 10 * max(spread, LEAST_DEVIATION)))
