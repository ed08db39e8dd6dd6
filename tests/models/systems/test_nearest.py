"""Neighbours and votes by brute force, ties, and what is refused."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from harness.core.errors import ConfigError, DataError
from models.systems.nearest import Nearest
from tests.models.systems.splits import TREE, Split, planted


def lengths(texts: Iterable[str]) -> np.ndarray:
    """Vectors of texts: how often each of ten digits is in them."""
    return np.array([[text.count(str(digit)) for digit in range(10)] for text in texts], dtype=np.float32)


@pytest.mark.parametrize("k", [1, 4, 100])
def test_values_are_weighted_votes(k: int) -> None:
    train, test = planted(TREE, 100, 1), planted(TREE, 20, 2)
    system = Nearest(TREE, lengths, neighbours=k)
    system.fit(train, test, seed=0)
    similar = cosine_similarity(lengths(test), lengths(train))
    expected = np.zeros((20, 6))
    for row, similarities in enumerate(similar):
        nearest = sorted(range(100), key=lambda i: (-np.float32(similarities[i]).round(5), i))[:k]
        weights = similarities[nearest]
        expected[row] = weights @ train.gold.toarray()[nearest] / weights.sum()
    # Vectors that are equal up to rounding may be taken in another order.
    assert (np.abs(system.values(test).toarray() - expected) < 1e-4).mean() > 0.95


def test_of_equally_similar_documents_the_first_counts() -> None:
    train = Split(["same text"] * 3, sparse.csr_array(np.eye(3, 6, dtype=bool)))
    system = Nearest(TREE, neighbours=1)
    system.fit(train, train, seed=0)
    np.testing.assert_array_equal(system.values(["same text", "unknown"]).toarray(), [[1, 0, 0, 0, 0, 0], [0] * 6])


def test_predictions_are_closed_and_k_is_chosen() -> None:
    train, test = planted(TREE, 200, 1, 0.1), planted(TREE, 60, 2, 0.1)
    system = Nearest(TREE)
    assert int(system.fit(train, test, seed=0)["neighbours"]) in (1, 3, 5, 10, 20, 40)
    predicted = system.values(test).toarray() > 0.5
    np.testing.assert_array_equal(predicted @ TREE.ancestors, predicted)


def test_too_many_neighbours_are_refused() -> None:
    train = planted(TREE, 10, 1)
    with pytest.raises(ConfigError, match="11 neighbours, and there are 10 training documents"):
        Nearest(TREE, neighbours=11).fit(train, train, seed=0)


def test_vectors_of_an_encoder_are_kept_and_it_is_needed_again(tmp_path: Path) -> None:
    train, test = planted(TREE, 50, 1), planted(TREE, 20, 2)
    system, again = Nearest(TREE, lengths), Nearest(TREE, lengths)
    system.fit(train, test, seed=0)
    state = system.save(tmp_path)
    again.restore(tmp_path, state)
    np.testing.assert_array_equal(again.values(test).toarray(), system.values(test).toarray())
    assert again.num_parameters == system.num_parameters == 50 * 10
    with pytest.raises(DataError, match="vocabulary.json cannot be read"):
        Nearest(TREE).restore(tmp_path, state)


@pytest.mark.parametrize("k", [0, 51])
def test_a_number_of_neighbours_that_cannot_be_is_refused(k: int, tmp_path: Path) -> None:
    system = Nearest(TREE)
    system.fit(planted(TREE, 50, 1), planted(TREE, 20, 2), seed=0)
    with pytest.raises(DataError, match=f"{k} neighbours of 50 documents"):
        Nearest(TREE).restore(tmp_path, {**system.save(tmp_path), "neighbours": k})
