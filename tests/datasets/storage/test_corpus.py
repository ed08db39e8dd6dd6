"""Prepared corpora come back as written, are mapped, and their damage is noticed."""

import numpy as np
import pytest

from datasets.storage.corpus import Corpus
from datasets.storage.documents import Document
from datasets.storage.writer import BATCH
from harness.core.errors import DataError
from tests.datasets.storage.small_corpus import HIERARCHY, made


def test_what_goes_in_comes_out_closed_over_all_parents(tmp_path):
    corpus = made(tmp_path, notes=("a note",), inputs={"numpy": "2"})
    assert corpus.hierarchy == HIERARCHY and corpus.num_documents == 4
    assert [corpus.rows(split).tolist() for split in ("train", "val", "test")] == [[0, 3], [1], [2]]
    rows = np.array([3, 0, 2])
    assert corpus.doc_ids(rows) == ["3", "0", "2"]
    assert list(corpus.texts(rows)) == ["fourth", "erste Wörter", "third\nline"]
    labels = corpus.labels(rows)
    assert labels.dtype == bool and labels.shape == (3, len(HIERARCHY))
    names = [{HIERARCHY.labels[label] for label in np.flatnonzero(row)} for row in labels.toarray()]
    assert names == [{"lone", "a"}, {"a", "b", "x", "y"}, set()]
    assert corpus.notes == ("a note",) and corpus.meta["inputs"] == {"numpy": "2"}


def test_rows_are_found_across_batches(tmp_path):
    docs = [Document(f"d{n}", f"text {n}", ("a",) * (n % 2), ("train", "val", "test")[n % 3]) for n in range(2500)]
    corpus = made(tmp_path, docs)
    rows = np.array([0, BATCH - 1, BATCH, 2 * BATCH - 1, 2 * BATCH, 2499, 7, 7])
    assert list(corpus.texts(rows)) == [f"text {row}" for row in rows]
    assert corpus.labels(rows).sum(1).tolist() == [row % 2 for row in rows]
    assert corpus.labels(np.array([], dtype=np.int64)).shape == (0, len(HIERARCHY))


@pytest.mark.parametrize("file", ["documents.arrow", "hierarchy.json", "meta.json"])
def test_damage_to_any_file_is_told(tmp_path, file):
    corpus = made(tmp_path, name="synthetic")
    path = corpus.folder / file
    whole = path.read_bytes()

    path.write_bytes(whole[:-7])
    with pytest.raises(DataError, match=f"is damaged: {file}.*prepare it again with `python -m datasets.prepare syn"):
        Corpus.open(corpus.folder)

    path.unlink()
    with pytest.raises(DataError, match=f"is damaged: {file} is missing"):
        Corpus.open(corpus.folder)

    path.write_bytes(whole)
    assert Corpus.open(corpus.folder).fingerprint == corpus.fingerprint


def test_verify_reads_every_byte_of_the_documents(tmp_path):
    corpus = made(tmp_path)
    corpus.verify()
    path = corpus.folder / "documents.arrow"
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"fourth")] ^= 1
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match="documents.arrow does not have its checksum"):
        Corpus.open(corpus.folder).verify()


def test_unreadable_documents_of_the_right_size_are_told(tmp_path):
    corpus = made(tmp_path)
    path = corpus.folder / "documents.arrow"
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(DataError, match="documents.arrow cannot be read"):
        Corpus.open(corpus.folder)


def test_texts_stay_in_the_map(tmp_path):
    import pyarrow as pa

    docs = [Document(str(n), "word " * 2000, ("a",), ("train", "val", "test")[n % 3]) for n in range(2000)]
    corpus = made(tmp_path, docs)
    before = pa.total_allocated_bytes()
    length = sum(len(text) for text in corpus.texts(np.arange(2000)))
    assert length == 2000 * 10_000
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_the_training_subset_is_the_same_every_time_and_sorted(tmp_path):
    docs = [Document(str(n), "text", ("a",), ("train", "train", "val", "test")[n % 4]) for n in range(80)]
    corpus = made(tmp_path, docs)
    train = corpus.rows("train")
    subset = corpus.training_rows(15)
    assert subset.tolist() == sorted(set(subset.tolist())) and len(subset) == 15 and set(subset) < set(train)
    assert Corpus.open(corpus.folder).training_rows(15).tolist() == subset.tolist()
    # A larger subset holds the smaller one, so that learning curves are nested.
    assert set(subset) < set(corpus.training_rows(16))
    for most in (0, 40, 41):
        assert corpus.training_rows(most).tolist() == train.tolist()


def test_a_description_that_is_no_mapping_is_damage(tmp_path):
    corpus = made(tmp_path, name="synthetic")
    (corpus.folder / "meta.json").write_text("[]", "utf-8")
    with pytest.raises(DataError, match="is damaged: meta.json cannot be read"):
        Corpus.open(corpus.folder)
