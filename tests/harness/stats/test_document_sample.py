"""Documents of one dataset: the variance is that of the whole linear combination, and one draw serves all runs."""

import numpy as np
import pytest

from harness.core.resampling import Resampling
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, influence, variance_of_mean
from harness.stats.resampling import bootstrap, randomisation, seed_of
from tests.harness.stats.test_document_variance import METRICS, labels, noisy_run

HOW = Resampling(draws=400, swaps=300, root=7)


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    gold = labels(rng, 300, 5)
    found = [Counts.of(noisy_run(rng, gold, wrong), gold) for wrong in (0.1, 0.12, 0.1)]
    return {name: dict.fromkeys(METRICS, counts) for name, counts in zip("abc", found, strict=True)}


@pytest.fixture(scope="module")
def sample(runs):
    return DocumentSample("wos", runs, "vwxyz", np.arange(5), HOW, constant={("c", "micro_f1")})


def test_the_variance_of_micro_f_is_that_of_the_influences_and_of_macro_f_that_of_shared_draws(runs, sample):
    weights = {"a": 0.5, "b": -1.0, "c": 0.5}
    psi = sum(w * influence(runs[run]["micro_f1"], "micro_f1") for run, w in weights.items())
    assert sample.variance("micro_f1", weights) == pytest.approx(variance_of_mean(psi))
    drawn = bootstrap([runs[run]["macro_f1"] for run in weights], "macro_f1", seed_of(7, "wos"), 400)
    mixed = np.array(list(weights.values())) @ drawn
    assert sample.variance("macro_f1", weights) == pytest.approx(mixed.var(ddof=1))
    for metric in METRICS:
        assert sample.variance(metric, {"a": 1.0, "b": -1.0}) > 0 == sample.variance(metric, {"a": 0.0})


def test_what_is_known_of_a_run(runs, sample):
    assert sample.has(["a", "b"]) and not sample.has(["a", "d"])
    assert sample.is_constant("c", "micro_f1") and not sample.is_constant("c", "macro_f1")
    right, size = (part.sum(0) for part in (runs["a"]["macro_f1"].right, runs["a"]["macro_f1"].size))
    assert sample.per_label(["a"]) == pytest.approx(100 * 2 * right / size)
    assert sample.per_label(["a", "b"]).mean() == pytest.approx(
        (sample.score("a", "macro_f1") + sample.score("b", "macro_f1")) / 2
    )


def test_swaps_have_a_seed_of_their_own_name(runs, sample):
    pairs = [(runs["a"]["micro_f1"], runs["b"]["micro_f1"])]
    expected = randomisation(pairs, "micro_f1", seed_of(7, "wos/hiagm/micro_f1"), 300)
    assert sample.p_swap("micro_f1", "hiagm", [("a", "b")]) == expected
