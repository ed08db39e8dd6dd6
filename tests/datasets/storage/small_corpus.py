"""A corpus of four documents on a small graph."""

from datasets.storage.corpus import write
from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy

HIERARCHY = Hierarchy.from_names([("Root", "a"), ("Root", "b"), ("a", "x"), ("b", "x"), ("x", "y"), ("Root", "lone")])


def documents():
    return [
        Document("0", "erste Wörter", ("y",), "train"),
        Document("1", "second", ("a", "b", "x"), "val"),
        Document("2", "third\nline", (), "test"),
        Document("3", "fourth", ("lone", "a"), "train"),
    ]


def made(tmp_path, docs=None, name="made", **source):
    docs = documents() if docs is None else docs
    return write(CorpusSource(HIERARCHY, iter(docs), **source), tmp_path / name, name=name, options={"k": 1})
