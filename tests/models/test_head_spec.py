"""What a head is built for: edges and ancestors of its labels, and counts of documents against brute force."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import label_priors
from tests.models.hierarchies import DAG, dags, head_on, hierarchy


def test_edges_between_labels_that_are_asked_for() -> None:
    # Of the edges 0>2, 0>3, 1>3, 1>4 and 3>5, as places in 5, 3, 1.
    asked = dataclasses.replace(head_on(DAG), predicted=np.array([5, 3, 1]))
    assert asked.predicted_edges.tolist() == [[2, 1], [1, 0]]
    assert head_on(DAG).predicted_edges.tolist() == DAG.edges.tolist()


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
