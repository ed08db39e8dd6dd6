"""Small label hierarchies, random ones, and the specifications of heads on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import HeadSpec, LabelFacts

WOS_BRANCHES = (18, 54, 12, 17, 10, 10, 20)


def hierarchy(num_labels: int, edges: Sequence[tuple[int, int]] = (), roots: Sequence[int] = ()) -> Hierarchy:
    return Hierarchy([f"label {i}" for i in range(num_labels)], edges, roots)


def head_on(graph: Hierarchy, priors: Any = None) -> HeadSpec:
    """A head that predicts every label of a hierarchy; priors are zeros unless given."""
    return HeadSpec(graph, facts_of(graph, priors), np.arange(len(graph)))


def facts_of(graph: Hierarchy, priors: Any = None) -> LabelFacts:
    """Priors are zeros unless given; label i has i + 1 documents and is described by the token i."""
    priors = np.asarray(np.zeros(len(graph.edges)) if priors is None else priors, np.float32)
    return LabelFacts(priors, np.arange(1, len(graph) + 1), lambda write: list(np.arange(len(graph))[:, None]))


def small_head(num_labels: int, edges: Sequence[tuple[int, int]] = (), seed: int = 0) -> HeadSpec:
    built = hierarchy(num_labels, edges)
    return head_on(built, np.random.default_rng(seed).random(len(built.edges)))


def stars(sizes: Sequence[int]) -> Hierarchy:
    """Branches of a root label with children, of these sizes, one after the other."""
    starts = np.cumsum([0, *sizes])
    edges = [(start, start + i) for start, size in zip(starts, sizes, strict=False) for i in range(1, size)]
    return hierarchy(sum(sizes), edges)


DAG = hierarchy(7, [(0, 2), (0, 3), (1, 3), (1, 4), (3, 5)])
"""Two branches {0 2 3 5} and {1 3 4 5}, that share 3 and 5, and a third of label 6 alone."""

UNLIKE = (
    small_head(4, [(0, 1), (0, 2), (1, 3)]),
    small_head(1),
    small_head(3, seed=1),
    small_head(4, [(0, 2), (1, 2), (2, 3)], seed=2),
    small_head(5, [(0, 1), (0, 2), (0, 3), (3, 4)], seed=3),
)
ALIKE = (
    small_head(4, [(0, 1), (0, 2), (0, 3)]),
    small_head(4, [(0, 1), (1, 2), (2, 3)], seed=1),
    small_head(4, seed=2),
)


@st.composite
def dags(draw: st.DrawFn, max_labels: int = 7) -> Hierarchy:
    """Any DAG, labels in any order; children of labels may be children of the root too."""
    num_labels = draw(st.integers(1, max_labels))
    order = draw(st.permutations(range(num_labels)))
    pairs = [(order[i], order[j]) for j in range(num_labels) for i in range(j)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return hierarchy(num_labels, edges, draw(st.sets(st.integers(0, num_labels - 1), max_size=2)))


@st.composite
def forests(draw: st.DrawFn, max_labels: int = 14) -> Hierarchy:
    """Any forest, labels in any order."""
    num_labels = draw(st.integers(1, max_labels))
    order = draw(st.permutations(range(num_labels)))
    above = [draw(st.integers(-1, i - 1)) for i in range(num_labels)]
    return hierarchy(num_labels, [(order[up], order[i]) for i, up in enumerate(above) if up >= 0])
