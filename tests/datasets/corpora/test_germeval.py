"""GermEval 2019 Task 1: its markup, and its published counts."""

import numpy as np
import pytest

from datasets.check import preflight
from datasets.corpora import germeval
from datasets.prepare import parse_options
from harness.core.errors import DataError
from tests.datasets.blurb_files import FILES, complete, put

LEVELS = (8, 93, 242)


def test_the_complete_collection_has_its_published_counts(tmp_path):
    corpus = complete("germeval", LEVELS, tmp_path)
    said = preflight(corpus, parse_options("germeval", {}).model_dump(), np.full(corpus.num_documents, 9), "words")
    assert said[-1].endswith("checked, all equal.") and sum(LEVELS) == len(corpus.hierarchy)
    assert len(corpus.hierarchy.roots) == LEVELS[0]
    assert corpus.notes == (f"6 of {sum(LEVELS) + 6} genres of hierarchy.txt were left out: no book has them.",)


def test_a_genre_is_a_topic_with_its_level_and_the_last_one_is_marked(tmp_path):
    folder = put(tmp_path / "a", "germeval")
    first = (folder / FILES["germeval"][0]).read_text("utf-8")
    assert '<topic d="1">Fantasy</topic>' in first and '<topic d="2" label="True">Urban, Öko & Co.</topic>' in first
    documents = list(germeval.read(folder).documents)
    assert documents[0].labels == ("Literatur & Unterhaltung", "Fantasy", "Urban, Öko & Co.")
    assert documents[1].labels == ("Poetry", "Kinderbuch & Jugendbuch")


def test_files_for_participants_have_other_names_and_are_not_read(tmp_path):
    folder = put(tmp_path / "a", "germeval")
    for file in FILES["germeval"]:
        (folder / file).rename(folder / file.replace(".txt", "_participants.txt"))
    with pytest.raises(DataError, match="holds no blurbs_train.txt; --source is germeval2019t1-public-data-final.zip"):
        germeval.read(folder)
