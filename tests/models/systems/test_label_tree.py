"""The threshold of a label tree by brute force, and values that keep the order of scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from models.systems.base import micro_f1
from models.systems.label_tree import LabelTree, best_threshold, stretched
from tests.models.systems.splits import TREE, planted


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better(seed: int) -> None:
    draw = np.random.default_rng(seed)
    gold = draw.random((20, 6)) < 0.3
    scores = (np.round(np.clip(draw.random((20, 6)) * 0.6 + gold * 0.3, 0, 1), 1)).astype(np.float32)
    threshold = best_threshold(sparse.csr_array(scores), sparse.csr_array(gold))

    def f1(least: float) -> float:
        return micro_f1(sparse.csr_array(gold), sparse.csr_array(scores > least))

    assert f1(threshold) == pytest.approx(max(f1(least) for least in np.arange(0.05, 1, 0.1)))


@given(st.lists(st.floats(0, 1, width=32), min_size=2), st.floats(0.01, 0.99))
def test_values_keep_the_order_and_the_decision(scores: list[float], threshold: float) -> None:
    values = stretched(np.sort(scores), threshold)
    assert (np.diff(values) >= 0).all() and values.min() >= 0 and values.max() <= 1
    np.testing.assert_array_equal(values > 0.5, np.sort(scores) > threshold)


@pytest.mark.parametrize("tree", ["parabel", "bonsai"])
def test_nothing_is_written_to_the_streams(tree: str, capfd: pytest.CaptureFixture[str]) -> None:
    train = planted(TREE, 100, 1)
    LabelTree(TREE, tree=tree).fit(train, train, seed=0)  # type: ignore[arg-type]
    assert capfd.readouterr() == ("", "")
