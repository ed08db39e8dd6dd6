"""Features are scikit-learn's, and on large corpora those of n-grams in many documents."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.core.errors import DataError
from models.systems.tfidf import Tfidf

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
