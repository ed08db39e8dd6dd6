"""Counts of a prepared corpus against a count by hand, and the names that published numbers bear."""

import re

import pytest

from datasets.corpora import bgc, eurlex57k, germeval, multieurlex, newsgroups, nyt, rcv1, wos
from datasets.prepare import parse_options, prepare
from datasets.storage.counts import branch_counts, counts, level_counts, level_sizes, size_note, split_counts
from tests.datasets.storage.small_corpus import made


def test_counts_of_a_small_graph_are_the_hand_count(tmp_path):
    assert counts(made(tmp_path)) == {
        "documents": 4, "train documents": 2, "val documents": 1, "test documents": 1,
        "labels": 5, "branches": 3, "level 1 labels": 3, "level 2 labels": 1, "level 3 labels": 1,
        "branch a labels": 3, "branch a train": 2, "branch a val": 1, "branch a test": 0, "branch a train+val": 3,
        "branch b labels": 3, "branch b train": 1, "branch b val": 1, "branch b test": 0, "branch b train+val": 2,
        "branch lone labels": 1, "branch lone train": 1, "branch lone val": 0, "branch lone test": 0,
        "branch lone train+val": 1,
        "labels without train documents": 0, "labels without test documents": 5,
        "labels without train+val documents": 0, "labels of the group few": 5,
        "labels with train and test documents": 0, "labels with several parents": 1, "labels in several branches": 2,
        "val texts that an earlier split has": 0, "test texts that an earlier split has": 0,
        "documents that came not closed": 1, "documents without labels": 1,
    }  # fmt: skip


def test_overlaps_of_the_planted_graph(data_dir):
    found = counts(prepare("synthetic", None, {"documents": 600}, data_dir))
    assert found["labels with several parents"] == 9 and found["labels in several branches"] == 16


def test_published_numbers_are_sums_of_their_parts():
    assert split_counts(5, 2, 3) == {"train documents": 5, "val documents": 2, "test documents": 3, "documents": 10}
    assert level_counts(2, 5) == {"level 1 labels": 2, "level 2 labels": 5, "labels": 7}
    assert branch_counts({"a": 1, "b": 2}, "test") == {"branch a test": 1, "branch b test": 2}


def test_sizes_are_noted_only_where_they_differ():
    assert size_note([1, 2, 3], (1, 2, 3), "laws") == []
    assert size_note(iter([1000, 2, 3]), (1, 2, 3), "laws") == [
        "The source has 1,000 / 2 / 3 laws (train / dev / test) instead of 1 / 2 / 3."
    ]


@pytest.mark.parametrize("module", [bgc, eurlex57k, germeval, multieurlex, newsgroups, nyt, rcv1, wos])
def test_published_numbers_bear_the_names_of_counts(module, tmp_path):
    """A name that no corpus has would be reported as missing for ever."""
    names = set(counts(made(tmp_path)))
    for name in module.published(parse_options(module.CARD.name, {}).model_dump()):
        same_kind = re.sub(r"^branch .* (\S+)$", r"branch a \1", re.sub(r"^level \d", "level 1", name))
        assert same_kind in names, name


def test_sizes_of_many_levels_are_cut():
    assert level_sizes([7, 134]) == "7/134"
    assert level_sizes([1] * 12) == "/".join("1" * 12)
    assert level_sizes([1] * 1_300) == f"{'1/' * 12}... on 1,300 levels"
