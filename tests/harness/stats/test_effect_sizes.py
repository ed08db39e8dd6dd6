"""Probability of being better, correlation: SciPy, closed forms, coverage."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import effect_sizes
from harness.stats.pairing import Pairs
from tests.harness.stats.test_pairing import arms_of, by_seed


def test_correlation():
    variant, base = [1, 2, 3, 5, 4], [2, 4, 7, 6, 6]
    pairs = Pairs.of(by_seed(variant), by_seed(base))
    assert effect_sizes.correlation(pairs) == pytest.approx(np.corrcoef(variant, base)[0, 1])
    assert math.isnan(effect_sizes.correlation(Pairs.of(by_seed(variant), by_seed([5] * 5))))
    assert math.isnan(effect_sizes.correlation(arms_of(variant, base))), "nothing goes together"


def test_few_pairs_have_no_correlation():
    """Independent scores of three pairs: |r| above .92 in a quarter of all studies, P = 2 arccos(.92) / pi."""
    scores = np.random.default_rng(1).normal(size=(4000, 2, 3))
    assert np.mean([abs(np.corrcoef(one)[0, 1]) > 0.92 for one in scores]) == pytest.approx(0.2565, abs=0.03)
    for num in (3, 4):
        assert math.isnan(effect_sizes.correlation(Pairs.of(by_seed([1, 2, 3, 5][:num]), by_seed([2, 4, 7, 1][:num]))))


def test_the_probability_of_being_better_is_mann_and_whitneys():
    for variant, base in (([3.0, 5.0, 4.0], [2.0, 2.0, 4.0]), ([3.0, 5.0, 4.0], [2.0, 4.0]), ([1.0], [1.0])):
        u = scipy.stats.mannwhitneyu(variant, base).statistic
        assert effect_sizes.p_better(variant, base).value == pytest.approx(u / len(variant) / len(base))
    assert all(map(math.isnan, effect_sizes.p_better([], [1.0])))


def variance(t, n, m):
    """The variance of Hanley and McNeil with both sample sizes replaced by their mean."""
    return t * (1 - t) * (1 + ((n + m) / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t))) / (n * m)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_its_interval_ends_where_the_estimate_is_1_96_standard_errors_away(variant, base):
    found = effect_sizes.p_better(variant, base)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for end in (found.low, found.high):
        error = math.sqrt(variance(end, len(variant), len(base)))
        assert abs(found.value - end) == pytest.approx(1.959963984540054 * error, abs=1e-7)
    turned = effect_sizes.p_better(base, variant)
    assert (turned.value, turned.low, turned.high) == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


def test_its_interval_says_something_where_one_arm_is_ahead_everywhere():
    found = effect_sizes.p_better([1.0] * 5, [0.0] * 5)
    assert (found.value, found.high) == (1, 1) and found.low == pytest.approx(0.6427, abs=1e-4)
    assert effect_sizes.p_better([1.0] * 30, [0.0] * 30).low > 0.9


@pytest.mark.parametrize("num_seeds", [5, 10, 30])
def test_its_interval_covers(num_seeds):
    """Between .93 and .98 of all studies for independent arms, and more where scores go together over seeds."""
    rng = np.random.default_rng(num_seeds)
    for truth in (0.5, 0.7, 0.9, 0.97):
        gain = math.sqrt(2) * scipy.stats.norm.ppf(truth)
        inside = np.zeros(2)
        for _ in range(1000):
            base, own = rng.normal(0, 1, (2, num_seeds))
            for place, together in enumerate((0.0, 0.6)):
                variant = gain + together * base + math.sqrt(1 - together**2) * own
                # The truth is of runs whose seeds do not pair, whatever goes together within a study.
                found = effect_sizes.p_better(tuple(variant), tuple(base))
                inside[place] += found.low <= truth <= found.high
        independent, together = inside / 1000
        assert 0.92 < independent < 0.99 and together > 0.95
