"""Features are scikit-learn's, and on large corpora those of n-grams in many documents."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.core.errors import DataError
from models.systems.kept import Reader, Writer
from models.systems.tfidf import VOCABULARY, Tfidf

TEXTS = ["one two two three", "two three four", "three four five", "Three, unique words here", ""]


def test_features_are_those_of_a_plain_vectorizer() -> None:
    ours, plain = Tfidf(), TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    np.testing.assert_allclose(ours.fit(TEXTS).toarray(), plain.fit_transform(TEXTS).toarray(), rtol=1e-5)
    new = ["four five six", "nothing known", ""]
    np.testing.assert_allclose(ours.transform(new).toarray(), plain.transform(new).toarray(), rtol=1e-5)


def test_rare_n_grams_are_left_out_where_there_are_too_many() -> None:
    ours = Tfidf()
    # In two documents or more: two, three, four, "two three", "three four".
    for most, least in ((5, 2), (6, 2), (4, 3), (1, 3)):
        features = ours.fit(TEXTS, most)
        assert (ours.least, features.shape[1]) == (least, 5 if least == 2 else 1)
    plain = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    np.testing.assert_allclose(ours.fit(TEXTS, 5).toarray(), plain.fit_transform(TEXTS).toarray(), rtol=1e-5)
    np.testing.assert_allclose(ours.transform(TEXTS).toarray(), plain.transform(TEXTS).toarray(), rtol=1e-5)


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(DataError, match="No training text has a word"):
        Tfidf().fit(["", "a b", "?"])


@pytest.mark.parametrize("most", [500, 5])
def test_restored_features_are_the_same_to_the_bit(most: int, tmp_path: Path) -> None:
    ours, again, writer = Tfidf(), Tfidf(), Writer(tmp_path)
    num_features = ours.fit(TEXTS, most).shape[1]
    ours.save(writer)
    assert again.restore(Reader(tmp_path, writer.state())) == num_features
    assert again.least == ours.least
    for text in (*TEXTS, "five FIVE four nothing", "?"):
        one, other = ours.transform([text]), again.transform([text])
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_array_equal(one.toarray(), other.toarray())
    assert json.loads((tmp_path / VOCABULARY).read_text("utf-8")) == sorted(ours._counter.vocabulary_)


@pytest.mark.parametrize(
    ("vocabulary", "said"),
    [
        ({"one": 0, "two": 1}, "is no list of n-grams"),
        ([], "is no list of n-grams"),
        (["one", 2], "is no list of n-grams"),
        (["one", "one"], "names an n-gram twice"),
        (["one"], "`idf` in .* where float32 of shape 1 fits"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(vocabulary: object, said: str, tmp_path: Path) -> None:
    ours, writer = Tfidf(), Writer(tmp_path)
    ours.fit(["one two"])
    ours.save(writer)
    writer.write_json(VOCABULARY, vocabulary)
    with pytest.raises(DataError, match=said):
        Tfidf().restore(Reader(tmp_path, writer.state()))
