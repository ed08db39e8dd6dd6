"""Hierarchies against walking the graph, and the published shapes of real taxonomies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.formats.textfiles import read_edges, read_taxonomy
from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
from tests.shared import shared

DIAMOND = Hierarchy.from_names([("Root", "a"), ("Root", "b"), ("a", "x"), ("b", "x"), ("x", "y"), ("b", "z")])


@st.composite
def graphs(draw):
    """Random graphs whose edges go from lower to higher indices, so without cycles."""
    size = draw(st.integers(1, 9))
    pairs = [(parent, child) for parent in range(size) for child in range(parent + 1, size)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    extra = draw(st.sets(st.integers(0, size - 1), max_size=2))
    return Hierarchy([f"n{node}" for node in range(size)], edges, extra)


@settings(max_examples=80)
@given(graphs(), st.integers(0, 6))
def test_pooling_keeps_every_label_in_the_same_company_or_more(hierarchy, floor):
    pooled = hierarchy.pooled(floor)
    assert pooled.labels == hierarchy.labels and pooled.edges.tolist() == hierarchy.edges.tolist()
    assert Hierarchy.from_json(pooled.to_json()) == pooled
    before = [set(branch.tolist()) for branch in hierarchy.branches()]
    after = [set(branch.tolist()) for branch in pooled.branches()]
    tiny = [branch for branch in before if len(branch) < floor]
    if len(tiny) < 2:
        assert after == before
    else:
        assert after == [branch for branch in before if len(branch) >= floor] + [set().union(*tiny)]
    assert sorted(root for roots in pooled.branch_roots for root in roots) == sorted(hierarchy.roots)


def closure_by_walking(hierarchy, labels):
    above, todo = set(), list(labels)
    while todo:
        label = todo.pop()
        above.add(label)
        todo += [parent for parent, child in hierarchy.edges.tolist() if child == label]
    return sorted(above)


@settings(max_examples=80)
@given(graphs(), st.data())
def test_closure_levels_and_branches_equal_walking(hierarchy, data):
    labels = data.draw(st.sets(st.integers(0, len(hierarchy) - 1)))
    assert hierarchy.close(labels).tolist() == closure_by_walking(hierarchy, labels)
    for node in range(len(hierarchy)):
        parents = [parent for parent, child in hierarchy.edges.tolist() if child == node]
        assert hierarchy.levels[node] == 1 + max((hierarchy.levels[parent] for parent in parents), default=0)
    for root, members in zip(hierarchy.roots, hierarchy.branches(), strict=True):
        below = [node for node in range(len(hierarchy)) if root in closure_by_walking(hierarchy, [node])]
        assert members.tolist() == below
    # Every label is in some branch: heads together cover all labels.
    assert sorted(set(np.concatenate(hierarchy.branches()).tolist())) == list(range(len(hierarchy)))


@settings(max_examples=40)
@given(graphs())
def test_stored_hierarchy_is_the_same(hierarchy):
    again = Hierarchy.from_json(hierarchy.to_json())
    assert again == hierarchy and again.roots == hierarchy.roots
    sizes = sum(len(members) for members in hierarchy.branches())
    assert sizes >= len(hierarchy)
    if hierarchy.is_tree:
        assert sizes == len(hierarchy)


def test_closure_runs_through_all_parents():
    names = [DIAMOND.labels[label] for label in DIAMOND.close([DIAMOND.index["y"]])]
    assert sorted(names) == ["a", "b", "x", "y"]
    assert not DIAMOND.is_tree
    assert [len(members) for members in DIAMOND.branches()] == [3, 4]


def test_cycle_is_refused_with_its_edges():
    edges = [("Root", "top"), ("top", "2773"), ("2773", "3813"), ("3813", "2773")]
    with pytest.raises(DataError, match="cycle: (2773 > 3813 > 2773|3813 > 2773 > 3813)"):
        Hierarchy.from_names(edges)


def test_labels_that_only_a_cycle_holds_are_reported_as_the_cycle():
    with pytest.raises(DataError, match="cycle"):
        Hierarchy.from_names([("Root", "a"), ("b", "c"), ("c", "b")])


@pytest.mark.parametrize(("name", "message"), [("", "has no name"), ("\ud83d", "'.ud83d', which is not valid Unicode")])
def test_labels_have_names_that_can_be_stored(name, message):
    with pytest.raises(DataError, match=f"A label of the hierarchy .*{message}"):
        Hierarchy(["a", name], [(0, 1)])


def test_unreachable_labels_are_counted():
    with pytest.raises(DataError, match="2 labels cannot be reached from 'Root', first 'b'"):
        Hierarchy.from_names([("Root", "a"), ("b", "c")])


def test_a_branch_may_be_one_label():
    hierarchy = Hierarchy.from_names([("Root", "alone"), ("Root", "a"), ("a", "b")])
    assert [len(members) for members in hierarchy.branches()] == [1, 2]


@pytest.mark.parametrize(
    ("file", "labels", "branches", "levels"),
    [
        ("wos.taxonomy", 141, [18, 54, 12, 17, 10, 10, 20], [7, 134]),
        ("rcv1.hiagm.taxonomy", 103, [34, 26, 33, 10], [4, 55, 43, 1]),
        ("rcv1.hitin.taxonomy", 102, [34, 26, 32, 10], [4, 54, 43, 1]),
        ("nyt.taxonomy", 166, [62, 7, 23, 74], [4, 27, 51, 47, 17, 12, 6, 2]),
        ("hwv.taxonomy", 1186, None, [11, 109, 381, 437, 244, 4]),
        ("clinc150.tsv", 160, None, [10, 150]),
        # By the longest way from the root; by the shortest one, as often printed, 2,552/1,171/247/22/5.
        ("eurovoc_eurlex57k_full_dag.tsv", 4662, None, [21, 127, 517, 2427, 1277, 263, 25, 5]),
    ],
)
def test_real_taxonomies_have_their_published_shape(file, labels, branches, levels):
    hierarchy = read_taxonomy(shared(f"data/taxonomies/{file}"))
    assert len(hierarchy) == labels
    assert np.bincount(hierarchy.levels)[1:].tolist() == levels
    if branches is not None:
        assert [len(members) for members in hierarchy.branches()] == branches


def test_the_taxonomy_of_hitin_lacks_gmil():
    full = read_taxonomy(shared("data/taxonomies/rcv1.hiagm.taxonomy"))
    short = read_taxonomy(shared("data/taxonomies/rcv1.hitin.taxonomy"))
    assert set(full.labels) - set(short.labels) == {"GMIL"}


def test_eurovoc_overlaps_little_under_domains():
    edges = read_edges(shared("data/taxonomies/eurovoc_eurlex57k_full_dag.tsv"))
    hierarchy = Hierarchy.from_names(edges)
    shares = np.bincount(np.concatenate(hierarchy.branches()))
    assert int((shares > 1).sum()) == 6
    assert sum(degree > 1 for _, degree in hierarchy.graph.in_degree()) == 214


@settings(max_examples=80)
@given(graphs(), st.data())
def test_a_part_keeps_its_edges_and_its_roots(hierarchy, data):
    labels = np.array(sorted(data.draw(st.sets(st.integers(0, len(hierarchy) - 1), min_size=1))))
    part = hierarchy.sub(labels)
    edges = {(hierarchy.labels[p], hierarchy.labels[c]) for p, c in hierarchy.edges.tolist() if {p, c} <= {*labels}}
    assert {(part.labels[p], part.labels[c]) for p, c in part.edges.tolist()} == edges
    orphans = {hierarchy.labels[label] for label in labels} - {child for _, child in edges}
    roots = {hierarchy.labels[root] for root in hierarchy.roots if root in labels}
    assert {part.labels[root] for root in part.roots} == roots | orphans


def test_a_repeated_edge_counts_once_and_a_self_edge_is_a_cycle():
    assert Hierarchy(["a", "b"], [(0, 1), (0, 1)]) == Hierarchy(["a", "b"], [(0, 1)])
    with pytest.raises(DataError, match="has a cycle: a > a"):
        Hierarchy(["a"], [(0, 0)])
