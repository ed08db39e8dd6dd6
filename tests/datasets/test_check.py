"""The check of a prepared corpus: ceilings, published numbers, text lengths, and damage."""

import numpy as np
import pytest

from datasets import check
from datasets.corpora import rcv1, rcv1_lists, wos_labels
from datasets.prepare import _describe, parse_options, prepare
from datasets.storage.corpus import write
from datasets.storage.counts import counts
from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.tokens import tokenise
from harness.core.errors import DataError
from models import TEXT_ENCODERS
from tests.datasets.reuters_files import put_lists
from tests.shared import shared

LENGTHS = np.array([100, 300, 301, 600])


def lines_of(corpus, lengths=LENGTHS, **options):
    return check.preflight(corpus, parse_options(corpus.name, options).model_dump(), lengths, "bag")


def test_counts_overlaps_and_ceilings_of_a_small_graph(tmp_path):
    graph = Hierarchy.from_names([("Root", "a"), ("Root", "b"), ("a", "x"), ("b", "x"), ("x", "y"), ("Root", "lone")])
    documents = [
        Document("0", "t", ("y",), "train"),
        Document("1", "t", ("a", "b", "x"), "val"),
        Document("2", "t", ("x",), "test"),
        Document("3", "t", ("lone",), "test"),
        Document("4", "t", (), "train"),
    ]
    corpus = write(CorpusSource(graph, documents, ("a remark",)), tmp_path / "c", name="synthetic", options={})
    found = counts(corpus)
    assert found["train documents"] == 2 and found["level 1 labels"] == 3 and found["branch a train+val"] == 2
    assert found["labels with several parents"] == 1 and found["labels in several branches"] == 2
    assert found["documents that came not closed"] == 2 and found["documents without labels"] == 1
    assert found["labels without train documents"] == 1 and found["labels without test documents"] == 1
    assert found["labels of the group few"] == 4 and found["labels of the group zero"] == 1
    said = lines_of(corpus)
    # a, b and x are in train and test; y is not in test, lone not in train.
    assert "macro-F1 cannot pass 60.00 over all labels (3/5), 75.00 over labels with test documents (3/4)" in said
    assert "labels without train documents: lone" in said and "labels without test documents: y" in said
    assert "cut at 300: 2 texts (50.0%)" in said and "cut at 512: 1 texts (25.0%)" in said
    assert "note: a remark" in said and said[-1].startswith("published numbers: none are known")


def test_the_complete_web_of_science_equals_the_published_numbers(tmp_path):
    folder = tmp_path / "WOS46985"
    folder.mkdir()
    for name in ("YL1.txt", "YL2.txt"):
        (folder / name).symlink_to(shared(f"data/wos/WOS46985/{name}"))
    (folder / "X.txt").write_text("".join(f"made up abstract {number}\n" for number in range(46_985)))
    corpus = prepare("wos", tmp_path, {}, tmp_path / "data")
    said = lines_of(corpus, np.full(46_985, 10))
    assert said[-1] == "published numbers: 37 checked, all equal."
    assert "split: the published one of HiAGM, HiTIN, HGCLR and HPT, index for index (SHA-256)" in said
    assert not any(check.MARK in line for line in said)
    assert any("7 root branches, not the 4 that the HiMTL paper states." in line for line in said)
    assert "labels without train documents: Electrical generator" in said
    assert any(line.startswith("branch MAE:") and "test 707 (as published)" in line for line in said)
    assert sum(len(branch) ** 2 for branch in corpus.hierarchy.branches()) / 141**2 == pytest.approx(0.215, abs=5e-4)


def test_numbers_that_disagree_are_marked(tmp_path):
    rows = [
        Document("wos-0", "t", ("CS", "Machine learning"), "train"),
        Document("wos-1", "t", ("CS", "Machine learning"), "val"),
        Document("wos-2", "t", ("CS", "Electrical generator"), "test"),
    ]
    corpus = write(CorpusSource(wos_labels.wos_hierarchy(), rows), tmp_path / "c", name="wos", options={})
    said = lines_of(corpus)
    assert f"{'train documents:':<42}1 (published 30,070)  DIFFERS" in said
    assert f"{'level 2 labels:':<42}134 (as published)" in said
    assert "split: not the published one: the train split has other rows" in said
    assert "differ: documents" in said[-1] or "differ: train documents" in said[-1]


def test_rcv1_cannot_pass_101_of_103(tmp_path):
    shared("data/taxonomies/rcv1.topics.hier.orig")
    folder = put_lists(tmp_path / "r")
    (folder / "rcv1.topics.hier.orig").unlink()
    (folder / "rcv1.topics.hier.orig").symlink_to(shared("data/taxonomies/rcv1.topics.hier.orig"))
    tree, _ = rcv1_lists.hierarchy(folder, "")
    everything = tree.labels
    learned = tuple(name for name in everything if name not in ("E312", "GMIL"))
    places = {rcv1.validation_positions(100, "hitin")[0]: "val"}
    documents = [Document(str(n), "t", learned, places.get(n, "train")) for n in range(100)]
    corpus = write(
        CorpusSource(tree, [*documents, Document("30000", "t", everything, "test")]),
        tmp_path / "c",
        name="rcv1",
        options={},
    )
    said = lines_of(corpus)
    assert (
        "macro-F1 cannot pass 98.06 over all labels (101/103), 98.06 over labels with test documents (101/103)" in said
    )
    assert f"{'labels without train+val documents:':<42}2 (as published)" in said
    assert "split: a validation set that is neither HiTIN's nor HGCLR's" in said
    wanted = set(rcv1.validation_positions(100, "hgclr"))
    documents = [Document(str(n), "t", learned, "val" if n in wanted else "train") for n in range(100)]
    corpus = write(
        CorpusSource(tree, [*documents, Document("30000", "t", everything, "test")]),
        tmp_path / "c",
        name="rcv1",
        options={},
    )
    assert "split: validation set of hgclr, drawn from 100 training stories" in lines_of(corpus)


