"""Documents as readers return them: the order of splits on disk, and notes that grow while documents pass."""

import pyarrow as pa

from datasets.storage.corpus import write
from datasets.storage.description import DOCUMENTS
from datasets.storage.documents import SPLITS, CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy

ONE_LABEL = Hierarchy.from_names([("Root", "a")])


def documents(notes=None):
    for number, split in enumerate(("test", "train", "val", "train")):
        yield Document(str(number), "text", ("a",), split)
    if notes is not None:
        notes.append("4 documents passed.")


def test_splits_are_stored_as_their_places_in_splits(tmp_path):
    corpus = write(CorpusSource(ONE_LABEL, documents()), tmp_path / "c", name="synthetic", options={})
    table = pa.ipc.open_file(pa.memory_map(str(corpus.folder / DOCUMENTS))).read_all()
    assert SPLITS == ("train", "val", "test") and table["split"].to_pylist() == [2, 0, 1, 0]
    assert {split: corpus.rows(split).tolist() for split in SPLITS} == {"train": [1, 3], "val": [2], "test": [0]}


def test_notes_that_a_reader_adds_while_it_yields_are_stored(tmp_path):
    notes = ["Read."]
    source = CorpusSource(ONE_LABEL, documents(notes), notes, num_documents=4)
    assert write(source, tmp_path / "c", name="synthetic", options={}).notes == ("Read.", "4 documents passed.")
