"""Intervals and one-sided tests of an estimate: libraries, levels, and the less sure of two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import ttost_paired

from harness.stats import t_tests
from harness.stats.estimate import Estimate, satterthwaite
from harness.stats.pairing import Pairs
from tests.harness.stats.test_pairing import by_seed, pairs_of


def test_equivalence_is_statsmodels_tost():
    rng = np.random.default_rng(0)
    for _ in range(20):
        variant, base = rng.normal(80, 0.4, (2, 6))
        found = t_tests.t_test([Pairs.of(by_seed(variant), by_seed(base))]).estimate
        assert found.p_equivalent(-0.5, 0.5) == pytest.approx(ttost_paired(variant, base, -0.5, 0.5)[0], rel=1e-9)
        low, high = found.interval(0.9)
        assert (found.p_equivalent(-0.5, 0.5) < 0.05) == (low > -0.5 and high < 0.5)


def test_equivalence_holds_its_level_at_the_bound():
    differences = np.random.default_rng(1).normal(0.5, 0.3, (2000, 6))
    p = [t_tests.t_test([pairs_of(row)]).estimate.p_equivalent(-0.5, 0.5) for row in differences]
    assert 0.04 < np.mean(np.array(p) < 0.05) < 0.06


@given(st.floats(0.01, 5), st.integers(1, 30), st.floats(0.01, 5), st.integers(1, 30))
def test_a_guarded_estimate_is_at_no_level_surer_than_either(error, df, other_error, other_df):
    one, other = Estimate(0.3, error, df), Estimate(0.3, other_error, other_df)
    for found in (one.guarded(other), other.guarded(one)):
        for level in (0.5, 0.9, 0.95, 0.999):
            both = [estimate.interval(level) for estimate in (one, other)]
            assert found.interval(level) == (min(low for low, _ in both), max(high for _, high in both))
            low, high = found.interval(1 - 2 * (1 - level))
            # A one-sided p is that of the level at which an end of the interval is at the bound.
            assert found.p_above(low) == pytest.approx(1 - level) and found.p_below(high) == pytest.approx(1 - level)
        assert found.p_equivalent(-1, 1) == max(one.p_equivalent(-1, 1), other.p_equivalent(-1, 1))


def test_satterthwaite_by_hand():
    error, df = satterthwaite([0.1, 0.3], [5, 3], known=0.2)
    assert error == pytest.approx(0.6**0.5 / 2)
    assert df == pytest.approx(0.6**2 / (0.1**2 / 4 + 0.3**2 / 2))
    assert satterthwaite([0.0], [5], known=1.0) == (1.0, 1e6)
