"""Distributions by `scipy.special` are those of `scipy.stats`."""

import math

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.distributions import chi2_quantile, noncentral_t_outside, normal_isf, t_isf, t_sf

shares, degrees = st.floats(0.001, 0.999), st.floats(1, 200)


@given(st.floats(-30, 30), shares, degrees)
def test_t_normal_and_chi_squared_are_scipys(value, share, df):
    assert t_sf(value, df) == pytest.approx(scipy.stats.t.sf(value, df), rel=1e-9)
    assert t_isf(share, df) == pytest.approx(scipy.stats.t.isf(share, df), rel=1e-9, abs=1e-12)
    assert t_sf(t_isf(share, df), df) == pytest.approx(share)
    assert normal_isf(share) == pytest.approx(scipy.stats.norm.isf(share), abs=1e-12)
    assert chi2_quantile(share, df) == pytest.approx(scipy.stats.chi2.ppf(share, df), rel=1e-9)


def test_noncentral_t_is_scipys_and_a_probability_in_the_far_tails():
    for bound, df, shift in ((2.0, 4, 1.0), (2.7764, 4, 0.0), (1.5, 30, 3.0)):
        law = scipy.stats.nct(df, shift)
        assert noncentral_t_outside(bound, df, shift) == pytest.approx(law.sf(bound) + law.cdf(-bound), abs=1e-9)
    assert noncentral_t_outside(2.7764451, 4, 0.0) == pytest.approx(0.05)
    assert noncentral_t_outside(3.0, 3, 15.0) == pytest.approx(1.0, abs=1e-6)
    assert not math.isnan(noncentral_t_outside(3.0, 3, 500.0)) and noncentral_t_outside(3.0, 3, 500.0) <= 1
