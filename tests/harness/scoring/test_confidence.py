"""Confident depth by hand and by a loop: the least threshold that keeps its promise on validation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import FLOOR, Predictions
from harness.scoring.confidence import confident_depth, surest
from tests.harness.scoring.test_decisions import kept, sparse
from tests.harness.scoring.test_metrics import DAG

# p over a over x, and b below p.
CHAIN = Hierarchy(["p", "a", "b", "x"], [(0, 1), (0, 2), (1, 3)])


def test_by_hand() -> None:
    """On validation .6 is wrong and all above is right; on test the first gets to level 3 of 3, the second 1 of 2."""
    valid = np.array([[0.9, 0.8, 0.6, 0.7]])
    gold_valid = sparse(np.array([[1, 1, 0, 1]]))
    test = np.array([[0.9, 0.8, 0.1, 0.7], [0.8, 0.2, 0.5, 0.9]])
    gold_test = sparse(np.array([[1, 1, 0, 1], [1, 0, 1, 0]]))
    found = confident_depth(Predictions(kept(test), kept(valid), "scores"), gold_valid, gold_test, CHAIN)
    # x of the second document is .9, but its parent a is .2.
    assert found == pytest.approx({"confident_depth": 100 * (1 + 1 / 2) / 2, "confident_precision": 100})
    wrong = sparse(np.array([[1, 0, 1, 0], [1, 0, 1, 0]]))
    found = confident_depth(Predictions(kept(test), kept(valid), "scores"), gold_valid, wrong, CHAIN)
    assert found == pytest.approx({"confident_depth": 50, "confident_precision": 50})


def test_the_least_threshold_that_is_right_often_enough() -> None:
    values = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    right = np.array([True, False, True, True, True, True])
    assert surest(values, np.ones(6, bool)) == FLOOR
    assert surest(values, right) == 0.8, "below, 5 of 6 are not enough"
    assert surest(values, ~right) == surest(values[:0], right[:0]) == 1.0
    # Nine of ten are enough, even after a mistake; and equal values stand or fall together.
    assert surest(np.linspace(0.95, 0.5, 10), np.arange(10) != 4) == FLOOR
    assert surest(np.array([0.9, 0.5, 0.5]), np.array([True, True, False])) == 0.5


def test_without_anything_sure_or_gold_both_are_0() -> None:
    values, gold = kept(np.full((2, 4), 0.6)), sparse(np.zeros((2, 4)))
    found = confident_depth(Predictions(values, values, "scores"), gold, gold, CHAIN)
    assert found == {"confident_depth": 0.0, "confident_precision": 0.0}


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_against_a_loop_on_a_hierarchy_with_two_parents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    valid, test = (rng.integers(0, 9, (8, 5)) / 8 for _ in range(2))
    golds = [(rng.random((8, 5)) < values * 1.2).astype(int) @ DAG.ancestors > 0 for values in (valid, test)]

    def closed(values: np.ndarray) -> np.ndarray:
        return np.array([[row[DAG.ancestors[label]].min() for label in range(5)] for row in values])

    best = 1.0
    for threshold in (FLOOR, *np.arange(1, 8) / 8):
        chosen = closed(valid) > threshold
        if chosen.any() and (golds[0] & chosen).sum() >= 0.9 * chosen.sum():
            best = threshold
            break
    chosen = closed(test) > best
    shares = []
    for predicted, gold in zip(chosen, golds[1], strict=True):
        if gold.any():
            right = predicted & gold
            shares.append((DAG.levels[right].max() if right.any() else 0) / DAG.levels[gold].max())
    found = confident_depth(Predictions(kept(test), kept(valid), "scores"), *map(sparse, golds), DAG)
    assert found["confident_depth"] == pytest.approx(100 * np.mean(shares) if shares else 0)
    precision = (golds[1] & chosen).sum() / max(chosen.sum(), 1)
    assert found["confident_precision"] == pytest.approx(100 * precision)
