"""Power against statsmodels, the tables of the literature, and the far tails."""

import math

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from harness.stats import power, t_tests
from tests.harness.stats.test_pairing import pairs_of


def test_power_is_statsmodels():
    for d, n in ((0.5, 10), (1.0, 5), (2.0, 4)):
        assert power.power(d * 0.3, 0.3, n) == pytest.approx(TTestPower().power(d, n, 0.05), abs=1e-9)
    assert power.power(-0.3, 0.3, 5) == power.power(0.3, 0.3, 5)
    assert power.power(0.0, 0.3, 5) == pytest.approx(0.05)
    assert math.isnan(power.power(0.3, 0.0, 5))
    assert math.isnan(power.power(0.3, math.nan, 5))
    assert math.isnan(power.power(0.3, 0.3, 1))


def test_power_survives_the_far_tail():
    left = scipy.stats.nct.cdf(-scipy.stats.t.isf(0.025, 3), 3, 15)
    assert math.isnan(left) or left < 1e-9
    assert power.power(15 / 2, 1.0, 4) == pytest.approx(1.0, abs=1e-6)
    assert power.seeds_needed(1.5, 0.2) == 3
    assert power.power(100, 0.1, 5) == 1.0


@pytest.mark.parametrize(
    ("sd", "alpha", "expected"),
    [
        (0.2, 0.05, [34, 10, 6, 4, 4, 3, 3]),
        (0.3, 0.05 / 8, [119, 33, 17, 10, 9, 5, 4]),
        (0.5, 0.05 / 24, [389, 101, 48, 25, 21, 9, 6]),
    ],
)
def test_seeds_needed(sd, alpha, expected):
    assert [power.seeds_needed(d, sd, alpha) for d in (0.1, 0.2, 0.3, 0.44, 0.5, 1.0, 1.5)] == expected


def test_seeds_needed_for_next_to_nothing():
    assert power.seeds_needed(0.001, 1.0) is None


def test_power_rises():
    by_difference = [power.power(d, 0.3, 5) for d in np.linspace(0, 3, 31)]
    by_pairs = [power.power(0.3, 0.3, n) for n in range(2, 30)]
    assert by_difference == sorted(by_difference)
    assert by_pairs == sorted(by_pairs)


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
    p = [t_tests.t_test([pairs_of(row) for row in study]).p for study in studies]
    expected = power.power(0.3, sd / math.sqrt(3), 5, num_strata=3)
    assert np.mean(np.array(p) < 0.05) == pytest.approx(expected, abs=0.04)


def test_upper_limit_of_a_pilots_sd():
    assert power.upper_sd(1.0, 5) == pytest.approx(1.56, abs=0.005)
    assert power.upper_sd(1.0, 10) == pytest.approx(1.29, abs=0.005)
    pilots = np.random.default_rng(6).normal(0, 0.3, (4000, 5)).std(1, ddof=1)
    assert np.mean([power.upper_sd(sd, 5) >= 0.3 for sd in pilots]) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(power.upper_sd(0.3, 1))


def test_power_of_welchs_test_is_what_is_simulated():
    scores = np.random.default_rng(8).normal([[0.5], [0.0]], 0.3, (4000, 2, 6))
    p = scipy.stats.ttest_ind(scores[:, 0], scores[:, 1], axis=1, equal_var=False).pvalue
    assert np.mean(p < 0.05) == pytest.approx(power.power(0.5, 0.3 * math.sqrt(2), 6, num_strata=2), abs=0.03)
    assert power.power(0.44, 0.3 * math.sqrt(2), 5, num_strata=2) > power.power(0.44, 0.3 * math.sqrt(2), 5)
