"""Tests of two arms, paired or not: closed forms, SciPy, invariances, levels and coverage."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import permutation_tests, t_tests
from harness.stats.pairing import Arms, Pairs
from tests.harness.stats.test_pairing import arms_of, by_seed, pairs_of

finite = st.floats(0, 100, allow_nan=False)


def test_paired_t_closed_form_with_two_degrees_of_freedom():
    test = t_tests.t_test([pairs_of([1, 2, 3])])
    t = 2 * math.sqrt(3)
    assert test.status == "tested"
    assert test.p == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-12)
    assert (test.difference, test.sd, test.df) == pytest.approx((2, 1, 2))
    assert test.num_pairs == (3,)
    assert test.low == pytest.approx(2 - 4.302652729911275 / math.sqrt(3))


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=12))
def test_paired_t_is_scipys(rows):
    variant, base = np.array(rows).T
    test = t_tests.t_test([Pairs.of(by_seed(variant), by_seed(base))])
    if np.std(variant - base) > 1e-3:
        oracle = scipy.stats.ttest_rel(variant, base)
        interval = oracle.confidence_interval(0.95)
        assert test.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-14)
        assert (test.low, test.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


@given(st.lists(finite, min_size=2, max_size=9), st.lists(finite, min_size=2, max_size=9))
def test_unpaired_t_is_scipys_welch(variant, base):
    test = t_tests.t_test([arms_of(variant, base)])
    if min(np.std(variant), np.std(base)) > 1e-3:
        oracle = scipy.stats.ttest_ind(variant, base, equal_var=False)
        interval = oracle.confidence_interval(0.95)
        assert (test.p, test.df) == (pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-14), pytest.approx(oracle.df))
        assert (test.low, test.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
        assert test.sd == pytest.approx(math.sqrt(np.var(variant, ddof=1) + np.var(base, ddof=1)))
        assert test.num_pairs == (min(len(variant), len(base)),)
        swapped = t_tests.t_test([arms_of(base, variant)])
        assert (swapped.p, swapped.difference) == pytest.approx((test.p, -test.difference))


def test_stratified_welch_by_hand():
    first, second = arms_of([1, 3], [0, 0.5, 1]), arms_of([2, 4, 6], [1, 1.5])
    v = [2 / 2, 0.25 / 3, 4 / 3, 0.125 / 2]
    test = t_tests.t_test([first, second])
    assert test.difference == pytest.approx((1.5 + 2.75) / 2)
    assert test.error == pytest.approx(math.sqrt(sum(v)) / 2)
    assert test.df == pytest.approx(sum(v) ** 2 / (v[0] ** 2 / 1 + v[1] ** 2 / 2 + v[2] ** 2 / 2 + v[3] ** 2 / 1))
    assert test.sd == pytest.approx(math.sqrt(2 + 0.25 + 4 + 0.125) / 2)


@pytest.mark.parametrize(
    ("variant", "base", "status"),
    [
        ([80.0, 80.0], [80.0, 80.0, 80.0], "identical"),
        ([81.0, 81.0], [80.0, 80.0, 80.0], "degenerate"),
        ([81.0, 81.0], [80.0, 80.1, 80.0], "tested"),
        ([81.0], [80.0, 80.1], "too few pairs"),
    ],
)
def test_guards_of_arms(variant, base, status):
    assert t_tests.t_test([arms_of(variant, base)]).status == status


def test_welch_holds_its_level_and_pairing_pays_only_where_seeds_go_together():
    rng, shares = np.random.default_rng(24), {}
    for together in (0.0, 0.8):
        found = np.zeros((3, 1500))
        for number in range(1500):
            common, own = rng.normal(0, 1, 5), rng.normal(0, 1, (2, 5))
            scores = 0.3 * (math.sqrt(together) * common + math.sqrt(1 - together) * own)
            both = by_seed(scores[0]), by_seed(scores[1])
            found[0, number] = t_tests.t_test([Arms.of(*both)]).p < 0.05
            moved = by_seed(scores[0] + 0.5), both[1]
            found[1, number] = t_tests.t_test([Arms.of(*moved)]).p < 0.05
            found[2, number] = t_tests.t_test([Pairs.of(*moved)]).p < 0.05
        shares[together] = found.mean(axis=1)
    assert 0.03 < shares[0.0][0] < 0.06
    assert shares[0.0][1] > shares[0.0][2], "4 degrees of freedom in place of 8"
    assert shares[0.8][0] < 0.02 and shares[0.8][2] > shares[0.8][1] + 0.1


def test_stratified_t_by_hand():
    test = t_tests.t_test([pairs_of([0, 2]), pairs_of([1, 2, 3])])
    assert test.difference == pytest.approx(1.5)
    assert test.difference / test.statistic == pytest.approx(math.sqrt(1 + 1 / 3) / 2)
    assert test.df == pytest.approx((4 / 3) ** 2 / (1 / 1 + (1 / 9) / 2))
    assert test.sd == pytest.approx(math.sqrt(2 + 1) / 2)
    assert test.p == pytest.approx(2 * scipy.stats.t.sf(1.5 / math.sqrt(1 / 3), test.df))


@pytest.mark.parametrize(
    ("variant", "base", "status", "p"),
    [
        ([0.1 + 0.2, 0.3, 0.3], [0.3, 0.3, 0.3], "identical", 1.0),
        ([80.0, 81.0], [80.0, 81.0], "identical", 1.0),
        ([80.1, 81.1, 82.1], [80.0, 81.0, 82.0], "degenerate", None),
        ([80.1], [80.0], "too few pairs", None),
        ([], [], "too few pairs", None),
    ],
)
def test_guards(variant, base, status, p):
    test = t_tests.t_test([Pairs.of(by_seed(variant), by_seed(base))])
    assert test.status == status and (test.estimate is None) == (status != "tested")
    assert test.p == p if p is not None else math.isnan(test.p)
    assert math.isnan(test.low)


def test_a_stratum_without_spread_is_no_evidence_unless_it_is_of_nothing():
    varied, steady, equal = [0.2, 0.3, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]
    assert t_tests.t_test([pairs_of(varied), pairs_of(steady)]).status == "degenerate"
    assert t_tests.t_test([pairs_of(equal), pairs_of(steady)]).status == "degenerate"
    half = t_tests.t_test([pairs_of(varied), pairs_of(equal)])
    whole = t_tests.t_test([pairs_of(varied)])
    assert (half.status, half.difference, half.p) == ("tested", pytest.approx(whole.difference / 2), whole.p)


@given(st.lists(st.tuples(finite, finite), min_size=3, max_size=8), finite, st.randoms())
def test_t_invariances(rows, shift, random):
    variant, base = (by_seed(column) for column in zip(*rows, strict=True))
    test = t_tests.t_test([Pairs.of(variant, base)])
    swapped = t_tests.t_test([Pairs.of(base, variant)])
    shuffled = list(variant.items())
    random.shuffle(shuffled)
    assert (swapped.status, swapped.difference) == (test.status, -test.difference)
    assert repr(t_tests.t_test([Pairs.of(dict(shuffled), base)])) == repr(test)
    if test.status == "tested":
        assert swapped.p == test.p
        if test.sd > 1e-3:
            moved = [{seed: score + shift for seed, score in arm.items()} for arm in (variant, base)]
            assert t_tests.t_test([Pairs.of(*moved)]).p == pytest.approx(test.p, rel=1e-6, abs=1e-12)


def test_stratified_t_holds_its_level_under_the_null():
    rng = np.random.default_rng(8)
    p = [t_tests.t_test([pairs_of(rng.normal(0, sd, 5)) for sd in (0.2, 0.3, 0.6)]).p for _ in range(1500)]
    assert 0.025 < np.mean(np.array(p) < 0.05) < 0.06


def level(law, num_pairs, num_studies, flip=True):
    """Shares of t and sign-flip p below .05 where nothing differs."""
    rng = np.random.default_rng(21)
    differences = law(rng, (num_studies, num_pairs)) - law(rng, (num_studies, num_pairs))
    t = np.mean([t_tests.t_test([pairs_of(row)]).p < 0.05 for row in differences])
    return t, np.mean([permutation_tests.sign_flip([row]) < 0.05 for row in differences]) if flip else math.nan


def normal(rng, shape):
    return rng.normal(0, 0.3, shape)


def collapsing(rng, shape):
    return rng.normal(0, 0.3, shape) - 5 * (rng.random(shape) < 0.1)


def test_both_seed_tests_hold_their_level_for_normal_scores():
    t, flip = level(normal, 8, 2000)
    assert 0.037 < t < 0.063
    assert 0.037 < flip < 0.063, "the least p is .0078, so it can be near its level"
    assert level(normal, 5, 50)[1] == 0, "five pairs cannot reach .05"


def test_both_seed_tests_are_not_fooled_by_runs_that_collapse():
    t, flip = level(collapsing, 10, 1500)
    assert t < 0.035 and flip < 0.065


def test_seed_intervals_cover():
    rng = np.random.default_rng(23)
    inside = np.zeros(2)
    for _ in range(2000):
        strata = [pairs_of(0.2 + rng.normal(0, sd, n)) for sd, n in ((0.2, 5), (0.3, 6), (0.6, 4))]
        for place, chosen in enumerate((strata[:1], strata)):
            test = t_tests.t_test(chosen)
            inside[place] += test.low <= 0.2 <= test.high
    single, average = inside / 2000
    assert 0.937 < single < 0.963
    assert 0.937 < average < 0.975, "Satterthwaite errs on the safe side with few pairs"
