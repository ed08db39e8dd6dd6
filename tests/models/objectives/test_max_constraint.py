"""MCLoss against its own formula on probabilities, on trees and DAGs, by branch and as a whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from models.objectives.max_constraint import MaxConstraint
from tests.models.hierarchies import dags, head_on, hierarchy
from tests.models.objective_checks import assert_heads_see_their_own_labels_only


def by_hand(graph: Hierarchy, h: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """The loss and the constrained probability of each label, one label and one descendant at a time."""
    below = [np.flatnonzero(graph.ancestors[:, label]) for label in range(len(graph))]
    highest = [max(h[b] for b in labels) for labels in below]
    held = [max(y[b] * h[b] for b in labels) for labels in below]
    losses = [-np.log(held[a]) if y[a] else -np.log(1 - highest[a]) for a in range(len(graph))]
    return losses, highest


def logit(h: Any) -> Tensor:
    return torch.logit(torch.tensor(h, dtype=torch.double))[None]


def test_the_chain_of_the_published_formula() -> None:
    chain = hierarchy(3, [(0, 1), (1, 2)])
    objective = MaxConstraint([head_on(chain)])
    logits, gold = logit([0.2, 0.7, 0.4]), torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.double)
    assert objective.probabilities(logits)[0].tolist() == pytest.approx([0.7, 0.7, 0.4])
    assert objective.terms(logits, gold).mean().item() == pytest.approx(0.4081, abs=5e-5)


@given(dags(), st.integers(0, 2**16))
def test_terms_and_gradients_are_those_of_the_formula_on_any_dag(graph: Hierarchy, seed: int) -> None:
    generator = np.random.default_rng(seed)
    h = generator.uniform(0.05, 0.95, len(graph))
    y = graph.ancestors[generator.random(len(graph)) < 0.3].any(0).astype(float)
    objective = MaxConstraint([head_on(graph)])
    losses, highest = by_hand(graph, h, y)
    gold = torch.from_numpy(y)[None]
    np.testing.assert_allclose(objective.terms(logit(h), gold)[0], losses)
    np.testing.assert_allclose(objective.probabilities(logit(h))[0], highest)
    torch.autograd.gradcheck(lambda z: objective.terms(z, gold), logit(h).requires_grad_())


@given(dags(), st.integers(0, 2**16))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    assert_heads_see_their_own_labels_only(MaxConstraint, graph, seed)
