"""Words that moved a label: texts without each word, and effects that closed forms predict."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer

from datasets.storage.hierarchy import Hierarchy
from harness.predicting.attribution import Deletions, effects
from models.load import Predictor
from models.systems.linear import Linear
from models.systems.one_vs_rest import Weights
from models.systems.tfidf import Tfidf

Array = npt.NDArray[np.float32]


def moved(values: Callable[[list[str]], npt.ArrayLike], text: str, label: int = 0) -> tuple[dict[str, float], str]:
    """Returns the effect of each word on a label of a model, which is given by its values."""
    hierarchy = Hierarchy(["a", "b"], [])
    predictor = Predictor(Path(), {}, hierarchy, "scores", {}, lambda texts: np.asarray(values(texts), np.float32))
    deletions = Deletions(text)
    found, scale = effects(predictor.values(deletions.texts())[:, label])
    return dict(zip(deletions.words, found.tolist(), strict=True)), scale


def test_a_word_is_left_out_wherever_it_stands_in_any_case_with_one_space() -> None:
    cases = {
        "The cat, the hat": ["cat, hat", "The, the hat", "The cat, the"],
        "a b": ["b", "a"],
        "very very good": ["good", "very very"],
        "see (this) don't": ["(this) don't", "see () don't", "see (this)"],
        "Art\n\nLaw art": ["\nLaw", "Art\n\nart"],
        "x-y": ["-y", "x-"],
        "…": [],
    }
    for text, expected in cases.items():
        assert list(Deletions(text).texts()) == [text, *expected]


@given(st.text(st.sampled_from("aAbßé́ '’-.\n\t😀日ि")))
def test_pieces_make_up_the_text_and_a_text_without_a_word_has_all_the_others(text: str) -> None:
    deletions = Deletions(text)
    assert "".join(piece.text for piece in deletions.pieces) == text
    marked = [piece for piece in deletions.pieces if piece.word is not None]
    assert all(deletions.words[piece.word].casefold() == piece.text.casefold() for piece in marked)
    words = [piece.text for piece in marked]
    whole, *others = deletions.texts()
    assert whole == text and len(others) == len(deletions.words) == deletions.num_words
    for word, other in zip(deletions.words, others, strict=True):
        left = [piece.text for piece in Deletions(other).pieces if piece.word is not None]
        assert left == [one for one in words if one.casefold() != word.casefold()]


def test_of_a_long_text_the_first_words_are_left_out() -> None:
    text = " ".join(f"w{number}" for number in [*range(400), *range(400)])
    deletions = Deletions(text)
    assert (len(deletions.words), deletions.num_words) == (300, 400)
    assert len(list(deletions.texts())) == 301
    assert [piece.text for piece in deletions.pieces if piece.word == 299] == ["w299", "w299"]
    assert sum(piece.word is not None for piece in deletions.pieces) == 600


def test_a_sum_over_words_gives_each_its_weight_times_its_count() -> None:
    weights = {"sparse": 0.5, "matrix": 0.25, "the": -0.125}

    def values(texts: list[str]) -> list[list[float]]:
        margins = [sum(weights.get(word, 0.0) for word in text.lower().split()) - 0.5 for text in texts]
        return [[expit(4 * margin), 0.5] for margin in margins]

    found, scale = moved(values, "Sparse matrix the THE unknown the")
    assert scale == "log-odds"
    assert found == pytest.approx({"Sparse": 2.0, "matrix": 1.0, "the": -1.5, "unknown": 0.0}, abs=1e-6)
    assert set(moved(values, "Sparse matrix", label=1)[0].values()) == {0.0}


def test_of_a_linear_system_it_is_four_times_the_change_of_the_margin() -> None:
    texts = ["sparse matrix of a graph", "graph of the opera", "the matrix of the law"]
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    num_features = vectoriser.fit_transform(texts).shape[1]
    weights_FL = np.random.default_rng(0).normal(size=(num_features, 2)).astype(np.float32)
    system = Linear(Hierarchy(["a", "b"], []))
    system.tfidf = Tfidf()
    system.tfidf.fit(texts)
    system.classifiers = Weights(weights_FL, np.array([0.25, -0.5], np.float32))

    def margin(text: str) -> float:
        return float((vectoriser.transform([text]) @ weights_FL)[0, 1] - 0.5)

    found, scale = moved(lambda some: system.batch_values(some).toarray(), "The matrix of the graph", label=1)
    whole = margin("The matrix of the graph")
    without = {"The": "matrix of graph", "matrix": "The of the graph", "of": "The matrix the graph"}
    without["graph"] = "The matrix of the"
    assert scale == "log-odds"
    assert found == pytest.approx({word: 4 * (whole - margin(text)) for word, text in without.items()}, abs=1e-5)
    assert min(map(abs, found.values())) > 0.01


def test_of_a_mean_of_embeddings_it_is_the_distance_from_the_mean() -> None:
    logits = {"sparse": 3.0, "matrix": 1.0, "the": -1.0}

    def values(texts: list[str]) -> list[list[float]]:
        means = [np.mean([logits[word] for word in text.split()]) for text in texts]
        return [[expit(mean), 0.5] for mean in means]

    found, _ = moved(values, "sparse matrix the")
    mean, num = 1.0, 3
    assert found == pytest.approx({word: (logit - mean) / (num - 1) for word, logit in logits.items()}, abs=1e-6)


def test_a_constant_model_is_moved_by_nothing_and_a_text_without_words_has_none() -> None:
    for value in (0.3, 0.0, 1.0):
        found, _ = moved(lambda texts, value=value: [[value, 0.0]] * len(texts), "one two three")
        assert found == {"one": 0.0, "two": 0.0, "three": 0.0}
    assert moved(lambda texts: [[0.5, 0.5]] * len(texts), "!?")[0] == {}


def test_where_a_value_is_0_or_1_values_are_subtracted() -> None:
    def values(texts: list[str]) -> list[list[float]]:
        return [[float("opera" in text), 0.75 if "law" in text else 0.0] for text in texts]

    assert moved(values, "opera law") == ({"opera": 1.0, "law": 0.0}, "value")
    assert moved(values, "opera law", label=1) == ({"opera": 0.0, "law": 0.75}, "value")
