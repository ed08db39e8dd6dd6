"""Texts of a split: those of its rows, as often as they are read, with the labels of the same rows."""

from datasets.storage.texts import Texts
from tests.datasets.storage.small_corpus import made


def test_they_are_those_of_the_split_however_often_they_are_read(tmp_path):
    corpus = made(tmp_path)
    for split in ("train", "val", "test"):
        texts, rows = Texts.of(corpus, split), corpus.rows(split)
        assert list(texts) == list(texts) == list(corpus.texts(rows)) and len(texts) == len(rows)
        assert texts.doc_ids == corpus.doc_ids(rows)
        assert (texts.gold != corpus.labels(rows)).nnz == 0


def test_training_documents_may_be_fewer(tmp_path):
    corpus = made(tmp_path)
    whole, some = Texts.of(corpus, "train"), Texts.of(corpus, "train", 1)
    assert len(some) == 1 and set(some.doc_ids) < set(whole.doc_ids)
    assert some.doc_ids == corpus.doc_ids(corpus.training_rows(1))
