"""The area under hierarchical precision over recall, against a sweep over thresholds, document by document."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from datasets.storage.hierarchy import Hierarchy
from harness.training.metrics import ThresholdFree
from tests.models.hierarchies import dags

STAR = Hierarchy(["p", "a", "b", "c"], [(0, 1), (0, 2), (0, 3)])


def area(graph: Hierarchy, probabilities: np.ndarray, gold: np.ndarray) -> float:
    """One document: predict at every distinct probability what is there with all its ancestors; scikit-learn's area."""
    if not gold.any():
        return 0.0
    recalls, precisions = [0.0], [1.0]
    for threshold in sorted(set(probabilities.tolist()), reverse=True):
        predicted = [v for v in range(len(graph)) if (probabilities[graph.ancestors[v]] >= threshold).all()]
        if predicted:
            recalls.append(gold[predicted].sum() / gold.sum())
            precisions.append(gold[predicted].mean())
    return float(auc(recalls, precisions))


def score(graph: Hierarchy, probabilities: object, gold: object) -> float:
    curves = ThresholdFree(graph)
    curves.add(np.atleast_2d(np.array(probabilities, np.float32)), np.atleast_2d(np.array(gold, bool)))
    return curves.scores()["hier_f1_auc"]


@given(dags(), st.integers(0, 2**16), st.booleans())
def test_against_a_sweep_over_thresholds(graph: Hierarchy, seed: int, with_ties: bool) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.random((5, len(graph))).astype(np.float32)
    if with_ties:
        probabilities = np.round(3 * probabilities) / 3
    gold = (generator.random((5, len(graph))) < 0.3) @ graph.ancestors
    curves = ThresholdFree(graph)
    cut = seed % 6
    curves.add(probabilities[:cut], gold[:cut])
    curves.add(probabilities[cut:], gold[cut:])
    expected = np.mean([area(graph, p, y) for p, y in zip(probabilities, gold, strict=True)])
    assert curves.scores()["hier_f1_auc"] == pytest.approx(100 * expected)


def test_by_hand() -> None:
    # Gold p and b. Down the thresholds: p, then a, then b: points (0, 1), (1/2, 1), (1/2, 1/2), (1, 2/3).
    assert score(STAR, [0.9, 0.6, 0.5, 0.1], [1, 0, 1, 0]) == pytest.approx(100 * (1 / 2 + (1 / 2 + 2 / 3) / 4))
    # a and b tie: (0, 1), (1/2, 1), (1, 2/3).
    assert score(STAR, [0.9, 0.5, 0.5, 0.1], [1, 0, 1, 0]) == pytest.approx(100 * (1 / 2 + (1 + 2 / 3) / 4))
    # Nothing told apart: (0, 1), (1, 1/2).
    assert score(STAR, [0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0]) == pytest.approx(75)


def test_the_best_and_the_worst_order() -> None:
    assert score(STAR, [0.9, 0.8, 0.1, 0.1], [1, 1, 0, 0]) == pytest.approx(100)
    graph = Hierarchy(["gold", "other", "another"], [])
    # (0, 1), (0, 0), (1, 1/3): recall rises along the last line only.
    assert score(graph, [0.1, 0.9, 0.8], [1, 0, 0]) == pytest.approx(100 / 6)


def test_a_label_waits_for_its_ancestors() -> None:
    assert score(STAR, [0.2, 0.9, 0.1, 0.1], [1, 1, 0, 0]) == pytest.approx(100), "both come in at 0.2"


def test_only_the_order_matters() -> None:
    generator = np.random.default_rng(0)
    probabilities, gold = generator.random((20, 4)), (generator.random((20, 4)) < 0.4) @ STAR.ancestors
    assert score(STAR, probabilities, gold) == pytest.approx(score(STAR, 0.4 * probabilities**3, gold))


def test_documents_without_gold_count_0() -> None:
    assert score(STAR, [[0.9, 0.8, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1]], [[1, 1, 0, 0], [0, 0, 0, 0]]) == pytest.approx(50)
