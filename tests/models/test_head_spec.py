"""What a head is built for: edges and ancestors of its labels, and counts of documents against brute force."""

import dataclasses

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import LabelFacts, count, label_priors
from tests.models.hierarchies import DAG, dags, facts_of, head_on, hierarchy


def test_edges_between_predicted_labels() -> None:
    # Of the edges 0>2, 0>3, 1>3, 1>4 and 3>5, as places in 5, 3, 1.
    part = dataclasses.replace(head_on(DAG), predicted=np.array([5, 3, 1]))
    assert part.predicted_edges.tolist() == [[2, 1], [1, 0]]
    assert head_on(DAG).predicted_edges.tolist() == DAG.edges.tolist()


def test_rows_are_those_of_predicted_labels_or_of_all() -> None:
    part = dataclasses.replace(head_on(DAG), predicted=np.array([5, 3, 1]))
    assert part.rows.tolist() == [5, 3, 1] and part.row_edges.tolist() == [[2, 1], [1, 0]]
    whole = dataclasses.replace(part, foreign_rows=True)
    assert whole.rows.tolist() == list(range(7)) and whole.row_edges.tolist() == DAG.edges.tolist()
    assert whole.predicted_edges.tolist() == [[2, 1], [1, 0]]


def test_priors_are_shares_among_siblings() -> None:
    # Children 1 and 2 of 0; 3 of 1; 4 and 5 share no documents with their parent 2.
    graph = hierarchy(6, [(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)])
    documents = [[0, 1], [0, 1, 3], [0, 1, 2], [0, 2], [4], [0]]
    gold = np.zeros((6, 6), bool)
    for row, labels in enumerate(documents):
        gold[row, labels] = True
    # A document with both children counts for both: 3 and 2 of 5, though 3 of 5 documents have the first.
    np.testing.assert_allclose(label_priors(graph, scipy.sparse.csr_array(gold)), [0.6, 0.4, 1.0, 0.0, 0.0])


def test_priors_without_edges() -> None:
    assert label_priors(hierarchy(2), scipy.sparse.csr_array(np.ones((3, 2), bool))).shape == (0,)


@given(dags(), st.integers(0, 2**31))
def test_priors_of_any_dag(graph: Hierarchy, seed: int) -> None:
    gold = np.random.default_rng(seed).random((20, len(graph))) < 0.3
    priors = label_priors(graph, scipy.sparse.csr_array(gold))
    assert priors.dtype == np.float32
    for parent in range(len(graph)):
        children = [int(c) for p, c in graph.edges if p == parent]
        together = [int((gold[:, parent] & gold[:, child]).sum()) for child in children]
        expected = [one / max(sum(together), 1) for one in together]
        found = [float(f) for f, (p, _) in zip(priors, graph.edges, strict=True) if p == parent]
        assert found == pytest.approx(expected, rel=1e-6)


@given(dags(), st.data())
def test_edges_and_ancestors_of_any_part_of_any_dag(graph: Hierarchy, data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, len(graph) - 1), unique=True, min_size=1))
    head = dataclasses.replace(head_on(graph), predicted=np.array(labels))
    edges = {(int(p), int(c)) for p, c in graph.edges}
    found = [(labels[p], labels[c]) for p, c in head.predicted_edges.tolist()]
    assert sorted(found) == sorted((p, c) for p, c in edges if p in labels and c in labels)
    above = {label: nx.ancestors(graph.graph, label) | {label} for label in labels}
    assert head.predicted_ancestors.tolist() == [[a in above[v] for a in labels] for v in labels]


@given(dags(), st.integers(0, 2**16))
def test_a_branch_keeps_the_counts_of_its_labels_and_the_priors_of_its_edges(graph: Hierarchy, seed: int) -> None:
    priors = np.random.default_rng(seed).random(len(graph.edges))
    facts = facts_of(graph, priors)
    by_edge = dict(zip(map(tuple, graph.edges.tolist()), facts.priors.tolist(), strict=True))
    for branch in graph.branches():
        part, own = graph.sub(branch), facts.of(graph, branch)
        assert own.num_documents.tolist() == (branch + 1).tolist()
        edges = [(int(branch[p]), int(branch[c])) for p, c in part.edges.tolist()]
        assert own.priors.tolist() == [by_edge[edge] for edge in edges]
        assert [tokens.tolist() for tokens in own.describe(lambda *_: [])] == [[label] for label in branch.tolist()]


def test_counts_of_documents_and_descriptions_that_were_not_asked_of_any_text() -> None:
    gold = scipy.sparse.csr_array(np.array([[1, 0, 1], [1, 1, 0], [1, 0, 0]], bool))
    facts: LabelFacts = count(hierarchy(3, [(0, 1), (0, 2)]), gold)
    assert facts.num_documents.tolist() == [3, 1, 1] and facts.num_documents.dtype == np.int64
    assert facts.priors.tolist() == [0.5, 0.5]
    with pytest.raises(AssertionError, match="counted without texts"):
        facts.describe(lambda *_: [])
