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
    assert by_difference == sorted(by_difference)
    for shares in ((1.0,), (1.0, 1.0, 1.0), (1.0, 5.0)):
        by_pairs = [power.power(0.3, 0.3, n, shares=shares) for n in range(2, 30)]
        assert by_pairs == sorted(by_pairs)


def test_detectable_is_the_inverse_of_power():
    assert power.detectable(1.0, 5) == pytest.approx(1.68, abs=0.005)
    assert power.detectable(1.0, 10, 0.05 / 24) == pytest.approx(1.69, abs=0.01)
    for num_pairs, alpha, shares in ((2, 0.05, (1.0,)), (5, 0.05 / 8, (1.0, 2.0, 3.0)), (20, 0.01, (1.0,))):
        found = power.detectable(0.3, num_pairs, alpha, 0.8, shares)
        assert power.power(found, 0.3, num_pairs, alpha, shares) == pytest.approx(0.8, abs=1e-6)
    assert math.isnan(power.detectable(0.0, 5)) and math.isnan(power.detectable(0.3, 1))


# Independent samples, and their variances; the last are the arms of two strata, one arm varying little.
SAMPLES = [(1.0, 1.0, 1.0), (1.0, 1.0), (4.0, 1.0, 0.25), (1.0, 1.0, 0.1, 3.0)]


@pytest.mark.parametrize("variances", SAMPLES)
@pytest.mark.parametrize(("num_pairs", "alpha"), [(2, 0.05), (3, 0.05 / 8), (4, 0.05 / 8), (5, 0.05 / 24), (10, 0.05)])
def test_power_of_several_samples_is_what_the_test_does(variances, num_pairs, alpha):
    """Of 100,000 studies, so that the share has a standard error of .0016 at most: within .006."""
    rng = np.random.default_rng([num_pairs, len(variances)])
    values = rng.normal(0, np.sqrt(variances)[:, None], (100_000, num_pairs, len(variances), 1))[..., 0]
    error = np.sqrt(values.var(1, ddof=1).sum(1) / num_pairs)
    df = (num_pairs - 1) * error**4 * num_pairs**2 / (values.var(1, ddof=1) ** 2).sum(1)
    sd = math.sqrt(sum(variances))
    for size in (0.0, 1.0, 2.0, 4.0):
        t = (values.mean(1).sum(1) + size * sd) / error
        happened = np.mean(np.abs(t) > scipy.stats.t.isf(alpha / 2, df))
        assert power.power(size * sd, sd, num_pairs, alpha, variances) == pytest.approx(happened, abs=0.006)


def test_the_simulated_test_is_the_one_that_makes_the_stars():
    """What an average is promised, and how often `t_test` rejects in 4,000 studies; K (n - 1) would promise .82."""
    rng, level = np.random.default_rng(5), 0.05 / 8
    studies = rng.normal(0.4, 0.3, (4000, 3, 4))
    p = [t_tests.t_test([pairs_of(row) for row in study]).p for study in studies]
    expected = power.power(0.4, 0.3 / math.sqrt(3), 4, level, (1.0,) * 3)
    assert np.mean(np.array(p) < level) == pytest.approx(expected, abs=0.025)
    assert expected == pytest.approx(0.712, abs=0.002)
    bound = scipy.stats.t.isf(level / 2, 9)
    assert scipy.stats.nct.sf(bound, 9, 0.4 * 2 / (0.3 / math.sqrt(3))) > 0.81


def test_a_sample_that_does_not_vary_counts_for_nothing():
    alone, beside = (power.power(0.5, 0.3, 6, shares=shares) for shares in ((1.0,), (1.0, 0.0)))
    assert beside == pytest.approx(alone, abs=0.002)


def test_equal_questions_have_equal_answers():
    answers = {power.power(0.5, 0.3, 6, shares=(factor, factor)) for factor in (1.0, 2.0, 0.25)}
    power._bounds.cache_clear()
    assert answers == {power.power(0.5, 0.3, 6, shares=(1.0, 1.0))}


def test_upper_limit_of_a_pilots_sd():
    assert power.upper_sd(1.0, 5) == pytest.approx(1.56, abs=0.005)
    assert power.upper_sd(1.0, 10) == pytest.approx(1.29, abs=0.005)
    pilots = np.random.default_rng(6).normal(0, 0.3, (4000, 5)).std(1, ddof=1)
    assert np.mean([power.upper_sd(sd, 5) >= 0.3 for sd in pilots]) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(power.upper_sd(0.3, 2)) and not math.isnan(power.upper_sd(0.3, 3))


def test_power_of_welchs_test_is_what_is_simulated():
    scores = np.random.default_rng(8).normal([[0.5], [0.0]], 0.3, (20_000, 2, 6))
    p = scipy.stats.ttest_ind(scores[:, 0], scores[:, 1], axis=1, equal_var=False).pvalue
    both, sd = (1.0, 1.0), 0.3 * math.sqrt(2)
    assert np.mean(p < 0.05) == pytest.approx(power.power(0.5, sd, 6, shares=both), abs=0.012)
    assert power.power(0.44, sd, 5, shares=both) > power.power(0.44, sd, 5)
