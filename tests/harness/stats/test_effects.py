"""Equivalence, partial conjunction, effect sizes, planning: against libraries, brute force and simulation."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.weightstats import ttost_paired

from harness.stats import effects, families, power, published, seeds


def pairs(variant, base):
    return seeds.pair(dict(enumerate(map(float, variant))), dict(enumerate(map(float, base))))


def test_equivalence_is_statsmodels_tost():
    rng = np.random.default_rng(0)
    for _ in range(20):
        variant, base = rng.normal(80, 0.4, (2, 6))
        found = seeds.t_test([pairs(variant, base)]).estimate
        assert found.p_equivalent(-0.5, 0.5) == pytest.approx(ttost_paired(variant, base, -0.5, 0.5)[0], rel=1e-9)
        low, high = found.interval(0.9)
        assert (found.p_equivalent(-0.5, 0.5) < 0.05) == (low > -0.5 and high < 0.5)


def test_equivalence_holds_its_level_at_the_bound():
    differences = np.random.default_rng(1).normal(0.5, 0.3, (2000, 6))
    p = [seeds.t_test([pairs(row, np.zeros(6))]).estimate.p_equivalent(-0.5, 0.5) for row in differences]
    assert 0.04 < np.mean(np.array(p) < 0.05) < 0.06


def test_no_estimate_without_a_test():
    assert seeds.t_test([pairs([1, 1], [1, 1])]).estimate is None
    assert seeds.t_test([pairs([2, 2], [1, 1])]).estimate is None


def brute_force_num_effects(p, alpha):
    """The largest u such that every choice of K - u + 1 strata has a Bonferroni-significant one."""
    size = len(p)
    for u in range(size, 0, -1):
        subsets = itertools.combinations(p, size - u + 1)
        if all(min(subset) * len(subset) <= alpha for subset in subsets):
            return u
    return 0


def test_partial_conjunction_is_brute_force_over_all_subsets():
    rng = np.random.default_rng(2)
    for _ in range(300):
        p = (rng.uniform(0, 1, 4) ** 4).tolist()
        assert families.num_effects(p) == brute_force_num_effects(p, 0.05)
    assert families.num_effects([0.001, math.nan, 0.03]) == 1
    assert families.num_effects([0.001, 0.02, 0.04]) == 3
    assert families.num_effects([]) == 0


def test_partial_conjunction_seldom_claims_one_effect_too_many():
    p = np.random.default_rng(3).uniform(0, 1, (3000, 3))
    p[:, 0] = 1e-9
    assert np.mean([families.num_effects(row) > 1 for row in p.tolist()]) < 0.06


def test_effect_sizes_by_hand():
    found = effects.effect(pairs([3.0, 5.0, 4.0], [2.0, 2.0, 4.0]))
    d_z = (4 / 3) / math.sqrt(7 / 3)
    assert found.d_z == pytest.approx(d_z)
    # Gamma(1) / Gamma(1/2) for three pairs.
    assert found.g_z == pytest.approx(d_z / math.sqrt(math.pi))
    assert found.wins == 2
    u = scipy.stats.mannwhitneyu([3, 5, 4], [2, 2, 4]).statistic
    assert found.p_better == pytest.approx(u / 9)
    assert effects.quartiles([1.0, 2.0, 3.0, 10.0]) == pytest.approx((1.75, 2.5, 4.75))


def test_hedges_takes_the_bias_out():
    rng = np.random.default_rng(4)
    found = [effects.effect(pairs(row, np.zeros(5))) for row in rng.normal(0.3, 0.3, (3000, 5))]
    assert np.mean([one.g_z for one in found]) == pytest.approx(1.0, abs=0.04)
    assert np.mean([one.d_z for one in found]) > 1.15


def test_effects_that_do_not_exist():
    for variant, base in (([], []), ([1.0], [2.0]), ([2.0, 2.0], [1.0, 1.0])):
        found = effects.effect(pairs(variant, base))
        assert math.isnan(found.d_z) and math.isnan(found.g_z)
    assert math.isnan(effects.effect(pairs([], [])).p_better)
    assert all(map(math.isnan, effects.quartiles([])))


def test_detectable_is_the_inverse_of_power():
    assert power.detectable(1.0, 5) == pytest.approx(1.68, abs=0.005)
    assert power.detectable(1.0, 10, 0.05 / 24) == pytest.approx(1.69, abs=0.01)
    for num_pairs, alpha, strata in ((2, 0.05, 1), (5, 0.05 / 8, 3), (20, 0.01, 1)):
        found = power.detectable(0.3, num_pairs, alpha, 0.8, strata)
        assert power.power(found, 0.3, num_pairs, alpha, strata) == pytest.approx(0.8, abs=1e-6)
    assert math.isnan(power.detectable(0.0, 5)) and math.isnan(power.detectable(0.3, 1))


def test_power_of_the_stratified_test_is_what_is_simulated():
    rng, sd = np.random.default_rng(5), 0.3
    studies = rng.normal(0.3, sd, (1500, 3, 5))
    zero = np.zeros(5)
    p = [seeds.t_test([pairs(row, zero) for row in study]).p for study in studies]
    expected = power.power(0.3, sd / math.sqrt(3), 5, num_strata=3)
    assert np.mean(np.array(p) < 0.05) == pytest.approx(expected, abs=0.04)


def test_upper_limit_of_a_pilots_sd():
    assert power.upper_sd(1.0, 5) == pytest.approx(1.56, abs=0.005)
    assert power.upper_sd(1.0, 10) == pytest.approx(1.29, abs=0.005)
    pilots = np.random.default_rng(6).normal(0, 0.3, (4000, 5)).std(1, ddof=1)
    assert np.mean([power.upper_sd(sd, 5) >= 0.3 for sd in pilots]) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(power.upper_sd(0.3, 1))


def test_what_a_weak_study_exaggerates():
    size, wrong = power.exaggeration(0.1, 0.3, 5)
    assert size == pytest.approx(2.9, abs=0.1) and wrong == pytest.approx(0.06, abs=0.01)
    samples = np.random.default_rng(7).normal(0.1, 0.3, (60_000, 5))
    means = samples.mean(1)
    significant = np.abs(means) > scipy.stats.t.isf(0.025, 4) * samples.std(1, ddof=1) / math.sqrt(5)
    assert size == pytest.approx(np.abs(means[significant]).mean() / 0.1, rel=0.05)
    assert wrong == pytest.approx((means[significant] < 0).mean(), abs=0.01)


def test_a_published_difference_is_judged_like_a_score():
    differences = np.array([0.3, 0.5, 0.4])
    judged = published.prediction([differences], -0.2, rounding=0.01)
    assert judged.label == ">"
    assert judged.half_width == pytest.approx(4.302652729911275 * 0.1 * math.sqrt(4 / 3) + 0.01)
