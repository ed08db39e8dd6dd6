"""Tokens on disk are those of the tokeniser, complete or absent, and cost no memory."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from datasets import storage
from datasets.storage.corpus import write
from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.tokens import tokenise

ONE_LABEL = Hierarchy.from_names([("Root", "a")])
OPTIONS = {"vocabulary": 3}


def words(texts=()):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "one": 1, "two": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def corpus_of(tmp_path, texts):
    splits = ("train", "val", "test")
    documents = [Document(str(n), text, ("a",), splits[n % 3]) for n, text in enumerate(texts)]
    return write(CorpusSource(ONE_LABEL, documents), tmp_path / "c", name="synthetic", options={})


def test_tokens_are_those_of_the_tokeniser_in_order(tmp_path):
    texts = ["one two", "three", "two one one", "one"] * 600
    tokens = tokenise(corpus_of(tmp_path, texts), "words", {}, OPTIONS, words)
    expected = [words().encode(text).ids for text in texts]
    assert tokens.lengths.tolist() == [len(ids) for ids in expected]
    assert tokens.ids.tolist() == [token for ids in expected for token in ids]
    ids, offsets = tokens.gather(np.array([2, 0]))
    assert ids.tolist() == [2, 1, 1, 1, 2] and offsets.tolist() == [0, 3, 5]


def test_they_are_made_once(tmp_path, monkeypatch):
    corpus = corpus_of(tmp_path, ["one", "two", "one two"])
    first = tokenise(corpus, "words", {}, OPTIONS, words)
    again = tokenise(corpus, "words", {}, OPTIONS, lambda texts: pytest.fail("made again"))
    assert again.ids.tolist() == first.ids.tolist()
    # Another numerics version is another file.
    with pytest.raises(pytest.fail.Exception, match="made again"):
        tokenise(corpus, "words", {"words": 1}, OPTIONS, lambda texts: pytest.fail("made again"))
    monkeypatch.setitem(storage.NUMERICS, "corpus and tokens", 99)
    with pytest.raises(pytest.fail.Exception, match="made again"):
        tokenise(corpus, "words", {}, OPTIONS, lambda texts: pytest.fail("made again"))


def test_damage_is_mended_and_an_interruption_leaves_nothing(tmp_path):
    corpus = corpus_of(tmp_path, ["one", "two", "one two"])
    tokenise(corpus, "words", {}, OPTIONS, words)
    (path,) = (corpus.folder / "tokens").glob("*.arrow")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert tokenise(corpus, "words", {}, OPTIONS, words).ids.tolist() == [1, 2, 1, 2]
    assert path.read_bytes() == whole

    class Interrupted(Exception):
        pass

    class Broken:
        def encode_batch_fast(self, texts):
            raise Interrupted

    with pytest.raises(Interrupted):
        tokenise(corpus, "words", {"words": 2}, OPTIONS, lambda texts: Broken())
    names = {path.suffix for path in (corpus.folder / "tokens").iterdir()}
    assert names == {".arrow", ".json", ".lock"} and len(list((corpus.folder / "tokens").glob("*.arrow"))) == 1


def test_documents_without_tokens_have_length_zero(tmp_path):
    tokens = tokenise(
        corpus_of(tmp_path, ["\u3000x", "y", "z"]), "none", {}, OPTIONS, lambda texts: Tokenizer(models.BPE())
    )
    assert tokens.lengths.tolist() == [0, 0, 0]


def test_memory_does_not_grow_with_the_corpus(tmp_path):
    corpus = corpus_of(tmp_path, ["one two " * 250] * 12_000)
    pa_before = pa.total_allocated_bytes()
    tracemalloc.start()
    tokens = tokenise(corpus, "words", {}, OPTIONS, words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tokens.ids) == 6_000_000 and tokens.ids.nbytes == 24e6
    assert peak < 9e6 and pa.total_allocated_bytes() - pa_before < 1e6
