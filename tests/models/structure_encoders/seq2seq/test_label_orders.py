"""Orders against the published examples and their definitions, grammars against the languages they stand for."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.structure_encoders.seq2seq.label_orders import (
    BFS,
    DFS,
    END,
    NEXT,
    ORDERS,
    POP,
    ROOT,
    SIBLING,
    Grammar,
    Symbol,
)
from tests.models.hierarchies import dags, forests

SIGNS = {END: "", ROOT: "Root ", POP: "Pop ", SIBLING: "- ", NEXT: "/ "}
WOS = Hierarchy.from_names(
    [("Root", "CS"), ("Root", "Medical"), ("CS", "ML"), ("CS", "AI"), ("Medical", "Cancer"), ("Medical", "HIV")]
)
LETTERS = Hierarchy.from_names([("Root", "A"), ("Root", "B"), ("A", "C"), ("B", "D"), ("A", "E"), ("C", "F")])


def text(order: str, graph: Hierarchy, labels: str) -> str:
    symbols = ORDERS[order](graph).write(graph.index[name] for name in labels.split())
    assert symbols[-1] == END and END not in symbols[:-1]
    blank = " " if ROOT in symbols else ""
    return "".join(graph.labels[one] + blank if one >= 0 else SIGNS[one] for one in symbols).strip()


@pytest.mark.parametrize(
    ("order", "labels", "expected"),
    [
        ("dfs", "CS ML", "Root CS ML Pop Pop"),
        ("dfs", "Cancer Medical ML CS", "Root CS ML Pop Pop Medical Cancer Pop Pop"),
        ("dfs", "CS AI ML", "Root CS ML Pop AI Pop Pop"),
        ("dfs", "CS", "Root CS Pop"),
        ("dfs", "", "Root"),
        ("bfs", "CS ML", "CS/ ML"),
        ("bfs", "", ""),
        ("bottom_up_bfs", "CS ML Medical", "ML/ CS- Medical"),
        ("bottom_up_dfs", "CS ML", "ML/ CS"),
        ("bottom_up_dfs", "CS ML AI", "ML- AI/ CS"),
        ("bottom_up_dfs", "CS ML Medical", "ML/ CS- Medical"),
        ("bottom_up_dfs", "", ""),
    ],
)
def test_published_examples(order: str, labels: str, expected: str) -> None:
    assert text(order, WOS, labels) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("bfs", "A- B/ C- D"),
        ("bottom_up_bfs", "C- D/ A- B"),
        ("dfs", "Root A C Pop Pop B D Pop Pop"),
        # Up from C to A; B waits until D has been written.
        ("bottom_up_dfs", "C/ A/ D/ B"),
    ],
)
def test_two_paths(order: str, expected: str) -> None:
    assert text(order, LETTERS, "A B C D") == expected


def test_a_path_goes_on_where_another_has_joined_it() -> None:
    # F is deepest; its parent C has the sibling E; then A, whose sibling B still waits for D.
    assert text("bottom_up_dfs", LETTERS, "A B C D E F") == "F/ C- E/ A/ D/ B"


def test_a_label_with_two_parents_stands_once() -> None:
    graph = Hierarchy.from_names([("Root", "A"), ("Root", "B"), ("A", "C"), ("C", "D"), ("B", "D")])
    assert text("bfs", graph, "A B C D") == "A- B/ C- D"
    assert text("dfs", graph, "A B C D") == "Root A C D Pop Pop Pop B Pop"
    assert text("bottom_up_bfs", graph, "A B C D") == "C- D/ A- B"
    assert text("bottom_up_dfs", graph, "A B C D") == "D/ B/ C/ A"


@st.composite
def documents(draw: st.DrawFn) -> tuple[Hierarchy, list[int]]:
    """A forest or a DAG, and a set of its labels that is closed under ancestors."""
    graph = draw(st.one_of(forests(), dags()))
    return graph, graph.close(draw(st.sets(st.integers(0, len(graph) - 1)))).tolist()


@given(documents(), st.sampled_from(sorted(ORDERS)))
def test_every_label_is_written_once_and_no_other(document: tuple[Hierarchy, list[int]], name: str) -> None:
    graph, labels = document
    order = ORDERS[name](graph)
    symbols = order.write(labels)
    assert sorted(one for one in symbols if one >= 0) == labels
    assert set(symbols) - set(labels) <= set(order.structural) and symbols[-1] == END
    place = {label: symbols.index(label) for label in labels}
    for label in labels:
        above = [place[parent] for parent in graph.graph.predecessors(label)]
        if name == "bottom_up_dfs":
            assert all(one > place[label] for one in above)
        elif above and label not in graph.roots:
            assert max(above) > place[label] if name == "bottom_up_bfs" else min(above) < place[label]


@given(documents(), st.sampled_from(["bfs", "dfs"]))
def test_what_is_written_is_always_allowed(document: tuple[Hierarchy, list[int]], name: str) -> None:
    graph, labels = document
    grammar = ORDERS[name](graph)
    assert isinstance(grammar, Grammar)
    state = grammar.start()
    for symbol in grammar.write(labels):
        assert symbol in grammar.allowed(state)
        state = grammar.after(state, symbol)
    assert grammar.allowed(state) == ()


def ordered_subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(len(items) + 1):
        yield from permutations(items, size)


def dfs_language(graph: Hierarchy) -> set[tuple[Symbol, ...]]:
    """Walks through all forests that use some labels, each below one of its parents or, if a root, at the top."""
    above = {
        label: [*graph.graph.predecessors(label), *([ROOT] if label in graph.roots else [])] for label in graph.graph
    }
    language = set()
    for size in range(len(graph) + 1):
        for labels in combinations(range(len(graph)), size):
            for parents in product(*([one for one in above[label] if one in (ROOT, *labels)] for label in labels)):
                below: dict[int, list[int]] = {one: [] for one in (ROOT, *labels)}
                for label, parent in zip(labels, parents, strict=True):
                    below[parent].append(label)
                language |= {(ROOT, *walk, END) for walk in walks(below, ROOT)}
    return language


def walks(below: dict[int, list[int]], top: int) -> Iterator[tuple[Symbol, ...]]:
    for order in permutations(below[top]):
        for parts in product(*([(label, *walk, POP) for walk in walks(below, label)] for label in order)):
            yield tuple(symbol for part in parts for symbol in part)


def bfs_language(graph: Hierarchy) -> set[tuple[Symbol, ...]]:
    def levels(candidates: list[int], used: set[int]) -> Iterator[tuple[Symbol, ...]]:
        for level in ordered_subsets(candidates):
            joined = tuple(symbol for label in level for symbol in (SIBLING, label))[1:]
            yield joined
            if level:
                below = {child for label in level for child in graph.graph.successors(label)} - used - set(level)
                yield from ((*joined, NEXT, *rest) for rest in levels(sorted(below), used | set(level)) if rest)

    return {(*one, END) for one in levels(sorted(graph.roots), set())}


@given(dags(max_labels=4), st.booleans())
def test_what_may_follow_is_what_follows_in_the_language(graph: Hierarchy, is_deep: bool) -> None:
    language = dfs_language(graph) if is_deep else bfs_language(graph)
    grammar: Grammar = DFS(graph) if is_deep else BFS(graph)
    following: dict[tuple[Symbol, ...], set[Symbol]] = {}
    for sequence in language:
        for place, symbol in enumerate(sequence):
            following.setdefault(sequence[:place], set()).add(symbol)
    for prefix, expected in following.items():
        state = grammar.start()
        for symbol in prefix:
            state = grammar.after(state, symbol)
        allowed = grammar.allowed(state)
        assert set(allowed) == expected and len(allowed) == len(expected)


@given(st.one_of(forests(), dags()), st.booleans(), st.integers(0, 2**16))
def test_any_walk_ends_and_has_a_parent_for_each_label(graph: Hierarchy, is_deep: bool, seed: int) -> None:
    grammar: Grammar = DFS(graph) if is_deep else BFS(graph)
    generator = np.random.default_rng(seed)
    state, symbols = grammar.start(), []
    while allowed := grammar.allowed(state):
        symbols.append(int(generator.choice([one for one in allowed if one != END] or [END])))
        state = grammar.after(state, symbols[-1])
        assert len(symbols) <= 2 * len(graph) + 2
    labels = [one for one in symbols if one >= 0]
    assert len(set(labels)) == len(labels) > 0
    for place, label in enumerate(labels):
        assert label in graph.roots or set(graph.graph.predecessors(label)) & set(labels[:place])
