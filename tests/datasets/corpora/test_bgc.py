"""The Blurb Genre Collection: its markup, and its published counts."""

import numpy as np
import pytest

from datasets.check import preflight
from datasets.corpora import bgc
from datasets.prepare import parse_options
from tests.datasets.blurb_files import FILES, complete, put

LEVELS = (7, 46, 77, 16)


@pytest.mark.slow
def test_the_complete_collection_has_its_published_counts(tmp_path):
    corpus = complete("bgc", LEVELS, tmp_path)
    said = preflight(corpus, parse_options("bgc", {}).model_dump(), np.full(corpus.num_documents, 9), "words")
    assert said[-1].endswith("checked, all equal.") and sum(LEVELS) == len(corpus.hierarchy)
    assert len(corpus.hierarchy.roots) == LEVELS[0]
    assert corpus.notes == (f"6 of {sum(LEVELS) + 6} genres of hierarchy.txt were left out: no book has them.",)


def test_a_genre_is_an_element_named_by_its_level(tmp_path):
    folder = put(tmp_path / "a", "bgc")
    assert "<d0>Poetry</d0><d0>Kinderbuch & Jugendbuch</d0>" in (folder / FILES["bgc"][1]).read_text("utf-8")
    documents = list(bgc.read(folder).documents)
    assert documents[0].labels == ("Literatur & Unterhaltung", "Fantasy", "Urban, Öko & Co.")
    assert documents[1].labels == ("Poetry", "Kinderbuch & Jugendbuch")


def test_the_title_is_part_of_the_text_only_where_it_is_asked_for(tmp_path):
    folder = put(tmp_path / "a", "bgc")
    assert [document.text for document in bgc.read(folder).documents][1] == "zwei"
    assert [document.text for document in bgc.read(folder, title=True).documents][1] == "Zwei\nzwei"
