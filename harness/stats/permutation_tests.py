"""Exact permutation tests: sign flips of paired differences, exchanges of runs between arms.

They stand beside the t tests, assume no distribution of the scores, and cannot reach a small p with few seeds: stars of
the t test that they confirm are full, others hollow.
"""

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache, reduce

import numpy as np

from harness.stats.distributions import Array

WholeArms = tuple[Sequence[float], Sequence[float]]
"""Scores of a variant and of a base whose seeds do not pair."""

MOST_EXACT = 40
"""Number of differences up to which every sign pattern is looked at."""
RESAMPLES = 99_999
"""Number of sign patterns, or exchanges, that are drawn where not all are looked at."""
_TOLERANCE = 1e-10
"""Share of the sum of all sizes by which rounding may part two equal statistics."""


def sign_flip(strata: Sequence[Array]) -> float:
    """Two-sided sign-flip p of the mean over strata of the mean difference, exact where that can be had.

    The share of all sign patterns, independent per stratum and seed, whose statistic is at least as far from 0 as the
    observed one. Exact up to 40 differences, by meeting in the middle: the signed sums of one half are sorted, and each
    sum of the other half is looked up in them. Beyond that, (1 + hits) / (1 + draws) over 99,999 draws with a fixed
    seed.

    Source:
        Fisher 1935, The design of experiments; Pitman 1937; Phipson & Smyth 2010, Permutation
        p-values should never be zero.
    """
    if not strata or min(map(len, strata)) < 1:
        return math.nan
    terms = np.concatenate([np.asarray(values, dtype=float) / len(values) for values in strata])
    reach = abs(terms.sum()) - _TOLERANCE * np.abs(terms).sum()
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


def exchange(strata: Sequence[WholeArms]) -> float:
    """Two-sided p of exchanging runs between the arms, by the mean over strata of the mean difference.

    The share of all ways to deal a stratum's runs to two arms of their sizes, independent per stratum, whose statistic
    is at least as far from 0 as the observed one. Where there are more than 99,999 ways, (1 + hits) / (1 + draws) over
    so many draws with a fixed seed.

    Source:
        Pitman 1937, Significance tests which may be applied to samples from any populations.
    """
    if not strata or min(len(arm) for both in strata for arm in both) < 1:
        return math.nan
    ways = math.prod(math.comb(len(variant) + len(base), len(variant)) for variant, base in strata)
    is_exact = ways <= RESAMPLES
    found = [_dealt(one, None if is_exact else place) for place, one in enumerate(strata)]
    statistics = reduce(np.add.outer, found).ravel() if is_exact else np.sum(found, axis=0)
    observed = sum(float(np.mean(variant)) - float(np.mean(base)) for variant, base in strata)
    size = sum(float(np.abs([*variant, *base]).sum()) for variant, base in strata)
    hits = int(np.sum(np.abs(statistics) >= abs(observed) - _TOLERANCE * size))
    return hits / ways if is_exact else (1 + hits) / (1 + RESAMPLES)


def _dealt(arms: WholeArms, place: int | None) -> Array:
    """Returns the mean difference of every way to deal the runs to the arms, or of drawn ones."""
    runs = np.asarray([*arms[0], *arms[1]], dtype=float)
    num = len(arms[0])
    sums = _deals(runs.size, num, RESAMPLES, place) @ runs
    difference: Array = sums / num - (runs.sum() - sums) / (runs.size - num)
    return difference


@lru_cache(maxsize=6)
def _deals(num_runs: int, num_chosen: int, num_draws: int, place: int | None) -> Array:
    """Returns which runs are dealt to the variant, (ways, runs) of 0 and 1; kept, as comparisons share their sizes.

    They are drawn, for each place of a stratum on its own; where there is no place, they are all ways.
    """
    if place is None:
        chosen = np.array(list(itertools.combinations(range(num_runs), num_chosen)))
    else:
        keys = np.random.default_rng(place).random((num_draws, num_runs), dtype=np.float32)
        chosen = keys.argpartition(num_chosen - 1, axis=1)[:, :num_chosen]
    dealt = np.zeros((len(chosen), num_runs))
    np.put_along_axis(dealt, chosen, 1.0, axis=1)
    return dealt
