"""F, its influence function, and the two sources of error crossed."""

import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from harness.core.metric_names import HEADLINE
from harness.stats import t_tests
from harness.stats.document_variance import Counts, crossed, influence, score, variance_of_mean
from harness.stats.resampling import bootstrap
from tests.harness.stats.test_pairing import pairs_of

METRICS = HEADLINE


def labels(rng, num_documents=20, num_labels=6, share=0.3):
    return sparse.csr_array(rng.random((num_documents, num_labels)) < share)


def noisy_run(rng, gold, wrong=0.1):
    flips = rng.random(gold.shape) < wrong
    return sparse.csr_array(gold.toarray() ^ flips)


def rows(counts, chosen):
    return Counts(counts.right[chosen], counts.size[chosen])


def test_f_is_scikit_learns():
    rng = np.random.default_rng(0)
    for _ in range(20):
        unused = np.arange(6) == 0  # A label with neither gold nor predictions.
        gold = sparse.csr_array(labels(rng).toarray() & ~unused)
        run = sparse.csr_array(noisy_run(rng, gold, 0.3).toarray() & ~unused)
        counts = Counts.of(run, gold)
        for metric in METRICS:
            expected = f1_score(gold.toarray(), run.toarray(), average=metric[:5], zero_division=0)
            assert score(counts, metric) == pytest.approx(100 * expected, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_influence_is_the_derivative_by_the_weight_of_a_document(metric):
    rng = np.random.default_rng(1)
    gold = labels(rng, 30)
    counts = Counts.of(noisy_run(rng, gold, 0.25), gold)
    psi = influence(counts, metric)
    assert psi.sum() == pytest.approx(0, abs=1e-8)
    for document in (0, 7, 29):
        once = np.arange(30)
        many = np.concatenate([np.tile(once, 2000), np.full(20, document)])
        slope = (score(rows(counts, many), metric) - score(counts, metric)) / (20 / 2000)
        assert 30 * slope == pytest.approx(psi[document], rel=0.02, abs=0.05)


def test_delta_variance_is_that_of_the_bootstrap():
    rng = np.random.default_rng(2)
    gold = labels(rng, 1500, 5)
    one, other = (Counts.of(noisy_run(rng, gold, wrong), gold) for wrong in (0.1, 0.12))
    for metric in METRICS:
        delta = variance_of_mean(influence(one, metric) - influence(other, metric))
        resampled = bootstrap([one, other], metric, (0, 1), 4000)
        assert np.sqrt(delta) == pytest.approx((resampled[0] - resampled[1]).std(ddof=1), rel=0.06)


def test_crossed_by_hand():
    found = crossed([np.array([1.0, 2.0, 3.0])], [0.5])
    assert found.value == 2 and found.error == pytest.approx(math.sqrt(1 / 3 + 0.5))
    assert found.df == pytest.approx(2 * ((1 / 3 + 0.5) / (1 / 3)) ** 2)
    average = crossed([np.array([1.0, 2.0, 3.0]), np.array([0.0, 4.0])], [0.5, 0.1])
    seed = [1 / 3 / 4, 8 / 2 / 4]
    total = sum(seed) + 0.6 / 4
    assert average.value == 2 and average.error == pytest.approx(math.sqrt(total))
    assert average.df == pytest.approx(total**2 / (seed[0] ** 2 / 2 + seed[1] ** 2 / 1))
    assert crossed([np.zeros(3)], [0.5]).df == 1e6
    contrast = crossed([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [0.0, 0.0], [1.0, -1.0])
    assert contrast.value == -2


def test_crossed_without_documents_is_the_seed_test_and_never_below_either_part():
    rng = np.random.default_rng(3)
    for _ in range(50):
        strata = [rng.normal(0.2, 0.3, size) for size in (4, 5, 7)]
        variances = rng.uniform(0, 0.1, 3)
        alone = crossed(strata, np.zeros(3))
        test = t_tests.t_test([pairs_of(d) for d in strata])
        assert (alone.value, alone.error, alone.df) == pytest.approx((test.difference, test.error, test.df))
        both = crossed(strata, variances)
        assert both.error >= max(alone.error, math.sqrt(variances.sum()) / 3)


@pytest.mark.parametrize(("seed_sd", "document_sd", "interaction"), [(0.3, 0.05, 0.05), (0.2, 0.15, 0.15)])
def test_crossed_interval_covers_the_effect_in_the_population(seed_sd, document_sd, interaction):
    """The design of the variance components: seeds, documents and their interaction, as seen by the mean."""
    rng, num_seeds, num_studies, inside, seeds_only = np.random.default_rng(4), 5, 1500, 0, 0
    for _ in range(num_studies):
        document, mixed = rng.normal(0, document_sd), rng.normal(0, interaction, num_seeds)
        d = 0.2 + rng.normal(0, seed_sd, num_seeds) + document + mixed
        found = crossed([d], [document_sd**2 + interaction**2 / num_seeds])
        low, high = found.interval()
        inside += low <= 0.2 <= high
        low, high = crossed([d], [0.0]).interval()
        seeds_only += low <= 0.2 <= high
    assert 0.935 < inside / num_studies < 0.985
    assert seeds_only < inside
