"""Conditional sigmoid against the published numbers, and against its Bayesian network on any DAG."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.objectives.conditional_sigmoid import ConditionalSigmoid
from tests.models import objective_checks as checks
from tests.models.hierarchies import DAG, dags, head_on, hierarchy, stars

TREE = hierarchy(4, [(0, 2), (0, 3)])


@pytest.mark.parametrize(("gold", "loss"), [([1, 0, 1, 0], 1.4466), ([0, 1, 0, 0], 2.0064)])
def test_the_published_programs_numbers(gold: list[int], loss: float) -> None:
    objective = ConditionalSigmoid([head_on(TREE)])
    logits = checks.doubles([[1, 0, 2, -1]])
    assert objective.terms(logits, checks.doubles([gold])).sum().item() == pytest.approx(loss, abs=5e-5)
    assert objective.probabilities(logits)[0].tolist() == pytest.approx([0.7311, 0.5, 0.6439, 0.1966], abs=5e-5)


@given(dags(6), st.integers(0, 2**16))
def test_loss_and_probabilities_are_those_of_a_bayesian_network(graph: Hierarchy, seed: int) -> None:
    """Every closed set has the probability exp(- loss); they add up to 1, and to P(v) over those that hold v."""
    sets = np.array(list(product([0, 1], repeat=len(graph))))
    closed = sets[((sets @ graph.ancestors > 0) == sets).all(1)]
    objective = ConditionalSigmoid([head_on(graph)])
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, len(graph))))
    losses = objective.terms(logits.expand(len(closed), -1), checks.doubles(closed)).sum(1)
    joint = torch.exp(-losses).numpy()
    assert joint.sum() == pytest.approx(1)
    np.testing.assert_allclose(objective.probabilities(logits)[0], joint @ closed)


@settings(max_examples=30)
@given(dags(), st.integers(0, 2**16))
def test_gradients_on_any_dag(graph: Hierarchy, seed: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, len(graph))))
    checks.assert_gradients(ConditionalSigmoid([head_on(graph)]), logits, checks.closed_gold(graph, 2, seed))


@given(dags(), st.integers(0, 2**16))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    checks.assert_heads_see_their_own_labels_only(ConditionalSigmoid, graph, seed)


def test_branches_of_a_tree_have_the_loss_and_the_probabilities_of_the_whole() -> None:
    graph = stars([4, 1, 6])
    base, split = ConditionalSigmoid([head_on(graph)]), ConditionalSigmoid(checks.projected(graph))
    logits, gold = torch.randn(5, 11, dtype=torch.double), checks.closed_gold(graph, 5, 3)
    torch.testing.assert_close(split.terms(logits, gold), base.terms(logits, gold))
    torch.testing.assert_close(split.probabilities(logits), base.probabilities(logits))


def test_a_document_without_gold_teaches_the_top_labels_only() -> None:
    terms = ConditionalSigmoid(checks.projected(DAG)).terms(torch.zeros(1, 9), torch.zeros(1, 9))
    # Branches {0 2 3 5}, {1 3 4 5}, {6}.
    assert terms[0].nonzero().flatten().tolist() == [0, 4, 8]


def test_one_branch_is_the_base_model() -> None:
    checks.assert_one_branch_is_the_base_model(ConditionalSigmoid, hierarchy(4, [(0, 1), (0, 2), (1, 3)]))


def test_no_clamp_is_needed() -> None:
    checks.assert_huge_logits_are_harmless(ConditionalSigmoid([head_on(DAG)]), checks.closed_gold(DAG, 4, 0))
