"""Which values are kept, batches, and micro F."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage.predictions import FLOOR
from models import SYSTEMS
from models.systems.base import BATCH, batched, highest, micro_f1
from models.systems.linear import Linear
from tests.models.systems.splits import TREE, Split, planted


def test_the_highest_values_are_kept_and_all_of_the_floor_or_more() -> None:
    values = np.array([[0.9, 0.8, 0.7, 0.04], [0.04, 0.03, 0.02, 0.01], [0.4, 0.3, FLOOR, 0.01]])
    np.testing.assert_array_equal(highest(values, 2).toarray() > 0, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0]])
    np.testing.assert_array_equal(highest(values).toarray(), values.astype(np.float32))


def test_micro_f_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    gold, predicted = draw.random((2, 50, 7)) < 0.3
    expected = f1_score(gold, predicted, average="micro")
    assert micro_f1(sparse.csr_array(gold), sparse.csr_array(predicted)) == pytest.approx(expected)
    nothing = sparse.csr_array((3, 2), dtype=bool)
    assert micro_f1(nothing, nothing) == 0


def test_batches_hold_every_text_once() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_values_do_not_depend_on_what_is_in_a_batch() -> None:
    train = planted(TREE, 100, 1)
    system = Linear(TREE, cost=1.0)
    system.fit(train, train, seed=0)
    many = Split(list(train) * (BATCH // 100 + 1), train.gold)
    np.testing.assert_array_equal(system.values(many).toarray()[:100], system.values(train).toarray())
    assert system.values([]).shape == (0, len(TREE))


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "imported"])
def test_every_system_learns_planted_labels_and_says_what_it_is(name: str) -> None:
    train, valid, test = (planted(TREE, size, seed) for size, seed in ((300, 1), (80, 2), (80, 3)))
    component = SYSTEMS[name]
    system = component.load()(TREE, **component.resolved({}))
    assert all(isinstance(value, str) for value in system.fit(train, valid, seed=0).values())
    values = system.values(test)
    assert values.dtype == np.float32 and values.shape == test.gold.shape
    assert values.data.min() >= 0 and values.data.max() <= 1
    least = 0.3 if name == "constant" else 0.6 if name == "nearest" else 0.85
    assert micro_f1(test.gold, sparse.csr_array(values > 0.5)) > least
    # Omikuji does not tell how many weights it holds.
    assert (system.num_parameters > 0) == (name != "label_tree")
    assert component.summary and component.numerics
