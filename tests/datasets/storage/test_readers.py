"""Options of readers: their own and those of the selection, and a reader that never sees the latter."""

import pytest
from pydantic import ValidationError

from datasets import READERS
from datasets.storage.documents import CorpusSource
from datasets.storage.readers import SELECTION, Reader, read_corpus, selection_options
from tests.datasets.storage.small_corpus import HIERARCHY, documents

SHARED = ["depth", "min_documents", "used_labels", "min_branch"]


def test_every_reader_has_the_options_of_the_selection():
    assert list(SELECTION.options.model_fields) == SHARED
    for name, reader in READERS.items():
        assert isinstance(reader, Reader) and set(SHARED) <= set(reader.options.model_fields), name
        # Only the built-in documentation strings count documents before they split them.
        assert selection_options(reader) == [one for one in SHARED if (name, one) != ("pydocs", "min_documents")]
    assert READERS["pydocs"].options().min_documents == 40 and READERS["wos"].options().min_documents == 0
    assert list(READERS["wos"].options.model_fields) == ["form", *SHARED]


def test_shared_options_are_checked_and_named_like_own_ones():
    assert READERS["wos"].chosen({"depth": "1", "min_documents": 0}) == {"depth": 1}
    for wrong in ({"depth": -1}, {"min_branch": "x"}, {"used_labels": 7}, {"depht": 1}):
        with pytest.raises(ValidationError):
            READERS["wos"].resolved(wrong)


def test_a_reader_gets_its_own_options_and_the_selection_the_others(monkeypatch):
    given = []

    def read(source, **options):
        given.append((source, options))
        return CorpusSource(HIERARCHY, iter(documents()))

    reader = Reader("wos", READERS["wos"].target)
    monkeypatch.setitem(reader.__dict__, "load", lambda: read)
    found = read_corpus(reader, "here", reader.resolved({"form": "natural", "min_documents": 2}))
    assert given == [("here", {"form": "natural"})] * 2
    assert found.hierarchy.labels == ("a",)
