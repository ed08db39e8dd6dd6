"""Levels and what they weigh, label by label."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given

from datasets.storage.hierarchy import Hierarchy
from models.layers.level_losses import cross_entropy, level_factors, predicted_levels
from tests.models.hierarchies import DAG, dags, head_on, hierarchy


def test_levels_of_the_whole_and_within_a_branch() -> None:
    # 0>2, 0>3, 1>3, 1>4, 3>5: the longest way counts, and a branch's root is its own first level.
    assert predicted_levels(head_on(DAG)).tolist() == [1, 1, 2, 2, 2, 3, 1]
    chain = hierarchy(4, [(0, 1), (1, 2), (0, 2), (2, 3)])
    assert predicted_levels(head_on(chain)).tolist() == [1, 2, 3, 4]
    assert predicted_levels(head_on(chain.sub(np.array([2, 3])))).tolist() == [1, 2]


def test_factors_by_hand() -> None:
    # Levels of 3, 3 and 1 of 7 labels; of those predicted by the second head, 2 of 3 are on level 2.
    part = dataclasses.replace(head_on(DAG), predicted=np.array([1, 3, 4]))
    expected = [7 / 3, 7 / 3, 7 / 3, 7 / 3, 7 / 3, 7, 7 / 3, 3, 3 / 2, 3 / 2]
    assert level_factors([head_on(DAG), part]).tolist() == pytest.approx(expected)


@given(dags())
def test_equal_weights_become_a_mean_on_each_level(graph: Hierarchy) -> None:
    weights = level_factors([head_on(graph)]) / len(graph)
    for level in range(1, int(graph.levels.max()) + 1):
        assert weights[torch.from_numpy(graph.levels == level)].sum().item() == pytest.approx(1)


def test_local_and_global_terms_are_weighted_apart() -> None:
    logits = torch.logit(torch.tensor([[[0.2, 0.9]], [[0.6, 0.3]]]))
    found = cross_entropy(logits, torch.tensor([[1.0, 0.0]]), torch.tensor([1.0, 10.0]), torch.tensor([3.0, 30.0]))
    expected = -(np.log(0.2) + 10 * np.log(0.1) + 3 * np.log(0.6) + 30 * np.log(0.7))
    assert found.tolist() == pytest.approx([expected])
