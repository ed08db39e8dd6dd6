"""Spellings of several tokens: what may come next against all that can be spelt, and what is read from anything."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
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
from models.structure_encoders.seq2seq.label_tokens import (
    Constraint,
    LabelTokens,
    Spelling,
    own_spelling,
    pretrained_spelling,
)
from tests.models.hierarchies import dags, forests, hierarchy
from tests.models.structure_encoders.seq2seq.test_label_orders import bfs_language, dfs_language

FIRST, LATER = range(10, 40), range(40, 43)


@st.composite
def spellings(draw: st.DrawFn, symbols: list[Symbol]) -> Spelling:
    """TokenIds that often begin alike, so that one symbol may be the beginning of another; the end has its own."""
    words = st.tuples(st.sampled_from(FIRST[:3]), st.lists(st.sampled_from(LATER), max_size=2))
    drawn = draw(st.lists(words.map(lambda one: (one[0], *one[1])), min_size=len(symbols), max_size=len(symbols)))
    seen: set[tuple[int, ...]] = set()
    for place, word in enumerate(drawn):
        # What was drawn before gets a first token of its own.
        drawn[place] = word if word not in seen else (FIRST[3 + place], *word[1:])
        seen.add(drawn[place])
    return {**dict(zip(symbols, drawn, strict=True)), END: (1,)}


@given(dags(max_labels=4), st.booleans(), st.data())
def test_what_may_follow_is_what_follows_in_any_spelling(graph: Hierarchy, is_deep: bool, data: st.DataObject) -> None:
    grammar: Grammar = DFS(graph) if is_deep else BFS(graph)
    spelling = data.draw(spellings([*grammar.structural, *range(len(graph))]))
    constraint = Constraint(grammar, spelling)
    following: dict[tuple[int, ...], set[int]] = {}
    for sequence in dfs_language(graph) if is_deep else bfs_language(graph):
        tokens = tuple(token for symbol in sequence for token in spelling[symbol])
        for place, token in enumerate(tokens):
            following.setdefault(tokens[:place], set()).add(token)
        following.setdefault(tokens, set())
    for prefix, expected in following.items():
        place = constraint.start
        for token in prefix:
            place = constraint.after(place, token)
        assert constraint.allowed(place) == tuple(sorted(expected))


@given(st.one_of(forests(), dags()), st.sampled_from(sorted(ORDERS)), st.data())
def test_what_is_written_is_read_again(graph: Hierarchy, name: str, data: st.DataObject) -> None:
    labels = graph.close(data.draw(st.sets(st.integers(0, len(graph) - 1)))).tolist()
    order = ORDERS[name](graph)
    for spelling in (own_spelling(order, graph.labels), data.draw(spellings([*order.structural, *range(len(graph))]))):
        tokens = LabelTokens(order, graph.labels, spelling)
        assert tokens.read(tokens.write(labels)) == set(labels)
        assert tokens.read([*tokens.write(labels), *tokens.write(range(len(graph)))]) == set(labels), "not past the end"


def test_what_is_no_symbol_is_passed_over() -> None:
    graph = hierarchy(3, [(0, 1)])
    order = BFS(graph)
    spelling = {END: (1,), SIBLING: (2,), NEXT: (3,), 0: (10,), 1: (10, 40), 2: (11, 41, 42)}
    tokens = LabelTokens(order, graph.labels, spelling)
    assert tokens.read([10, 2, 11, 41, 42, 3, 10, 40, 1]) == {0, 1, 2}
    assert tokens.read([10, 99, 11, 41, 42]) == {0, 2}, "a token of no label ends a word"
    assert tokens.read([10, 41, 2, 11, 41]) == set(), "neither is a whole label"
    assert tokens.read([40, 10, 10, 40, 0, 0]) == {0, 1}
    assert tokens.read([]) == set()


@given(st.integers(0, 2**16))
def test_reading_never_fails(seed: int) -> None:
    graph = hierarchy(3, [(0, 1)])
    order = DFS(graph)
    spelling = {END: (1,), ROOT: (2,), POP: (3,), 0: (10,), 1: (10, 40), 2: (11, 41, 42)}
    generator = np.random.default_rng(seed)
    assert LabelTokens(order, graph.labels, spelling).read(generator.integers(0, 45, 30).tolist()) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ((10,), "cannot write the label 'label 2': its tokens .10., .* are also those of 'label 0'"),
        ((12, 3), "cannot write the label 'label 2': its tokens .12, 3., .* hold one that others begin with"),
        ((40, 41), "cannot write the label 'label 1': its tokens .10, 40., .* hold one that others begin with"),
        ((), "cannot write the label 'label 2': its tokens .., .* are none"),
        ((3,), "cannot write the label 'label 2': .* are also those of '/'.* Rename the label, or leave `model` empty"),
    ],
)
def test_tokens_that_do_not_tell_are_refused(last: tuple[int, ...], words: str) -> None:
    graph = hierarchy(3, [(0, 1)])
    spelling = {END: (1,), SIBLING: (2,), NEXT: (3,), 0: (10,), 1: (10, 40), 2: last}
    with pytest.raises(DataError, match=words):
        LabelTokens(BFS(graph), graph.labels, spelling)


def test_labels_are_cleaned_before_they_are_cut() -> None:
    class Letters:
        eos_token_id = 1

        def convert_tokens_to_ids(self, sign: str) -> int:
            return {"-": 18, "/": 87}[sign]

        def __call__(self, text: str, add_special_tokens: bool) -> Any:
            assert not add_special_tokens

            class Encoding:
                input_ids = [ord(letter) for letter in text]

            return Encoding

    graph = Hierarchy(["Machine Learning/AI", "X-ray \t CT"], [])
    spelt = {
        name: "".join(map(chr, tokens))
        for name, tokens in pretrained_spelling(DFS(graph), graph.labels, Letters()).items()
        if name != END
    }
    assert spelt == {ROOT: "Root", POP: "Pop", 0: "MachineLearningAI", 1: "XrayCT"}
    signs = pretrained_spelling(BFS(graph), graph.labels, Letters())
    assert (signs[SIBLING], signs[NEXT], signs[END]) == ((18,), (87,), (1,))
