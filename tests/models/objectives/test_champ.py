"""CHAMP's distances against shortest ways in the tree, its weights by hand, and plain cross-entropy at beta 0."""

import math

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.objectives.bce import BCE
from models.objectives.champ import Champ
from tests.models import objective_checks as checks
from tests.models.hierarchies import DAG, dags, forests, head_on, hierarchy, stars


def undirected(graph: Hierarchy) -> nx.Graph:
    tree = graph.graph.to_undirected()
    tree.add_edges_from(("root", label) for label in graph.roots)
    return tree


@given(forests(), st.integers(0, 2**16))
def test_on_a_forest_distances_are_shortest_ways_to_the_nearest_gold_label(graph: Hierarchy, seed: int) -> None:
    gold = checks.closed_gold(graph, 4, seed)
    lengths = dict(nx.all_pairs_shortest_path_length(undirected(graph)))
    found = Champ([head_on(graph)]).distances(gold)
    for own, document in zip(found.tolist(), gold, strict=True):
        labels = document.nonzero().flatten().tolist()
        if labels:
            assert own == [min(lengths[v][g] for g in labels) for v in range(len(graph))]
    farthest = max(lengths[v][u] for v in range(len(graph)) for u in range(len(graph)))
    assert graph.diameter == farthest
    # Without gold: as if another branch's top label held.
    assert found[0].tolist() == [min(lengths[v]["root"] + 1, farthest) for v in range(len(graph))]


@given(dags(), st.integers(0, 2**16))
def test_on_a_dag_ways_lead_up(graph: Hierarchy, seed: int) -> None:
    gold = checks.closed_gold(graph, 3, seed)
    found = Champ([head_on(graph)]).distances(gold).tolist()
    up = graph.graph.reverse()
    up.add_edges_from((label, "root") for label in graph.roots)
    for own, document in zip(found, gold.tolist(), strict=True):
        for v in range(len(graph)):
            ways = nx.single_source_shortest_path_length(up, v)
            ends = [num for end, num in ways.items() if end != "root" and document[end]]
            assert own[v] == min([*ends, min(ways["root"] + 1, graph.diameter)])


def test_weights_by_hand() -> None:
    # A root label 0 with children 1 and 2, 3 below 1; and a root label 4. From 3 to 4 are 4 edges.
    graph = hierarchy(5, [(0, 1), (0, 2), (1, 3)])
    assert graph.diameter == 4
    terms = Champ([head_on(graph)], beta=0.5).terms(torch.zeros(1, 5), torch.tensor([[1.0, 0.0, 1.0, 0.0, 0.0]]))[0]
    squares = [1, (5 / 4) ** 2, 1, (6 / 4) ** 2, (6 / 4) ** 2]
    assert terms.tolist() == pytest.approx([math.log(2) * (1 + 0.5 * (square - 1)) for square in squares])


def published(graph: Hierarchy, gold: list[float], z: list[float], beta: float) -> list[float]:
    """The published program's loss of one document, from its matrix of distances: a weight per nearest gold label."""
    lengths = dict(nx.all_pairs_shortest_path_length(undirected(graph)))
    farthest = max(lengths[v][u] for v in range(len(graph)) for u in range(len(graph)))
    labels = [u for u in range(len(graph)) if gold[u]]
    losses = []
    for v in range(len(graph)):
        least = min(lengths[v][u] for u in labels)
        num, weight = sum(lengths[v][u] == least for u in labels), 1 + beta * ((1 + least / farthest) ** 2 - 1)
        losses.append(math.log1p(math.exp(-z[v])) if gold[v] else num * weight * math.log1p(math.exp(z[v])))
    return losses


@given(forests(), st.integers(0, 2**16))
def test_ties_that_count_each_are_the_published_programs_loss_on_a_forest(graph: Hierarchy, seed: int) -> None:
    gold = checks.closed_gold(graph, 4, seed)
    gold = gold[gold.sum(1) > 0]
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=gold.shape))
    terms = Champ([head_on(graph)], beta=0.2, ties="each").terms(logits, gold)
    if len(graph) > 1:
        expected = [published(graph, y, z, 0.2) for y, z in zip(gold.tolist(), logits.tolist(), strict=True)]
        np.testing.assert_allclose(terms, np.reshape(expected, gold.shape))


