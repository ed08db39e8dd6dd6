"""Thresholds are the best there are, by trying them all; rare labels fall back; a half is a half."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from datasets.storage.predictions import FLOOR, Keeper, LabelValues, Predictions
from harness.scoring.decisions import LEAST_F, decide, is_gold, possible, thresholds


def kept(values_NL: np.ndarray) -> LabelValues:
    keeper = Keeper()
    keeper.add(np.asarray(values_NL, dtype=np.float32))
    return keeper.kept()


def predicted(valid: np.ndarray, test: np.ndarray | None = None) -> Predictions:
    return Predictions(kept(valid if test is None else test), kept(valid), "probabilities")


def sparse(gold: np.ndarray) -> scipy.sparse.csr_array:
    return scipy.sparse.csr_array(np.asarray(gold, dtype=bool))


GRID = np.arange(FLOOR, 1.0001, 0.005)
"""Thresholds that are tried one by one: several between any two of the values below."""


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([3, 20]))
def test_no_other_threshold_has_a_higher_f(seed: int, levels: int) -> None:
    """Few levels make ties; also where hardly any label is gold."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels + 1, (30, 4)) / levels
    gold = rng.random((30, 4)) < values * rng.choice([0.05, 0.9])
    found = predicted(values)
    single = thresholds("validation", found, sparse(gold))
    each = thresholds("per_label", found, sparse(gold))
    assert isinstance(single, float) and isinstance(each, np.ndarray)

    def best(some: slice, threshold: float) -> tuple[float, float]:
        """Returns F over some labels at a threshold, by scikit-learn, and at the best one."""
        ours = f1_score(gold[:, some].ravel(), values[:, some].ravel() > threshold, zero_division=0)
        chosen = values[None, :, some] > GRID[:, None, None]
        right = (chosen & gold[:, some]).sum((1, 2))
        every = 2 * right / np.maximum(chosen.sum((1, 2)) + gold[:, some].sum(), 1)
        return ours, every.max()

    ours, most = best(slice(4), single)
    assert ours == pytest.approx(most)
    for label in range(4):
        ours, most = best(slice(label, label + 1), each[label])
        if most >= LEAST_F:
            assert ours == pytest.approx(most)
        else:
            assert each[label] == pytest.approx(max(FLOOR, values[:, label].max()), abs=2**-11)


def test_thresholds_by_hand() -> None:
    """Label 0 is best cut between .3 and .4, label 1 anywhere around a half, label 2 has no gold on validation."""
    valid = np.array([[0.9, 0.9, 0.2], [0.4, 0.8, 0.3], [0.3, 0.2, 0.1], [0.1, 0.1, 0.25]])
    gold = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]])
    test = np.array([[0.36, 0.51, 0.29], [0.34, 0.49, 0.31]])
    found = predicted(valid, test)
    assert thresholds("0.5", found, sparse(gold)) == 0.5
    # From .3 up to .4 four pairs are right and none is wrong: half-way.
    assert thresholds("validation", found, sparse(gold)) == pytest.approx(0.35, abs=1e-3)
    assert thresholds("per_label", found, sparse(gold)) == pytest.approx([0.35, 0.5, 0.3], abs=1e-3)
    labels = {rule: decide(rule, found, sparse(gold)).toarray().astype(int).tolist() for rule in possible(found)}
    assert labels == {
        "0.5": [[0, 1, 0], [0, 0, 0]],
        "validation": [[1, 1, 0], [0, 1, 0]],
        "per_label": [[1, 1, 0], [0, 0, 1]],
    }


def test_where_nothing_is_right_or_kept_the_threshold_is_a_half_or_the_highest_value() -> None:
    nothing = predicted(np.zeros((3, 2)))
    gold = sparse(np.ones((3, 2)))
    assert thresholds("validation", nothing, gold) == 0.5
    assert thresholds("per_label", nothing, gold) == pytest.approx([FLOOR, FLOOR])
    wrong = predicted(np.full((3, 2), 0.75))
    assert thresholds("validation", wrong, sparse(np.zeros((3, 2)))) == 0.5
    assert thresholds("per_label", wrong, sparse(np.zeros((3, 2)))) == pytest.approx([0.75, 0.75])


def test_a_label_just_below_the_least_f_falls_back_and_one_at_it_does_not() -> None:
    """One right document among 19, and among 20: F = 2 / (19 + 1) = .1, and 2 / 21."""
    for num, falls_back in ((19, False), (20, True)):
        values = np.linspace(0.9, 0.6, num)[:, None]
        gold = np.zeros((num, 1))
        gold[-1] = 1
        (threshold,) = np.atleast_1d(thresholds("per_label", predicted(values), sparse(gold)))
        assert threshold == pytest.approx(0.9 if falls_back else 0.5, abs=1e-3)


def test_labels_alone_and_a_missing_validation_allow_one_rule() -> None:
    values = kept(np.ones((2, 3)))
    assert possible(Predictions(values)) == possible(Predictions(values, None, "scores")) == ("0.5",)
    assert possible(Predictions(values, values, "scores")) == ("0.5", "validation", "per_label")


@given(st.integers(0, 10**6))
def test_gold_is_found_among_what_is_kept(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = kept(rng.random((6, 7)) * (rng.random((6, 7)) < 0.5))
    gold = rng.random((6, 7)) < rng.choice([0.0, 0.3])
    assert (is_gold(values, sparse(gold)) == gold[values.rows, values.labels]).all()
