"""The fast paths against slow loops, and the level of what they give."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from harness.stats import resampling
from harness.stats.document_variance import Counts, by_metric, score
from harness.stats.resampling import bootstrap, randomisation, seed_of
from tests.harness.stats.test_document_variance import METRICS, labels, noisy_run, rows


def case(seed, num_documents=20, num_systems=2, num_labels=6, wrong=0.2):
    rng = np.random.default_rng(seed)
    gold = labels(rng, num_documents, num_labels)
    return [Counts.of(noisy_run(rng, gold, wrong), gold) for _ in range(num_systems)]


def slow_bootstrap(systems, metric, num_resamples, rng):
    num_documents = systems[0].right.shape[0]
    drawn = [rng.integers(0, num_documents, num_documents) for _ in range(num_resamples)]
    return np.array([[score(rows(one, places), metric) for places in drawn] for one in systems])


def swapped(pair, places):
    """Both systems with the documents of some places swapped."""
    answer = []
    for one, other in (pair, pair[::-1]):
        parts = []
        for mine, theirs in ((one.right, other.right), (one.size, other.size)):
            dense = mine.toarray()
            dense[places] = theirs.toarray()[places]
            parts.append(sparse.csr_array(dense))
        answer.append(Counts(*parts))
    return answer


@pytest.mark.parametrize("metric", METRICS)
def test_randomisation_is_the_share_of_all_swaps_of_a_small_case(metric):
    systems = case(1, num_documents=9, num_systems=4)
    pairs = [(systems[0], systems[1]), (systems[2], systems[3])]
    observed = np.mean([score(a, metric) - score(b, metric) for a, b in pairs])
    found = []
    for chosen in itertools.product([False, True], repeat=9):
        both = [swapped(pair, np.flatnonzero(chosen)) for pair in pairs]
        found.append(np.mean([score(a, metric) - score(b, metric) for a, b in both]))
    exact = np.mean(np.abs(found) >= abs(observed) - 1e-10)
    assert randomisation(pairs, metric, (1, 2), 20_000) == pytest.approx(exact, abs=0.015)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", [3, 4])
def test_bootstrap_is_a_slow_loop(metric, seed):
    systems = case(seed)
    fast = bootstrap(systems, metric, (seed,), 6000)
    slow = slow_bootstrap(systems, metric, 1500, np.random.default_rng(seed))
    fast_d, slow_d = fast[0] - fast[1], slow[0] - slow[1]
    assert fast_d.mean() == pytest.approx(slow_d.mean(), abs=4 * slow_d.std() / 1500**0.5)
    assert fast_d.std() == pytest.approx(slow_d.std(), rel=0.08)
    assert np.quantile(fast_d, [0.1, 0.9]) == pytest.approx(np.quantile(slow_d, [0.1, 0.9]), abs=0.15 * slow_d.std())


def test_every_kind_of_unit_gives_the_same_law(monkeypatch):
    systems = case(5, num_documents=4000, num_labels=3)
    pair = [tuple(systems)]
    found = {}
    for kind, collapse, most in (("patterns", 10, 50_000), ("documents", 1e9, 50_000), ("bins", 1e9, 1000)):
        monkeypatch.setattr(resampling, "_LEAST_COLLAPSE", collapse)
        monkeypatch.setattr(resampling, "MOST_DOCUMENTS", most)
        monkeypatch.setattr(resampling, "NUM_BINS", 1000)
        drawn = bootstrap(systems, "micro_f1", (1,), 4000)
        found[kind] = ((drawn[0] - drawn[1]).std(), randomisation(pair, "micro_f1", (1,), 4000))
    deviations, p = zip(*found.values(), strict=True)
    assert max(deviations) / min(deviations) < 1.08
    assert max(p) - min(p) < 0.05


@pytest.mark.parametrize("kind", ["patterns", "documents", "bins"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_draw_is_the_score_of_the_documents_drawn(metric, kind, monkeypatch):
    """Exactly, whatever is drawn: bins and documents as they are, patterns by any documents that have them."""
    monkeypatch.setattr(resampling, "_LEAST_COLLAPSE", 0 if kind == "patterns" else 1e9)
    monkeypatch.setattr(resampling, "MOST_DOCUMENTS", 10 if kind == "bins" else 50_000)
    monkeypatch.setattr(resampling, "NUM_BINS", 7)
    for root in range(10):
        systems = case(root, num_documents=40, num_systems=3, num_labels=4)
        chosen = [by_metric(one, metric) for one in systems]
        units, sizes, is_pattern = resampling._units(chosen, (root,))
        assert is_pattern == (kind == "patterns" and metric == "micro_f1")
        draw = resampling._multinomial(sizes) if is_pattern else resampling._with_replacement(sizes.size)
        ((_, weights),) = resampling._draws(draw, (root,), 5, sizes.size)
        members = [np.flatnonzero(units == unit) for unit in range(sizes.size)]
        for found, times in zip(bootstrap(systems, metric, (root,), 5).T, weights.astype(int), strict=True):
            drawn = np.concatenate(
                [np.repeat(own[:1] if is_pattern else own, num) for own, num in zip(members, times, strict=True)]
            )
            assert found == pytest.approx([score(rows(one, drawn), metric) for one in systems], abs=1e-4)


def test_bins_keep_the_variance_of_macro(monkeypatch):
    systems = case(8, num_documents=6000, num_labels=4)
    found = {}
    for kind, most in (("documents", 50_000), ("bins", 1000)):
        monkeypatch.setattr(resampling, "MOST_DOCUMENTS", most)
        monkeypatch.setattr(resampling, "NUM_BINS", 1500)
        drawn = bootstrap(systems, "macro_f1", (1,), 3000)
        found[kind] = (drawn[0] - drawn[1]).std()
    assert found["bins"] == pytest.approx(found["documents"], rel=0.07)


def test_one_resample_is_shared_by_all_systems_however_they_are_batched(monkeypatch):
    systems = case(6, num_systems=3)
    whole = bootstrap(systems, "macro_f1", (1,), 50)
    assert bootstrap([systems[0], systems[0]], "macro_f1", (1,), 50).std(0).max() == 0
    monkeypatch.setattr(resampling, "_MOST_BYTES", 1)
    assert (bootstrap(systems, "macro_f1", (1,), 50) == whole).all()
    assert (bootstrap(systems[1:], "macro_f1", (1,), 50) == whole[1:]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_equal_predictions_swaps_of_the_arms_and_order(metric):
    one, other = case(7)
    assert randomisation([(one, one)], metric, (1,), 100) == 1.0
    assert randomisation([(one, other)], metric, (1,), 999) == randomisation([(other, one)], metric, (1,), 999)
    shuffled = [rows(counts, np.random.default_rng(1).permutation(20)) for counts in (one, other)]
    assert randomisation([tuple(shuffled)], metric, (1,), 4000) == pytest.approx(
        randomisation([(one, other)], metric, (1,), 4000), abs=0.04
    )
    turned = [Counts(counts.right[:, ::-1], counts.size[:, ::-1]) for counts in (one, other)]
    assert randomisation([tuple(turned)], metric, (1,), 999) == randomisation([(one, other)], metric, (1,), 999)
    seeds = [(one, other), (other, one), (one, one)]
    assert randomisation(seeds, metric, (1,), 999) == randomisation(seeds[::-1], metric, (1,), 999)


def test_seeds_depend_on_the_name_alone():
    assert seed_of(0, "hiagm/masking/wos") == seed_of(0, "hiagm/masking/wos")
    assert len({seed_of(root, key) for root in (0, 1) for key in "ab"}) == 4


def level(num_studies, num_documents, metric, num_resamples=400):
    """Shares of p < .05 of two runs that are noise around the same gold: randomisation and bootstrap."""
    rejected = np.zeros(2)
    for study in range(num_studies):
        one, other = case((study, 99), num_documents, num_labels=8, wrong=0.1)
        drawn = bootstrap([one, other], metric, (study,), num_resamples)
        difference = score(one, metric) - score(other, metric)
        # Shifted to the null: the raw share below 0 would be another question.
        p = (1 + np.sum(np.abs(drawn[0] - drawn[1] - difference) >= abs(difference))) / (1 + num_resamples)
        rejected += [randomisation([(one, other)], metric, (study,), num_resamples) < 0.05, p < 0.05]
    return rejected / num_studies


@pytest.mark.parametrize("metric", METRICS)
def test_both_hold_their_level_where_runs_are_exchangeable(metric):
    by_swaps, by_draws = level(300, 150, metric)
    assert 0.015 < by_swaps < 0.09 and 0.015 < by_draws < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_both_hold_their_level_in_a_large_simulation(metric):
    by_swaps, by_draws = level(4000, 300, metric, 1000)
    assert 0.04 < by_swaps < 0.06 and 0.035 < by_draws < 0.07
