"""Preview of a corpus: sizes, notes, label paths, and faults that would be refused."""

from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.preview import label_paths, preview
from tests.datasets.storage.small_corpus import HIERARCHY, documents


def test_sizes_notes_and_first_documents_are_told():
    assert preview(CorpusSource(HIERARCHY, iter(documents()), ("a remark",))) == [
        "documents    4 (train / val / test: 2 / 1 / 1)",
        "labels       5 (3/1/1 per level), 3 branches, 2.25 a document, 1 documents without labels",
        "note         a remark",
        "",
        "0 (train): erste Wörter",
        "    a > x > y",
        "",
        "1 (val): second",
        "    a > x",
        "",
        "2 (test): third line",
        "    without labels",
        "",
        "3 (train): fourth",
        "    a",
        "    lone",
    ]


def test_faults_are_told_and_not_raised():
    rows = [Document("0", "t", ("who",), "train"), Document("1", " ", ("a",), "val"), Document("1", "t", (), "test")]
    said = preview(CorpusSource(HIERARCHY, iter(rows)))
    assert said[-1] == (
        "It would be refused: 1 x label that the hierarchy does not have, first 'who' of document '0'; 1 x empty text, "
        "first in document '1'; 1 x document id that occurred before, first '1'."
    )
    said = preview(CorpusSource(HIERARCHY, iter([Document("0", "t", ("a",), "val")])))
    assert said[-2:] == ["It would be refused: no train documents.", "It would be refused: no test documents."]


def test_only_the_first_documents_are_shown_and_long_texts_are_cut():
    rows = [Document(str(number), "word " * 100, ("a",), "train") for number in range(50)]
    said = preview(CorpusSource(HIERARCHY, iter(rows)))
    assert sum(line.endswith(" a") for line in said) == 5 and max(map(len, said)) < 130


def test_paths_of_a_graph_lead_to_each_most_specific_label():
    graph = Hierarchy(["a", "b", "c", "d"], [(0, 2), (1, 2), (2, 3)])
    assert label_paths(graph, [0, 1, 2, 3]) == ["a > c > d"]
    assert label_paths(graph, [0, 1]) == ["a", "b"] and label_paths(graph, []) == []
