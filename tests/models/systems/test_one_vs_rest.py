"""Constant labels, the choice of C, and processes that change no number."""

import numpy as np
import pytest
import torch
from scipy import sparse

from models.systems import one_vs_rest
from models.systems.linear import Linear
from models.systems.one_vs_rest import fit_labels
from tests.models.systems.splits import TREE, planted

DRAW = np.random.default_rng(0)
FEATURES = sparse.csr_array(DRAW.random((60, 8)) * (DRAW.random((60, 8)) < 0.5), dtype=np.float32)


def test_labels_of_all_documents_or_of_none_have_no_classifier() -> None:
    gold = np.stack([np.ones(60), np.zeros(60), DRAW.random(60) < 0.4], axis=1).astype(bool)
    fitted = fit_labels(FEATURES, sparse.csr_array(gold), range(3), 1.0, "squared_hinge")
    values = fitted.values(FEATURES)
    assert (values[:, 0] == 1).all() and (values[:, 1] == 0).all()
    assert ((values[:, 2] > 0) & (values[:, 2] < 1)).all()
    assert not fitted.weights_FL[:, :2].any()


def test_the_svm_minimises_its_objective() -> None:
    """No nearby weights have a lower squared hinge loss and length: at most by the solver's tolerance."""
    gold = DRAW.random(60) < 0.5
    fitted = fit_labels(FEATURES, sparse.csr_array(gold[:, None]), [0], 2.0, "squared_hinge")
    signs, features = np.where(gold, 1, -1), FEATURES.toarray().astype(float)

    def objective(weights: np.ndarray, bias: float) -> float:
        return (
            0.5 * (weights @ weights + bias**2)
            + 2 * (np.maximum(0, 1 - signs * (features @ weights + bias)) ** 2).sum()
        )

    weights, bias = fitted.weights_FL[:, 0].astype(float), float(fitted.bias_L[0])
    least = objective(weights, bias)
    for _ in range(50):
        assert objective(weights + DRAW.normal(0, 0.05, 8), bias + DRAW.normal(0, 0.05)) > least - 1e-3


def test_validation_chooses_c_and_equal_scores_the_smallest() -> None:
    train = planted(TREE, 200, 1)
    # Without noise every C from some on is right throughout.
    assert float(Linear(TREE).fit(train, planted(TREE, 60, 2), seed=0)["C"]) < max(Linear.COSTS)


def test_processes_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = sparse.csr_array(DRAW.random((60, 5)) < 0.4)
    alone = fit_labels(FEATURES, gold, range(5), 4.0, "squared_hinge")
    monkeypatch.setattr(one_vs_rest, "LARGE", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    shared = fit_labels(FEATURES, gold, range(5), 4.0, "squared_hinge")
    np.testing.assert_array_equal(alone.weights_FL, shared.weights_FL)
    np.testing.assert_array_equal(alone.bias_L, shared.bias_L)
