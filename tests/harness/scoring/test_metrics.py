"""Scores against hand counts, scikit-learn and a loop over documents."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc, f1_score

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import label_groups
from harness.scoring.metrics import Tally, ThresholdFree
from tests.models.hierarchies import dags

STAR = Hierarchy(["p", "a", "b", "c"], [(0, 1), (0, 2), (0, 3)])
DAG = Hierarchy(["p", "q", "a", "b", "c"], [(0, 2), (1, 2), (1, 3), (2, 4)])


def matrix(rows: list[set[int]], width: int) -> np.ndarray:
    return np.array([[label in row for label in range(width)] for row in rows])


def test_the_worked_example() -> None:
    tally = Tally(STAR)
    tally.add(matrix([{0, 1, 2}, {2}, set()], 4), matrix([{0, 1}, {0, 2}, {0}], 4))
    scores = tally.scores()
    assert scores["micro_f1"] == pytest.approx(66.67, abs=0.01)
    assert scores["macro_f1"] == pytest.approx(54.17, abs=0.01)
    assert scores["hier_f1"] == pytest.approx(60.0)
    assert scores["hier_f1_pooled"] == pytest.approx(80.0)
    assert scores["violations"] == pytest.approx(100 / 3)


@given(st.data())
def test_against_scikit_learn_and_a_loop(data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 12)), 5)
    predicted = data.draw(arrays.arrays(bool, shape))
    leaves = data.draw(arrays.arrays(bool, shape))
    gold = (leaves.astype(int) @ DAG.ancestors) > 0
    tally = Tally(DAG)
    cut = data.draw(st.integers(0, shape[0]))
    tally.add(predicted[:cut], gold[:cut])
    tally.add(predicted[cut:], gold[cut:])
    scores = tally.scores()
    for average in ("micro", "macro"):
        expected = 100 * f1_score(gold, predicted, average=average, zero_division=0)
        assert scores[f"{average}_f1"] == pytest.approx(expected)
    precisions, recalls, f1s, broken = [], [], [], 0
    for p, g in zip(predicted, gold, strict=True):
        closed = {a for label in np.flatnonzero(p) for a in np.flatnonzero(DAG.ancestors[label])}
        truth, right = set(np.flatnonzero(g)), closed & set(np.flatnonzero(g))
        precisions.append(len(right) / len(closed) if closed else 0)
        recalls.append(len(right) / len(truth) if truth else 0)
        f1s.append(2 * len(right) / (len(closed) + len(truth)) if closed or truth else 0)
        broken += closed != set(np.flatnonzero(p))
    assert scores["hier_precision"] == pytest.approx(100 * np.mean(precisions))
    assert scores["hier_recall"] == pytest.approx(100 * np.mean(recalls))
    assert scores["hier_f1"] == pytest.approx(100 * np.mean(f1s))
    assert scores["violations"] == pytest.approx(100 * broken / shape[0])


def test_labels_without_support_count_as_zero_but_not_among_the_supported() -> None:
    tally = Tally(STAR)
    tally.add(matrix([{0, 1}], 4), matrix([{0, 1}], 4))
    assert tally.scores()["macro_f1"] == pytest.approx(50.0)
    assert tally.scores()["macro_f1_supported"] == pytest.approx(100.0)


@given(st.data())
def test_groups_of_labels_against_scikit_learn(data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 12)), 5)
    predicted, gold = (data.draw(arrays.arrays(bool, shape)) for _ in range(2))
    counts = np.array(data.draw(st.lists(st.sampled_from([0, 1, 49, 50, 500]), min_size=5, max_size=5)))
    groups = label_groups(counts)
    assert sum(group.astype(int) for group in groups.values()).tolist() == [1] * 5
    tally = Tally(DAG, groups)
    tally.add(predicted, gold)
    scores = tally.scores()
    whole = Tally(DAG)
    whole.add(predicted, gold)
    assert scores.items() >= whole.scores().items()
    for name, group in groups.items():
        for average, labels in (("micro", group), ("macro", group & gold.any(0))):
            if labels.any():
                chosen = np.flatnonzero(labels)
                expected = 100 * f1_score(gold, predicted, labels=chosen, average=average, zero_division=0)
                assert scores[f"{average}_f1_{name}"] == pytest.approx(expected)
            else:
                assert scores[f"{average}_f1_{name}"] == 0


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
