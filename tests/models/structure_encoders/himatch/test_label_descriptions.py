"""Descriptions against scikit-learn's vectoriser, fitted label by label as HiMatch fits it."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from datasets.storage.stop_words import STOP_WORDS
from models.structure_encoders.himatch.label_descriptions import typical_words

WORDS = ["cell", "Gene", "protein", "circuit", "voltage", "the", "of", "x", "system", "isn't", "data"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


def fitted(texts: list[str], name: str) -> str:
    """What the published program writes of a label's documents."""
    try:
        fitted = TfidfVectorizer(stop_words=sorted(STOP_WORDS), max_df=0.8, min_df=0.1).fit(texts)
    except ValueError:  # No document, or no word is left.
        return name
    return " ".join(fitted.vocabulary_)  # As a dictionary has them: in the order in which they were met.


@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")  # Of clitics, which no tokeniser yields.
@given(st.lists(TEXTS, min_size=1, max_size=25), st.integers(0, 2**16))
def test_one_pass_over_the_documents_writes_what_a_vectoriser_for_each_label_does(texts: list[str], seed: int) -> None:
    texts = [*texts, "anchor"]  # One word at least is none to stop at.
    gold = np.random.default_rng(seed).random((len(texts), 4)) < 0.4
    names = ["none", "one", "two", "three"]
    gold[:, 0] = False
    expected = [fitted([t for t, has in zip(texts, gold[:, i], strict=True) if has], n) for i, n in enumerate(names)]
    assert typical_words(names, iter(texts), scipy.sparse.csr_array(gold)) == expected
    assert expected[0] == "none"


def test_words_of_a_tenth_to_four_fifths_of_the_documents_in_the_order_of_first_occurrence() -> None:
    # Of ten documents: zebra in one, banana in eight, apple in nine. Of eleven: rare in one, fish in nine.
    texts = ["the apple zebra banana", *["the apple banana"] * 7, "the apple", "the end"]
    others = ["rare fish", *["fish bird"] * 8, "bird", "bird"]
    gold = np.zeros((21, 2), bool)
    gold[:10, 0] = gold[10:, 1] = True
    written = typical_words(["fruit", "animal"], [*texts, *others], scipy.sparse.csr_array(gold))
    assert written == ["zebra banana end", "animal"]


def test_content_words_that_other_lists_stop_at_stay() -> None:
    # scikit-learn's list of 318 has "system" and "interest", NLTK's of 179 has not.
    written = typical_words(["economy"], ["interest system", "of the"], scipy.sparse.csr_array(np.ones((2, 1), bool)))
    assert written == ["interest system"]


def test_without_texts_names_describe() -> None:
    assert typical_words(["one"], [], scipy.sparse.csr_array(np.zeros((0, 1), bool))) == ["one"]
