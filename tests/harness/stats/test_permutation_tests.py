"""Sign flips and exchanges of runs: SciPy, brute force over all patterns, extremes, levels."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from harness.stats import permutation_tests


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
        assert permutation_tests.sign_flip([d]) == pytest.approx(oracle.pvalue, abs=1e-15)
    ties = np.array([0.1, 0.1, -0.1, 0.2, 0.3, -0.3, 0.1, 0.2])
    assert permutation_tests.sign_flip([ties]) == brute_force_sign_flip([ties])
    strata = [rng.normal(0.4, 1, size) for size in (3, 5, 9)]
    assert permutation_tests.sign_flip(strata) == brute_force_sign_flip(strata)


def test_sign_flip_extremes():
    assert permutation_tests.sign_flip([np.full(10, 0.3)]) == 2 / 2**10
    assert permutation_tests.sign_flip([np.zeros(6)]) == 1.0
    assert permutation_tests.sign_flip([np.arange(1.0, 41)]) == 2 / 2**40
    assert math.isnan(permutation_tests.sign_flip([np.array([])]))
    assert math.isnan(permutation_tests.sign_flip([]))


def test_sign_flip_beyond_forty_pairs_agrees_with_the_exact_one(monkeypatch):
    d = np.random.default_rng(3).normal(0.2, 1, 42)
    sampled = permutation_tests.sign_flip([d])
    monkeypatch.setattr(permutation_tests, "MOST_EXACT", 42)
    whole = permutation_tests.sign_flip([d])
    assert sampled != whole
    assert sampled == pytest.approx(whole, abs=4 * math.sqrt(whole * (1 - whole) / 99_999))


def test_stratified_sign_flip_holds_its_level():
    rng = np.random.default_rng(22)
    p = [permutation_tests.sign_flip([rng.normal(0, sd, 4) for sd in (0.2, 0.3, 0.6)]) for _ in range(1500)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.065


def mean_difference(x, y, axis):
    return x.mean(axis) - y.mean(axis)


def test_exchange_is_scipys():
    rng = np.random.default_rng(4)
    for sizes in ((2, 2), (5, 5), (3, 6)):
        variant, base = (rng.normal(80, 1, size) for size in sizes)
        oracle = scipy.stats.permutation_test((variant, base), mean_difference, vectorized=True, n_resamples=np.inf)
        found = permutation_tests.exchange([(variant, base)])
        if sizes[0] == sizes[1]:
            assert found == pytest.approx(oracle.pvalue, abs=1e-15)
        else:  # SciPy doubles the smaller tail; the share as far from 0 is that of the brute force below.
            pooled = np.concatenate([variant, base])
            ways = [set(way) for way in itertools.combinations(range(9), 3)]
            far = [
                np.mean([pooled[i] for i in way]) - np.mean([pooled[i] for i in range(9) if i not in way])
                for way in ways
            ]
            assert found == np.mean(np.abs(far) >= abs(variant.mean() - base.mean()) - 1e-9)


def test_exchange_in_strata_is_brute_force_and_sampling_agrees(monkeypatch):
    rng = np.random.default_rng(5)
    strata = [(rng.normal(80.4, 0.5, 3), rng.normal(80, 0.5, 3)) for _ in range(2)]
    observed = sum(np.mean(variant) - np.mean(base) for variant, base in strata)
    hits = ways = 0
    for first, second in itertools.product(itertools.combinations(range(6), 3), repeat=2):
        total = 0.0
        for one, way in zip(strata, (first, second), strict=True):
            pooled = np.concatenate(one)
            total += pooled[list(way)].mean() - np.delete(pooled, way).mean()
        hits += abs(total) >= abs(observed) - 1e-9
        ways += 1
    whole = permutation_tests.exchange(strata)
    assert whole == hits / ways
    monkeypatch.setattr(permutation_tests, "RESAMPLES", 399)  # Of 400 ways, so that they are drawn.
    assert permutation_tests.exchange(strata) == pytest.approx(whole, abs=4 * math.sqrt(whole * (1 - whole) / 399))


def test_exchange_extremes_and_order():
    apart = ([3, 4, 5], [0, 1, 2])
    assert permutation_tests.exchange([apart]) == 2 / 20
    assert permutation_tests.exchange([([0, 1, 2], [3, 4, 5])]) == 2 / 20, "two-sided"
    assert permutation_tests.exchange([([1, 1], [1, 1])]) == 1.0
    assert math.isnan(permutation_tests.exchange([([], [1, 2])])) and math.isnan(permutation_tests.exchange([]))
    turned = ([5, 3, 4], [2, 0, 1])
    assert permutation_tests.exchange([turned]) == permutation_tests.exchange([apart])


def test_exchange_holds_its_level():
    rng = np.random.default_rng(6)
    p = [permutation_tests.exchange([rng.normal(80, 0.3, (2, 5))]) for _ in range(1500)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.06, "of 252 ways, so that .0476 is the nearest level"
