"""Conditional softmax against the published numbers, and against its random walk on any DAG."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import HeadSpec, LabelFacts
from models.objectives.conditional_softmax import ConditionalSoftmax
from tests.models import objective_checks as checks
from tests.models.hierarchies import DAG, UNLIKE, dags, forests, head_on, hierarchy, stars

TREE = hierarchy(4, [(0, 2), (0, 3)])
ROOT = -1


def by_hand(graph: Hierarchy, z: list[float], y: list[float], nu: dict[tuple[int, int], float]) -> list[float]:
    """The loss of each label of a whole hierarchy, one sibling set at a time; nu multiplies exponentials."""
    parents = {v: [int(p) for p, c in graph.edges if c == v] for v in range(len(graph))}
    top = [v for v in parents if not parents[v]]
    if len(top) > 1:
        parents |= {v: [ROOT] for v in top}
    losses = []
    for v in range(len(graph)):
        if not parents[v]:
            p = 1 / (1 + math.exp(-z[v]))
            losses.append(-y[v] * math.log(p) - (1 - y[v]) * math.log(1 - p))
            continue
        logs = []
        for p in parents[v]:
            powers = {u: nu.get((p, u), 1.0) * math.exp(z[u]) for u in parents if p in parents[u]}
            logs.append(math.log(powers[v] / sum(powers.values())))
        losses.append(-y[v] * sum(logs) / len(logs))
    return losses


def simulated(graph: Hierarchy, z: Tensor, num: int) -> np.ndarray:
    """The share of random walks from the root that come past each label."""
    generator = np.random.default_rng(0)
    parents = {int(c) for _, c in graph.edges}
    children = {v: [int(c) for p, c in graph.edges if p == v] for v in range(len(graph))}
    children[ROOT] = [v for v in range(len(graph)) if v not in parents]
    odds = {p: (z[0, c].exp() / z[0, c].exp().sum()).numpy() for p, c in children.items() if c}
    visits = np.zeros(len(graph))
    for _ in range(num):
        place = ROOT
        while children[place]:
            place = int(generator.choice(children[place], p=odds[place]))
            visits[place] += 1
    return visits / num


def test_the_published_programs_numbers() -> None:
    objective = ConditionalSoftmax([head_on(TREE)])
    logits = checks.doubles([[1, 0, 2, -1]])
    assert objective.terms(logits, checks.doubles([[1, 0, 1, 0]])).sum().item() == pytest.approx(0.3618, abs=5e-5)
    assert objective.probabilities(logits)[0].tolist() == pytest.approx([0.7311, 0.2689, 0.6964, 0.0347], abs=5e-5)


@given(dags(), st.integers(0, 2**16), st.sampled_from([0.0, 0.5, 1.0]))
def test_loss_set_by_set_on_any_dag(graph: Hierarchy, seed: int, tau: float) -> None:
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, 4, len(graph))
    facts = LabelFacts(np.zeros(len(graph.edges), np.float32), counts)
    objective = ConditionalSoftmax([HeadSpec(graph, facts, np.arange(len(graph)))], tau=tau)
    logits = torch.from_numpy(generator.normal(size=(3, len(graph))))
    gold = checks.closed_gold(graph, 3, seed)
    with_parents = {int(c) for _, c in graph.edges}
    pairs = [(int(p), int(c)) for p, c in graph.edges] + [(ROOT, v) for v in range(len(graph)) if v not in with_parents]
    nu = {}
    for p, v in pairs:
        total = sum(max(counts[u], 1) for q, u in pairs if q == p)
        nu[p, v] = (max(counts[v], 1) / total) ** tau
    expected = [by_hand(graph, z, y, nu) for z, y in zip(logits.tolist(), gold.tolist(), strict=True)]
    np.testing.assert_allclose(objective.terms(logits, gold), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("graph", [DAG, hierarchy(6, [(0, 2), (0, 3), (2, 4), (3, 4), (1, 5)])], ids=["dag", "diamond"])
def test_probabilities_are_those_of_walks(graph: Hierarchy) -> None:
    logits = torch.randn(1, len(graph))
    shown = ConditionalSoftmax([head_on(graph)]).probabilities(logits)[0]
    np.testing.assert_allclose(shown, simulated(graph, logits, 20_000), atol=0.015)


@given(forests(), st.integers(0, 2**16))
def test_on_a_forest_siblings_share_what_their_parent_has(graph: Hierarchy, seed: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, len(graph))))
    shown = ConditionalSoftmax([head_on(graph)], tau=1.0).probabilities(logits).numpy()
    for parent in {int(p) for p, _ in graph.edges}:
        children = [int(c) for p, c in graph.edges if p == parent]
        np.testing.assert_allclose(shown[:, children].sum(1), shown[:, parent])
    if len(graph.roots) > 1:
        np.testing.assert_allclose(shown[:, list(graph.roots)].sum(1), 1)
    else:
        np.testing.assert_allclose(shown[:, graph.roots[0]], torch.sigmoid(logits[:, graph.roots[0]]))


def test_logit_adjustment_makes_the_balanced_answer_optimal() -> None:
    """With the text saying nothing, training ends at equal logits, not at the shares of the classes (Menon et al.)."""
    facts = LabelFacts(np.zeros(0, np.float32), np.array([90, 10]))
    objective = ConditionalSoftmax([HeadSpec(hierarchy(2), facts, np.arange(2))], tau=1.0)
    gold = torch.zeros(100, 2)
    gold[:90, 0] = gold[90:, 1] = 1
    logits = torch.zeros(1, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(objective.terms(logits.expand(100, -1), gold).sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros(1, 2), atol=1e-4, rtol=0)
    assert objective.probabilities(logits)[0].tolist() == [0.5, 0.5]


def test_a_label_without_documents_counts_as_one_document() -> None:
    def adjusted(counts: list[int]) -> Tensor:
        facts = LabelFacts(np.zeros(0, np.float32), np.array(counts))
        objective = ConditionalSoftmax([HeadSpec(hierarchy(4), facts, np.arange(4))], tau=1.0)
        # At equal logits, gold labels one by one: - log of their shares.
        return -objective.terms(torch.zeros(4, 4), torch.eye(4)).diagonal()

    expected = [math.log(count / 101) for count in (50, 30, 20, 1)]
    assert adjusted([50, 30, 20, 0]).tolist() == pytest.approx(expected, abs=1e-6)
    assert expected[3] == pytest.approx(-4.615, abs=5e-4)
    assert adjusted([0, 0, 0, 0]).tolist() == pytest.approx([math.log(1 / 4)] * 4)


def test_two_gold_siblings_end_at_a_half_each() -> None:
    logits = torch.zeros(1, 2, requires_grad=True)
    terms = ConditionalSoftmax([head_on(hierarchy(2))]).terms(logits, torch.ones(1, 2))
    assert torch.autograd.grad(terms.sum(), logits)[0].tolist() == [[0.0, 0.0]]


def test_an_only_child_has_its_parents_probability_and_learns_nothing() -> None:
    objective = ConditionalSoftmax([head_on(hierarchy(3, [(0, 2)]))])
    logits = torch.randn(1, 3, requires_grad=True)
    shown = objective.probabilities(logits)[0]
    assert shown[2] == shown[0]
    (gradient,) = torch.autograd.grad(objective.terms(logits, torch.tensor([[1.0, 0.0, 1.0]])).sum(), logits)
    assert gradient[0, 2] == 0 and gradient[0, 0] != 0


def test_in_branches_top_labels_are_sigmoids_and_learn_alone_from_documents_without_gold() -> None:
    # Branches {0 2 3 5}, {1 3 4 5}, {6}.
    objective = ConditionalSoftmax(checks.projected(DAG), tau=1.0)
    logits = torch.randn(1, 9)
    terms = objective.terms(logits, torch.zeros(1, 9))[0]
    assert terms.nonzero().flatten().tolist() == [0, 4, 8]
    torch.testing.assert_close(terms[[0, 4, 8]], torch.nn.functional.softplus(logits[0, [0, 4, 8]]))
    shown = objective.probabilities(logits)[0]
    torch.testing.assert_close(shown[[0, 4, 8]], torch.sigmoid(logits[0, [0, 4, 8]]))
    torch.testing.assert_close(shown[1] + shown[2], shown[0])


def test_several_pooled_top_labels_do_not_compete_in_a_branch() -> None:
    graph = stars([4, 1, 1]).pooled(2)
    assert [len(branch) for branch in graph.branches()] == [4, 2]
    shown = ConditionalSoftmax(checks.projected(graph)).probabilities(torch.zeros(1, 6))
    torch.testing.assert_close(shown, torch.tensor([[0.5, 1 / 6, 1 / 6, 1 / 6, 0.5, 0.5]]))


@given(dags(), st.integers(0, 2**16))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    checks.assert_heads_see_their_own_labels_only(ConditionalSoftmax, graph, seed, tau=1.0)


def test_a_list_of_whole_hierarchies_is_its_heads_side_by_side() -> None:
    sizes = [len(one.hierarchy) for one in UNLIKE]
    logits = torch.randn(3, sum(sizes))
    parts = zip(UNLIKE, logits.split(sizes, 1), strict=True)
    expected = torch.cat([ConditionalSoftmax([one]).probabilities(z) for one, z in parts], 1)
    torch.testing.assert_close(ConditionalSoftmax(UNLIKE).probabilities(logits), expected)


@settings(max_examples=30)
@given(dags(), st.integers(0, 2**16))
def test_gradients_on_any_dag(graph: Hierarchy, seed: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, len(graph))))
    checks.assert_gradients(ConditionalSoftmax([head_on(graph)], tau=1.0), logits, checks.closed_gold(graph, 2, seed))


def test_one_branch_is_the_base_model() -> None:
    checks.assert_one_branch_is_the_base_model(ConditionalSoftmax, hierarchy(4, [(0, 1), (0, 2), (1, 3)]), tau=1.0)


def test_no_clamp_is_needed() -> None:
    checks.assert_huge_logits_are_harmless(ConditionalSoftmax([head_on(DAG)]), checks.closed_gold(DAG, 4, 0))
