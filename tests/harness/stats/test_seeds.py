"""Paired tests: closed forms, SciPy, brute force, invariances, levels and coverage."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import exact, seeds

finite = st.floats(0, 100, allow_nan=False)


def by_seed(values):
    return dict(enumerate(map(float, values)))


def pairs_of(differences, base=80.0):
    base_scores = by_seed([base] * len(differences))
    return seeds.pair({seed: base + float(d) for seed, d in enumerate(differences)}, base_scores)


def test_pairing_is_by_seed_and_drops_what_one_arm_lacks():
    pairs = seeds.pair({3: 1.0, 1: 2.0, 2: math.nan, 9: 4.0}, {9: 1.0, 1: 0.5, 2: 3.0, 3: math.inf})
    assert pairs.seeds == (1, 9)
    assert pairs.differences.tolist() == [1.5, 3.0]
    assert pairs.dropped == (2, 3)


def test_paired_t_closed_form_with_two_degrees_of_freedom():
    test = seeds.t_test([pairs_of([1, 2, 3])])
    t = 2 * math.sqrt(3)
    assert test.status == "tested"
    assert test.p == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-12)
    assert (test.difference, test.sd, test.df) == pytest.approx((2, 1, 2))
    assert test.num_pairs == (3,)
    assert test.low == pytest.approx(2 - 4.302652729911275 / math.sqrt(3))


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=12))
def test_paired_t_is_scipys(rows):
    variant, base = np.array(rows).T
    test = seeds.t_test([seeds.pair(by_seed(variant), by_seed(base))])
    if np.std(variant - base) > 1e-3:
        oracle = scipy.stats.ttest_rel(variant, base)
        interval = oracle.confidence_interval(0.95)
        assert test.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-14)
        assert (test.low, test.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_stratified_t_by_hand():
    test = seeds.t_test([pairs_of([0, 2]), pairs_of([1, 2, 3])])
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
    test = seeds.t_test([seeds.pair(by_seed(variant), by_seed(base))])
    assert test.status == status
    assert test.p == p if p is not None else math.isnan(test.p)
    assert math.isnan(test.low)


def test_a_stratum_without_spread_is_no_evidence_unless_it_is_of_nothing():
    varied, steady, equal = [0.2, 0.3, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]
    assert seeds.t_test([pairs_of(varied), pairs_of(steady)]).status == "degenerate"
    assert seeds.t_test([pairs_of(equal), pairs_of(steady)]).status == "degenerate"
    half = seeds.t_test([pairs_of(varied), pairs_of(equal)])
    whole = seeds.t_test([pairs_of(varied)])
    assert (half.status, half.difference, half.p) == ("tested", pytest.approx(whole.difference / 2), whole.p)


@given(st.lists(st.tuples(finite, finite), min_size=3, max_size=8), finite, st.randoms())
def test_t_invariances(rows, shift, random):
    variant, base = (by_seed(column) for column in zip(*rows, strict=True))
    test = seeds.t_test([seeds.pair(variant, base)])
    swapped = seeds.t_test([seeds.pair(base, variant)])
    shuffled = list(variant.items())
    random.shuffle(shuffled)
    assert (swapped.status, swapped.difference) == (test.status, -test.difference)
    assert repr(seeds.t_test([seeds.pair(dict(shuffled), base)])) == repr(test)
    if test.status == "tested":
        assert swapped.p == test.p
        if test.sd > 1e-3:
            moved = [{seed: score + shift for seed, score in arm.items()} for arm in (variant, base)]
            assert seeds.t_test([seeds.pair(*moved)]).p == pytest.approx(test.p, rel=1e-6, abs=1e-12)


def brute_force_sign_flip(strata):
    terms = np.concatenate([np.asarray(d) / len(d) for d in strata])
    signs = np.array(list(itertools.product([-1, 1], repeat=terms.size)))
    return np.mean(np.abs(signs @ terms) >= abs(terms.sum()) - 1e-10 * np.abs(terms).sum())


def test_sign_flip_is_scipys_and_brute_force():
    rng = np.random.default_rng(1)
    for n in (2, 5, 8, 11):
        d = rng.normal(0.5, 1, n)
        oracle = scipy.stats.permutation_test(
            (d,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
        )
        assert exact.sign_flip([d]) == pytest.approx(oracle.pvalue, abs=1e-15)
    ties = np.array([0.1, 0.1, -0.1, 0.2, 0.3, -0.3, 0.1, 0.2])
    assert exact.sign_flip([ties]) == brute_force_sign_flip([ties])
    strata = [rng.normal(0.4, 1, size) for size in (3, 5, 9)]
    assert exact.sign_flip(strata) == brute_force_sign_flip(strata)


def test_sign_flip_extremes():
    assert exact.sign_flip([np.full(10, 0.3)]) == 2 / 2**10
    assert exact.sign_flip([np.zeros(6)]) == 1.0
    assert exact.sign_flip([np.arange(1.0, 41)]) == 2 / 2**40
    assert math.isnan(exact.sign_flip([np.array([])]))


def test_sign_flip_beyond_forty_pairs_agrees_with_the_exact_one(monkeypatch):
    d = np.random.default_rng(3).normal(0.2, 1, 42)
    sampled = exact.sign_flip([d])
    monkeypatch.setattr(exact, "MOST_EXACT", 42)
    whole = exact.sign_flip([d])
    assert sampled != whole
    assert sampled == pytest.approx(whole, abs=4 * math.sqrt(whole * (1 - whole) / 99_999))


def test_stratified_t_holds_its_level_under_the_null():
    rng = np.random.default_rng(8)
    p = [seeds.t_test([pairs_of(rng.normal(0, sd, 5)) for sd in (0.2, 0.3, 0.6)]).p for _ in range(1500)]
    assert 0.025 < np.mean(np.array(p) < 0.05) < 0.06


def level(law, num_pairs, num_studies, flip=True):
    """Shares of t and sign-flip p below .05 where nothing differs."""
    rng = np.random.default_rng(21)
    differences = law(rng, (num_studies, num_pairs)) - law(rng, (num_studies, num_pairs))
    t = np.mean([seeds.t_test([pairs_of(row)]).p < 0.05 for row in differences])
    return t, np.mean([exact.sign_flip([row]) < 0.05 for row in differences]) if flip else math.nan


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


def test_stratified_sign_flip_holds_its_level():
    rng = np.random.default_rng(22)
    p = [exact.sign_flip([rng.normal(0, sd, 4) for sd in (0.2, 0.3, 0.6)]) for _ in range(1500)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.065


def test_seed_intervals_cover():
    rng = np.random.default_rng(23)
    inside = np.zeros(2)
    for _ in range(2000):
        strata = [pairs_of(0.2 + rng.normal(0, sd, n)) for sd, n in ((0.2, 5), (0.3, 6), (0.6, 4))]
        for place, chosen in enumerate((strata[:1], strata)):
            test = seeds.t_test(chosen)
            inside[place] += test.low <= 0.2 <= test.high
    single, average = inside / 2000
    assert 0.937 < single < 0.963
    assert 0.937 < average < 0.975, "Satterthwaite errs on the safe side with few pairs"