@given(dags(), st.integers(0, 2**16))
def test_ties_change_nothing_for_documents_of_one_path(graph: Hierarchy, seed: int) -> None:
    path = [int(np.random.default_rng(seed).choice(graph.roots))]
    gold = torch.zeros(1, len(graph), dtype=torch.float64)
    gold[0, path] = 1
    objective = Champ([head_on(graph)], ties="each")
    assert objective.num_nearest(gold).tolist() == [[1.0] * len(graph)]


def test_ties_by_hand_and_in_branches() -> None:
    # Three stars; gold are the hubs 0 and 2, and 1 below 0. Label 4 and its hub see two gold hubs across the root.
    graph = hierarchy(6, [(0, 1), (2, 3), (4, 5)])
    gold = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    assert Champ([head_on(graph)]).num_nearest(gold).tolist() == [[1, 1, 1, 1, 2, 2]]
    branches = Champ(checks.projected(graph), ties="each")
    assert branches.num_nearest(gold).tolist() == [[1, 1, 1, 1, 1, 1]]
    whole = Champ([head_on(graph)], beta=0.0, ties="each").terms(torch.zeros(1, 6), gold)[0]
    assert whole.tolist() == pytest.approx([math.log(2) * num for num in (1, 1, 1, 1, 2, 2)])


def test_the_default_is_the_formula_with_the_strength_of_the_authors_configurations() -> None:
    objective = Champ([head_on(stars([2, 2]))])
    assert objective.beta == 1e-4 and objective.ties == "once"


def test_gold_labels_keep_the_weight_1_and_beta_0_is_plain_cross_entropy() -> None:
    logits, gold = torch.randn(4, 7), checks.closed_gold(DAG, 4, 2).float()
    plain = BCE([head_on(DAG)]).terms(logits, gold)
    weighted = Champ([head_on(DAG)], beta=0.7).terms(logits, gold)
    torch.testing.assert_close(weighted[gold > 0], plain[gold > 0])
    assert (weighted[gold == 0] > 1.1 * plain[gold == 0]).all()
    torch.testing.assert_close(Champ([head_on(DAG)], beta=0.0).terms(logits, gold), plain)
    torch.testing.assert_close(Champ([head_on(DAG)]).probabilities(logits), torch.sigmoid(logits))


def test_branches_of_a_tree_have_the_weights_of_the_whole() -> None:
    graph = hierarchy(9, [(0, 1), (0, 2), (1, 3), (4, 5), (5, 6), (6, 7)])
    logits, gold = torch.randn(6, 9), checks.closed_gold(graph, 6, 1).float()
    order = np.concatenate(graph.branches())
    branches = Champ(checks.projected(graph)).terms(logits[:, order], gold[:, order])
    torch.testing.assert_close(branches, Champ([head_on(graph)]).terms(logits, gold)[:, order])


@given(dags(), st.integers(0, 2**16))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    checks.assert_heads_see_their_own_labels_only(Champ, graph, seed)


@settings(max_examples=30)
@given(dags(), st.integers(0, 2**16))
def test_gradients_on_any_dag(graph: Hierarchy, seed: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, len(graph))))
    checks.assert_gradients(Champ([head_on(graph)]), logits, checks.closed_gold(graph, 2, seed))


def test_one_branch_is_the_base_model() -> None:
    checks.assert_one_branch_is_the_base_model(Champ, hierarchy(4, [(0, 1), (0, 2), (1, 3)]))


def test_one_label_alone() -> None:
    assert hierarchy(1).diameter == 0
    terms = Champ([head_on(hierarchy(1))]).terms(checks.doubles([[0.0]]), checks.doubles([[0.0]]))
    assert terms.item() == pytest.approx(math.log(2))


def test_the_longest_way_leads_through_the_root_where_there_are_branches() -> None:
    assert stars([4, 6, 1]).diameter == 4 and hierarchy(3, [(0, 1), (1, 2)]).diameter == 2


def test_no_clamp_is_needed() -> None:
    checks.assert_huge_logits_are_harmless(Champ([head_on(DAG)]), checks.closed_gold(DAG, 4, 0))
