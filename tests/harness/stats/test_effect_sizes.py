"""Equivalence and effect sizes, against libraries, by hand and by simulation."""

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.weightstats import ttost_paired

from harness.stats import effect_sizes, t_tests
from tests.harness.stats.test_t_tests import by_seed


def pairs(variant, base):
    return t_tests.as_pairs(dict(enumerate(map(float, variant))), dict(enumerate(map(float, base))))


def test_equivalence_is_statsmodels_tost():
    rng = np.random.default_rng(0)
    for _ in range(20):
        variant, base = rng.normal(80, 0.4, (2, 6))
        found = t_tests.t_test([pairs(variant, base)]).estimate
        assert found.p_equivalent(-0.5, 0.5) == pytest.approx(ttost_paired(variant, base, -0.5, 0.5)[0], rel=1e-9)
        low, high = found.interval(0.9)
        assert (found.p_equivalent(-0.5, 0.5) < 0.05) == (low > -0.5 and high < 0.5)


def test_equivalence_holds_its_level_at_the_bound():
    differences = np.random.default_rng(1).normal(0.5, 0.3, (2000, 6))
    p = [t_tests.t_test([pairs(row, np.zeros(6))]).estimate.p_equivalent(-0.5, 0.5) for row in differences]
    assert 0.04 < np.mean(np.array(p) < 0.05) < 0.06


def test_no_estimate_without_a_test():
    assert t_tests.t_test([pairs([1, 1], [1, 1])]).estimate is None
    assert t_tests.t_test([pairs([2, 2], [1, 1])]).estimate is None


def test_effect_sizes_by_hand():
    found = effect_sizes.effect(pairs([3.0, 5.0, 4.0], [2.0, 2.0, 4.0]))
    d_z = (4 / 3) / math.sqrt(7 / 3)
    assert found.d_z == pytest.approx(d_z)
    # Gamma(1) / Gamma(1/2) for three pairs.
    assert found.g_z == pytest.approx(d_z / math.sqrt(math.pi))
    assert found.wins == 2
    u = scipy.stats.mannwhitneyu([3, 5, 4], [2, 2, 4]).statistic
    assert found.p_better == pytest.approx(u / 9)
    assert effect_sizes.quartiles([1.0, 2.0, 3.0, 10.0]) == pytest.approx((1.75, 2.5, 4.75))


def test_hedges_takes_the_bias_out():
    rng = np.random.default_rng(4)
    found = [effect_sizes.effect(pairs(row, np.zeros(5))) for row in rng.normal(0.3, 0.3, (3000, 5))]
    assert np.mean([one.g_z for one in found]) == pytest.approx(1.0, abs=0.04)
    assert np.mean([one.d_z for one in found]) > 1.15


def test_effects_that_do_not_exist():
    for variant, base in (([], []), ([1.0], [2.0]), ([2.0, 2.0], [1.0, 1.0])):
        found = effect_sizes.effect(pairs(variant, base))
        assert math.isnan(found.d_z) and math.isnan(found.g_z)
    assert math.isnan(effect_sizes.effect(pairs([], [])).p_better)
    assert all(map(math.isnan, effect_sizes.quartiles([])))


def test_correlation():
    pairs = t_tests.as_pairs(by_seed([1, 2, 3]), by_seed([2, 4, 7]))
    assert effect_sizes.correlation(pairs) == pytest.approx(np.corrcoef([1, 2, 3], [2, 4, 7])[0, 1])
    assert math.isnan(effect_sizes.correlation(t_tests.as_pairs(by_seed([1, 2, 3]), by_seed([5, 5, 5]))))


def test_collapsed_runs():
    assert effect_sizes.collapsed([80.0, 80.1, 79.9, 80.2, 3.0]) == [False] * 4 + [True]
    assert effect_sizes.collapsed([77.0, 80.0, 80.3, 79.9, 80.2]) == [True] + [False] * 4, "three points are a collapse"
    for fine in ([80.0, 80.1, 79.9, 80.2, 79.8], [80.0, 80.0, 80.0], [80.0, 3.0], []):
        assert not any(effect_sizes.collapsed(fine))
    assert not any(effect_sizes.collapsed([87.9, 87.9, 87.9, 88.0, 86.5])), "close together by chance"


def test_few_normal_runs_are_taken_for_collapsed():
    scores = np.random.default_rng(0).normal(80, 0.5, (2000, 5))
    assert sum(any(effect_sizes.collapsed(row)) for row in scores) <= 4


def test_arms_that_do_not_pair_have_a_probability_of_being_better_and_nothing_of_pairs():
    found = effect_sizes.effect(t_tests.as_arms(by_seed([3.0, 5.0, 4.0]), by_seed([2.0, 4.0])))
    u = scipy.stats.mannwhitneyu([3, 5, 4], [2, 4]).statistic
    assert found.p_better == pytest.approx(u / 6) and found.wins is None
    assert math.isnan(found.d_z) and math.isnan(found.g_z)
    assert math.isnan(effect_sizes.correlation(t_tests.as_arms(by_seed([1, 2, 3]), by_seed([2, 4, 7]))))
