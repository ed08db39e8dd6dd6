"""Probability of a better new run: closed forms, symmetry, the noncentral t, coverage."""

import math

import numpy as np
import pytest
import scipy.stats

from harness.stats.superiority import p_new_better


def test_over_seeds_alone_it_is_the_exact_interval_of_a_standardised_difference():
    d = np.array([0.3, 0.9, -0.2, 0.5, 0.8])
    found = p_new_better([d], [0.0])
    g = d.mean() / d.std(ddof=1)
    assert found.value == pytest.approx(scipy.stats.norm.cdf(g))
    for end, share in ((found.low, 0.975), (found.high, 0.025)):
        noncentrality = scipy.stats.norm.ppf(end) * math.sqrt(5)
        assert scipy.stats.nct.cdf(math.sqrt(5) * g, 4, noncentrality) == pytest.approx(share, abs=1e-6)
    turned = p_new_better([-d], [0.0])
    assert (turned.value, turned.low, turned.high) == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


def test_documents_add_to_the_variance_of_a_run_and_arms_and_datasets_to_each_other():
    one, other = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 5.0])
    both = p_new_better([one, other], [0.5, 0.1], [1.0, 1.0])
    total = one.var(ddof=1) + other.var(ddof=1) + 0.6
    assert both.value == pytest.approx(scipy.stats.norm.cdf((one.mean() + other.mean()) / math.sqrt(total)))
    average = p_new_better([one, other], [0.5, 0.1])
    assert average.value == pytest.approx(both.value) and average.low == pytest.approx(both.low)
    over_seeds = p_new_better([one, other], [0.0, 0.0])
    assert 0.5 < both.value < over_seeds.value
    assert 0 < both.low < both.value < both.high < 1


def test_what_more_seeds_and_what_more_documents_tell():
    d = np.tile([0.0, 1.0], 50)
    alone, few = p_new_better([d], [0.0]), p_new_better([d], [4.0])
    assert alone.high - alone.low < 0.2 < few.high - few.low, "seeds do not make up for few documents"


def test_there_is_none_without_a_spread_or_a_second_run():
    for samples in ([np.zeros(3)], [np.ones(1)], []):
        assert all(map(math.isnan, p_new_better(samples, [0.0] * len(samples))))


@pytest.mark.parametrize("num_seeds", [5, 10])
@pytest.mark.parametrize(
    ("seed_sd", "document_sd", "interaction"), [(0.3, 0.0, 0.0), (0.3, 0.05, 0.05), (0.2, 0.15, 0.15), (0.05, 0.2, 0.2)]
)
def test_the_interval_covers_the_true_probability(num_seeds, seed_sd, document_sd, interaction):
    """In .92 to .99 of 400 studies each, where the nominal .95 has a Monte-Carlo error of .011."""
    rng, spread = np.random.default_rng(1), math.hypot(seed_sd, document_sd, interaction)
    variance = document_sd**2 + interaction**2 / num_seeds
    for delta in (0.0, 0.3):
        true, covered = scipy.stats.norm.cdf(delta / spread), 0
        for _ in range(400):
            own = rng.normal(0, math.hypot(seed_sd, interaction), num_seeds)
            found = p_new_better([delta + rng.normal(0, document_sd) + own], [variance])
            covered += found.low <= true <= found.high
        assert 0.92 < covered / 400 < 0.99
