"""Collapsed runs: every constant prediction by brute force, real cells, and how often healthy cells alarm."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from harness.stats.collapse import best_constant, far_below


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 5))
def test_the_best_constant_prediction_is_the_best_of_all(support, more):
    num = max(support) + more
    gold = np.array([[place < count for count in support] for place in range(num)])
    labels = range(len(support))
    for metric, average in (("micro_f1", "micro"), ("macro_f1", "macro")):
        scores = []
        for chosen in (chosen for size in range(len(support) + 1) for chosen in combinations(labels, size)):
            right = [2 * support[label] for label in chosen]
            if average == "micro":
                scores.append(sum(right) / max(1, num * len(chosen) + sum(support)))
            else:
                scores.append(sum(one / (num + one / 2) for one in right) / len(support))
        found = best_constant(metric, support, num)
        assert found == pytest.approx(100 * max(scores))
        if len(support) > 1:
            every = [
                np.isin(np.arange(len(support)), np.argsort(support)[::-1][:size]) for size in range(len(support) + 1)
            ]
            oracle = [f1_score(gold, np.tile(one, (num, 1)), average=average, zero_division=0) for one in every]
            assert found == pytest.approx(100 * max(oracle))


def test_by_hand():
    # 100 documents: the root's children have 60 and 40, a rare label 1.
    assert best_constant("micro_f1", [40, 1, 60], 100) == pytest.approx(100 * 2 * 100 / (200 + 101))
    assert best_constant("macro_f1", [40, 1, 60], 100) == pytest.approx(100 * (0.8 / 1.4 + 0.02 / 1.01 + 1.2 / 1.6) / 3)
    assert best_constant("micro_f1", [0, 0], 5) == best_constant("macro_f1", [0, 0], 5) == 0


@pytest.mark.parametrize(
    ("scores", "num"),
    [
        ([80.0, 80.1, 79.9, 80.2, 3.0], 1),
        ([80.0, 80.1, 79.9, 4.0, 3.0], 2),
        ([80.0, 80.1, 79.9, 30.0, 3.0], 2),
        ([80.0, 80.1, 79.9, 69.8, 80.0], 1),
        ([80.0, 80.1, 79.9, 70.0, 80.0], 0),  # Ten points below the median, and not below all others.
        ([80.0, 70.0, 60.0, 90.0, 40.0], 0),  # Twice the spread of the others.
        ([80.0, 80.1, 3.0, 3.1], 0),  # Half of them: which are the others?
        ([80.0, 3.0], 0),
        ([], 0),
    ],
)
def test_far_below_all_others(scores, num):
    for order in (scores, scores[::-1]):
        found = far_below(order)
        assert sum(found) == num and sorted(order)[:num] == sorted(np.array(order)[found].tolist())


@pytest.mark.parametrize(
    "scores",
    [
        [59.42, 58.83, 58.62, 56.41, 58.59],
        [44.36, 49.86, 50.51, 49.49, 49.51],
        [46.68, 48.04, 45.27, 46.11, 35.99],
        [21.24, 19.56, 21.45, 20.74, 12.48],
        [75.8, 75.7, 75.9, 75.8, 73.3],
        [78.44, 78.14, 78.65, 78.23, 76.12],
        [66.27, 71.95, 72.05, 69.80, 72.12],
        [83.03, 83.10, 82.34, 82.67, 77.55],
    ],
)
def test_cells_of_small_corpora_that_are_as_they_are(scores):
    assert not any(far_below(scores))


@pytest.mark.parametrize("num_seeds", [3, 5, 10])
@pytest.mark.parametrize("sd", [0.3, 0.6, 1.0])
def test_healthy_cells_raise_no_alarm_and_collapsed_runs_do(num_seeds, sd):
    """Fewer than .1 % of cells: none of 2,000, one optimum or two that are 3 points apart."""
    rng = np.random.default_rng([num_seeds, int(10 * sd)])
    healthy = rng.normal(80, sd, (2000, num_seeds))
    two = healthy - 3 * (rng.random(healthy.shape) < 0.5)
    assert not any(any(far_below(row)) for row in (*healthy, *two))
    healthy[:, -1] -= 60
    assert all(far_below(row) == [False] * (num_seeds - 1) + [True] for row in healthy)
