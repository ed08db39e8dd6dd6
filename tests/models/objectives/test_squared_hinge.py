"""Squared hinge loss: the linear SVM of each label."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import LinearSVC

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads
from models.objectives.squared_hinge import SquaredHinge
from models.structure_encoders.flat import Flat
from tests.models.hierarchies import dags, facts_of, head_on, stars
from tests.models.objective_checks import (
    assert_contract_of_one_label_at_a_time,
    assert_heads_see_their_own_labels_only,
    doubles,
)


def test_terms_are_the_formula_and_half_is_where_the_margin_is_nothing() -> None:
    logits, gold = doubles([[0.5, -2.0, 3.0, 0.0, 0.5]]), doubles([[1, 1, 1, 0, 0]])
    objective = SquaredHinge([head_on(stars([5]))])
    torch.testing.assert_close(objective.terms(logits, gold), doubles([[0.25, 9.0, 0.0, 1.0, 2.25]]))
    p = objective.probabilities(logits)
    torch.testing.assert_close(p, 1 / (1 + torch.exp(-4 * logits)))
    assert ((p > 0.5) == (logits > 0)).all(), "a label is predicted where its margin is above 0"


def test_a_converged_layer_is_the_classifier_of_liblinear() -> None:
    """The sum of the losses and the squared weights have LIBLINEAR's minimum."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4))
    gold = (features @ rng.normal(size=4) + rng.normal(size=60) > 0).astype(float)
    # Its objective is |w|^2 / 2 + C sum of losses, with the intercept a weight like any other.
    known = LinearSVC(C=0.5, dual=False, tol=1e-10, intercept_scaling=1.0).fit(features, gold)
    weights = torch.zeros(5, dtype=torch.double, requires_grad=True)
    objective, inputs = SquaredHinge([head_on(stars([1]))]), doubles(np.column_stack([features, np.ones(60)]))
    optimizer = torch.optim.LBFGS([weights], max_iter=200, tolerance_grad=1e-10, tolerance_change=1e-14)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        terms = objective.terms((inputs @ weights)[:, None], doubles(gold)[:, None])
        total = weights @ weights / 2 + 0.5 * terms.sum()
        total.backward()
        return total

    optimizer.step(loss)
    found = weights.detach().numpy()
    np.testing.assert_allclose(found, [*known.coef_[0], *known.intercept_], atol=1e-5)


def test_values_are_scores_and_no_probabilities() -> None:
    heads = BranchHeads(
        stars([3]),
        facts_of(stars([3])),
        lambda heads: Flat(heads, 3),
        merge="none",
        objective=SquaredHinge,
        branch_reduction="mean_global",
    )
    assert heads.meaning == "scores"


@given(dags(), st.integers(0, 99))
def test_heads_see_their_own_labels_only(graph: Hierarchy, seed: int) -> None:
    assert_heads_see_their_own_labels_only(SquaredHinge, graph, seed)


def test_gradients_one_branch_and_huge_logits() -> None:
    assert_contract_of_one_label_at_a_time(SquaredHinge)
