"""Rank intervals: small cases by hand, and joint coverage in simulated studies."""

import math

import numpy as np
import pytest

from harness.stats.estimate import Estimate
from harness.stats.pairing import Pairs, SeedKey
from harness.stats.ranks import rank_intervals
from harness.stats.t_tests import t_test

NUM_STUDIES = 1000


def matrix(num_rows: int, found: dict[tuple[int, int], float]) -> np.ndarray:
    """One-sided p of which the given ones are as given and their opposites 1 minus that; others are .5."""
    p = np.full((num_rows, num_rows), 0.5)
    for (one, other), value in found.items():
        p[one, other], p[other, one] = value, 1 - value
    np.fill_diagonal(p, math.nan)
    return p


def test_three_rows_by_hand() -> None:
    # Six tests; Holm takes .05 / 6 = .0083, then .01, then .0125.
    assert rank_intervals(matrix(3, {(0, 1): 0.008, (0, 2): 0.0099})) == [(1, 1), (2, 3), (2, 3)]
    assert rank_intervals(matrix(3, {(0, 1): 0.008, (0, 2): 0.011})) == [(1, 2), (2, 3), (1, 3)]
    assert rank_intervals(matrix(3, {(0, 1): 0.009, (0, 2): 0.009})) == [(1, 3)] * 3
    chain = matrix(3, {(0, 1): 0.001, (1, 2): 0.001, (0, 2): 0.001})
    assert rank_intervals(chain) == [(1, 1), (2, 2), (3, 3)]


def test_rows_that_were_not_compared_may_have_any_rank_and_count_in_the_correction() -> None:
    p = matrix(3, {(0, 1): 0.008})
    p[2, :] = p[:, 2] = math.nan
    assert rank_intervals(p) == [(1, 2), (2, 3), (1, 3)]
    assert rank_intervals(matrix(2, {(0, 1): 0.024})) == [(1, 1), (2, 2)]
    assert rank_intervals(matrix(2, {(0, 1): 0.026})) == [(1, 2), (1, 2)]


def limit(level: float) -> float:
    """The share of studies that a true level exceeds in one simulation of twenty."""
    return level + 1.645 * (level * (1 - level) / NUM_STUDIES) ** 0.5


def true_ranks(means: np.ndarray) -> list[int]:
    return [1 + int((means > one).sum()) for one in means]


@pytest.mark.slow
@pytest.mark.parametrize("num_seeds", [2, 5, 10])
@pytest.mark.parametrize(
    "means",
    [
        np.zeros(6),
        np.arange(6) * 5.0,
        np.array([0.0, 0, 0, 0.8, 0.8, 0.8]),
        np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        np.array([0.0, 0, 0, 0, 0, 50.0]),
    ],
    ids=["null", "spread out", "two tied groups", "close", "one ahead"],
)
def test_all_true_ranks_are_covered_together(means: np.ndarray, num_seeds: int) -> None:
    """Paired runs that share an error of the seed; the first row is a constant of no seeds."""
    generator = np.random.default_rng(7)
    missed, widths = 0, []
    for _ in range(NUM_STUDIES):
        scores = means[:, None] + generator.normal(0, 0.4, (6, num_seeds)) + generator.normal(0, 1, num_seeds)
        scores[0] = means[0] + generator.normal(0, 0.4, num_seeds)
        p = np.full((6, 6), math.nan)
        for one in range(6):
            for other in range(one):
                found = estimate(scores[one], scores[other])
                p[one, other], p[other, one] = found.p_above(), found.p_below()
        intervals = rank_intervals(p)
        ranks = true_ranks(means)
        missed += any(not low <= rank <= high for (low, high), rank in zip(intervals, ranks, strict=True))
        widths.append(np.mean([high - low for low, high in intervals]))
    print(num_seeds, missed / NUM_STUDIES, np.mean(widths))
    assert missed / NUM_STUDIES <= limit(0.05)
    if means[1] == 5.0 and num_seeds >= 5:
        assert np.mean(widths) < 0.2, "rows that lie apart are told apart"


def estimate(one: np.ndarray, other: np.ndarray) -> Estimate:
    arms = ({SeedKey(seed): float(score) for seed, score in enumerate(arm)} for arm in (one, other))
    found = t_test([Pairs.of(*arms)]).estimate
    assert found is not None
    return found
