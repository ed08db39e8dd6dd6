"""Selection of labels: what is left against brute force, notes that count, and readers that go on untouched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.documents import SPLITS, CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_selection import select_labels
from harness.core.errors import DataError
from tests.datasets.storage.small_corpus import HIERARCHY, documents


def small():
    return CorpusSource(HIERARCHY, iter(documents()), ["first"], {"k": "1"}, 4)


def closure(hierarchy, names):
    return {hierarchy.labels[label] for label in hierarchy.close([hierarchy.index[name] for name in names])}


def test_nothing_chosen_is_the_corpus_itself():
    source = small()
    assert select_labels(lambda: source) is source


@given(st.data())
def test_every_choice_keeps_what_brute_force_keeps(data):
    size = data.draw(st.integers(1, 8))
    pairs = [(parent, child) for child in range(size) for parent in range(child)]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    full = Hierarchy([f"n{label}" for label in range(size)], edges)
    golds = st.lists(st.sampled_from(full.labels), max_size=3, unique=True).map(tuple)
    made = data.draw(st.lists(st.tuples(golds, st.sampled_from(SPLITS)), max_size=8))
    rows = [Document(str(number), "t", gold, split) for number, (gold, split) in enumerate(made)]
    depth, least, used = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 3)), data.draw(st.booleans())
    closed = [closure(full, row.labels) if row.labels else set() for row in rows]
    wanted = {
        name
        for label, name in enumerate(full.labels)
        if (not depth or full.levels[label] <= depth)
        and (not used or any(name in one for one in closed))
        and sum(name in one for one, row in zip(closed, rows, strict=True) if row.split == "train") >= least
    }

    def read():
        return CorpusSource(full, iter(rows))

    if not wanted:
        with pytest.raises(DataError, match="No label is left|No document has a label"):
            select_labels(read, depth=depth, min_documents=least, used_labels=used)
        return
    found = select_labels(read, depth=depth, min_documents=least, used_labels=used)
    assert set(found.hierarchy.labels) == wanted
    # In the order, on the levels and below the roots of before.
    places = [full.index[name] for name in found.hierarchy.labels]
    assert places == sorted(places) and np.array_equal(found.hierarchy.levels, full.levels[places])
    for row, document, before in zip(rows, found.documents, closed, strict=True):
        assert (document.doc_id, document.text, document.split) == (row.doc_id, row.text, row.split)
        after = closure(found.hierarchy, document.labels) if document.labels else set()
        assert after == before & wanted


def test_notes_count_what_is_left_out_and_follow_those_of_the_reader():
    def read():
        notes = ["first"]

        def rows():
            yield from documents()
            notes.append("told at the end")

        return CorpusSource(HIERARCHY, rows(), notes, {"k": "1"}, 4)

    found = select_labels(read, depth=2, min_documents=2)
    assert found.hierarchy.labels == ("a",)
    assert [document.labels for document in found.documents] == [("a",), ("a",), (), ("a",)]
    assert list(found.notes) == [
        "first",
        "told at the end",
        "Labels below level 2, which are left out: 1.",
        "Labels with fewer than 2 training documents, which are left out: 3.",
    ]
    assert found.inputs == {"k": "1"} and found.num_documents == 4
    rows = [Document("0", "t", ("lone",), "train"), *(Document(name, "t", ("a",), "train") for name in "12")]
    found = select_labels(lambda: CorpusSource(HIERARCHY, iter(rows)), min_documents=2)
    assert [document.labels for document in found.documents] == [(), ("a",), ("a",)]
    assert found.notes[-1] == "Documents that lose all labels by this, and stay: 1."


def test_branches_are_pooled_after_labels_are_left_out():
    found = select_labels(small, depth=1, min_branch=2)
    assert found.hierarchy.labels == ("a", "b", "lone") and found.hierarchy.min_branch == 2
    assert len(found.hierarchy.branches()) == 1
    assert found.notes[-1] == "Branches of fewer than 2 labels are pooled into one."
    # A floor of the reader's own stays.
    again = select_labels(lambda: CorpusSource(HIERARCHY.pooled(9), iter(documents())), depth=1)
    assert again.hierarchy.min_branch == 9


def test_unknown_labels_are_left_for_the_writer_to_tell():
    rows = [Document("0", "t", ("a", "who"), "train")]
    found = select_labels(lambda: CorpusSource(HIERARCHY, iter(rows)), used_labels=True)
    assert [document.labels for document in found.documents] == [("a", "who")]


def test_a_choice_that_leaves_nothing_says_what_would():
    with pytest.raises(DataError, match="the most frequent one has 2 training documents. Lower min_documents.* 3"):
        select_labels(small, min_documents=3)
    with pytest.raises(DataError, match="No document has a label. Check how the labels are read with --look"):
        select_labels(lambda: CorpusSource(HIERARCHY, iter([])), used_labels=True)
