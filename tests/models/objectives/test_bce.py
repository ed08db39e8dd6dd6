"""Binary cross-entropy, label by label."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.objectives.bce import BCE
from tests.models.hierarchies import dags, head_on, stars
from tests.models.objective_checks import (
    assert_contract_of_one_label_at_a_time,
    assert_heads_see_their_own_labels_only,
    doubles,
)


def test_terms_are_the_formula_and_probabilities_sigmoids() -> None:
    logits, gold = doubles([[0.5, -2.0, 3.0]]), doubles([[1, 0, 0]])
    objective = BCE([head_on(stars([3]))])
    p = 1 / (1 + torch.exp(-logits))
    torch.testing.assert_close(objective.probabilities(logits), p)
    torch.testing.assert_close(objective.terms(logits, gold), -(gold * p.log() + (1 - gold) * (1 - p).log()))
    assert objective.terms(doubles([[0.0]]), doubles([[1]])).item() == pytest.approx(0.6931472), "ln 2"


@given(dags(), st.integers(0, 99))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    assert_heads_see_their_own_labels_only(BCE, graph, seed)


def test_gradients_one_branch_and_huge_logits() -> None:
    assert_contract_of_one_label_at_a_time(BCE)
