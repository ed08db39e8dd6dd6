"""Ranking metrics by hand, by scikit-learn, and by every order of tied labels."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from harness.scoring.ranking import ranking
from tests.harness.scoring.test_decisions import kept, sparse


def test_two_documents_by_hand() -> None:
    """The first has gold at ranks 1, 3 and 6, the second at 2."""
    values = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    gold = np.array([[1, 0, 1, 0, 0, 1], [0, 1, 0, 0, 0, 0]])
    found = ranking(kept(values), sparse(gold))
    log2_3 = np.log2(3)
    first = 1 + 1 / 2
    assert found == pytest.approx(
        {
            "precision_at_1": 50,
            "precision_at_3": 100 * (2 / 3 + 1 / 3) / 2,
            "precision_at_5": 100 * (2 / 5 + 1 / 5) / 2,
            "rp_at_3": 100 * (2 / 3 + 1) / 2,
            "rp_at_5": 100 * (2 / 3 + 1) / 2,
            "ndcg_at_3": 100 * (first / (1 + 1 / log2_3 + 1 / 2) + 1 / log2_3) / 2,
            "ndcg_at_5": 100 * (first / (1 + 1 / log2_3 + 1 / 2) + 1 / log2_3) / 2,
            "r_precision": 100 * (2 / 3 + 0) / 2,
        }
    )


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_ndcg_is_that_of_scikit_learn_ties_included(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 8, (9, 12)) / 8
    gold = rng.random((9, 12)) < 0.3
    found = ranking(kept(values), sparse(gold))
    some = gold.any(1)
    for most in (3, 5) if some.any() else ():
        assert found[f"ndcg_at_{most}"] == pytest.approx(100 * ndcg_score(gold[some], values[some], k=most))


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_equal_values_count_as_the_mean_over_every_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, gold = rng.integers(1, 4, 6) / 4, rng.random(6) < 0.5
    gold[rng.integers(6)] = True
    orders = [order for order in permutations(range(6)) if (np.diff(values[list(order)]) <= 0).all()]
    hits = np.array([gold[list(order)] for order in orders])
    found = ranking(kept(values[None]), sparse(gold[None]))
    num_gold = int(gold.sum())
    assert found["precision_at_1"] == pytest.approx(100 * hits[:, 0].mean())
    assert found["r_precision"] == pytest.approx(100 * hits[:, :num_gold].mean())
    for most in (3, 5):
        assert found[f"precision_at_{most}"] == pytest.approx(100 * hits[:, :most].mean())
        expected = hits[:, :most].sum(1).mean() / min(most, num_gold)
        assert found[f"rp_at_{most}"] == pytest.approx(100 * expected)


def test_documents_without_gold_do_not_count_and_labels_that_are_not_kept_are_not_among_the_first() -> None:
    values = np.array([[0.9, 0.2, 0.0, 0.0, 0.0], [0.9, 0.2, 0.1, 0.3, 0.4]])
    gold = np.array([[0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
    assert set(ranking(kept(values), sparse(gold)).values()) == {0.0}
    gold[0] = [1, 0, 1, 0, 0]
    found = ranking(kept(values), sparse(gold))
    assert (found["precision_at_1"], found["rp_at_3"], found["r_precision"]) == (100, 50, 50)


def test_there_is_no_rank_beyond_the_last_label() -> None:
    found = ranking(kept(np.array([[0.9, 0.1, 0.4]])), sparse(np.array([[1, 0, 1]])))
    assert {name for name in found if name.endswith("5")} == set()
    assert (found["precision_at_3"], found["rp_at_3"]) == (pytest.approx(200 / 3), 100)
    nothing = ranking(kept(np.zeros((2, 3))), sparse(np.zeros((2, 3))))
    assert set(nothing.values()) == {0.0}