def test_lengths_are_those_of_uncut_texts(data_dir):
    corpus = prepare("synthetic", None, {"documents": 600}, data_dir)
    lengths = check.text_lengths(corpus, "bag")
    builder = TEXT_ENCODERS["bag"].load().build_tokenizer
    options = {"vocabulary": 8000, "max_length": 50}
    cut = tokenise(corpus, "bag", {}, options, lambda texts: builder(texts, options)).lengths
    assert np.minimum(lengths, 50).tolist() == cut.tolist() and lengths.max() > 50


def test_command_line_prints_the_preflight(data_dir, capsys):
    assert check.main(["synthetic", "--set", "documents=600", "--data", str(data_dir), "--encoder", "bag"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("synthetic: Planted hierarchy\n") and "text length in tokens (bag): mean" in said
    with pytest.raises(DataError, match="There is no prepared corpus .*prepare synthetic --set documents=7"):
        check.main(["synthetic", "--set", "documents=7", "--data", str(data_dir)])


def test_damaged_documents_are_told_before_anything_is_counted(tmp_path):
    options = ["synthetic", "--set", "documents=100", "--data", str(tmp_path), "--encoder", "bag"]
    path = prepare("synthetic", None, {"documents": 100}, tmp_path).folder / "documents.arrow"
    whole = bytearray(path.read_bytes())
    whole[whole.index(b" ", len(whole) // 2)] ^= 1
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match="documents.arrow does not have its checksum"):
        check.main(options)


def test_texts_that_stand_in_two_splits_are_counted(tmp_path):
    graph = Hierarchy.from_names([("Root", "a")])
    texts = {"train": ["one", "two", "two"], "val": ["two", "three", "two "], "test": ["three", "one", "four", "one"]}
    documents = [
        Document(f"{split}-{number}", text, ("a",), split)
        for split, some in texts.items()
        for number, text in enumerate(some)
    ]
    corpus = write(CorpusSource(graph, documents), tmp_path / "c", name="synthetic", options={})
    found = counts(corpus)
    assert found["val texts that an earlier split has"] == 1
    assert found["test texts that an earlier split has"] == 3
    assert f"{'test texts that an earlier split has:':<42}3" in lines_of(corpus)


def test_ten_test_questions_of_trec_are_training_questions_too(tmp_path):
    options = {"hierarchy": str(shared("data/taxonomies/trec_qc.tsv"))}
    corpus = prepare("table", shared("data/trec/trec_qc.parquet"), options, tmp_path)
    found = counts(corpus)
    assert found["documents"] == 5_952 and found["test documents"] == 500 and found["labels"] == 56
    assert found["test texts that an earlier split has"] == 10


def test_no_line_grows_with_the_number_of_levels(tmp_path):
    chain = Hierarchy([f"n{level}" for level in range(1_000)], [(level, level + 1) for level in range(999)])
    documents = [Document(split, "t", ("n999",), split) for split in ("train", "val", "test")]
    corpus = write(CorpusSource(chain, documents), tmp_path / "c", name="synthetic", options={})
    said = lines_of(corpus)
    assert max(map(len, said)) < 130 and "... and 988 more levels" in said and len(said) < 60
    assert f"labels       1,000 ({'1/' * 12}... on 1,000 levels per level)" in _describe(corpus)


def test_published_numbers_of_labels_are_not_held_against_a_selection(tmp_path):
    corpus = write(
        CorpusSource(
            wos_labels.wos_hierarchy(),
            [Document(split, "t", ("CS", "Machine learning"), split) for split in ("train", "val", "test")],
        ),
        tmp_path / "c",
        name="wos",
        options={},
    )
    assert "of 37 differ" in lines_of(corpus)[-1]
    for option in ({"depth": 1}, {"min_documents": 5}, {"used_labels": True}):
        said = lines_of(corpus, **option)
        assert "4 of 4 differ: train documents, val documents, test documents, documents." in said[-1]
        assert not any("labels" in line and check.MARK in line for line in said)


def test_the_only_prepared_corpus_is_checked_and_named(tmp_path, capsys):
    source = tmp_path / "docs.csv"
    source.write_text("text,label\n" + "".join(f"text {number},{'ab'[number % 2]}\n" for number in range(20)))
    folder = prepare("table", source, {"title": "mine", "seed": "3"}, tmp_path / "data").folder
    assert check.main(["table", "--data", str(tmp_path / "data"), "--encoder", "bag"]) == 0
    said = capsys.readouterr()
    assert f"Checking {folder}, the only prepared corpus that is meant." in said.err
    assert said.out.startswith("table: Any corpus in a table\n")
