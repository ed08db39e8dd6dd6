"""The best constant is found among all sets of labels, and scores what reports call the best constant."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from harness.stats.collapse import best_constant
from models.systems.base import micro_f1
from models.systems.constant import Constant
from tests.models.systems.splits import DAG, TREE, planted


@pytest.mark.parametrize("seed", range(5))
def test_no_other_set_of_labels_is_better(seed: int) -> None:
    train = planted(TREE, 30, seed)
    system = Constant(TREE)
    system.fit(train, train, seed=0)
    ours = micro_f1(train.gold, sparse.csr_array(system.values(train) > 0.5))
    every = [labels for size in range(1, 7) for labels in combinations(range(6), size)]

    def score(labels: tuple[int, ...]) -> float:
        predicted = np.zeros((30, 6), dtype=bool)
        predicted[:, labels] = True
        return micro_f1(train.gold, sparse.csr_array(predicted))

    assert ours == pytest.approx(max(map(score, every)))
    assert 100 * ours == pytest.approx(best_constant("micro_f1", train.gold.toarray().sum(0), 30))


def test_values_rank_labels_by_frequency_and_the_set_is_closed() -> None:
    train = planted(DAG, 200, 1)
    system = Constant(DAG)
    system.fit(train, train, seed=0)
    row = system.values(["any", "text"]).toarray()[1]
    np.testing.assert_array_equal(
        np.argsort(-row, kind="stable"), np.argsort(-train.gold.toarray().sum(0), kind="stable")
    )
    assert (((row > 0.5)[None] @ DAG.ancestors) == (row > 0.5)).all()
    assert system.values([]).shape == (0, len(DAG))
