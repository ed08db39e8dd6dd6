"""Values of logistic regression are probabilities: their means are the labels' frequencies."""

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models.systems.logistic import Logistic
from models.systems.one_vs_rest import fit_labels
from tests.models.systems.splits import TREE, planted


def test_means_of_probabilities_are_frequencies() -> None:
    train = planted(TREE, 600, 1, 0.2)
    system = Logistic(TREE, cost=1.0)
    system.fit(train, train, seed=0)
    np.testing.assert_allclose(system.values(train).mean(0), train.gold.toarray().mean(0), atol=0.03)


def test_the_solution_is_that_of_another_solver() -> None:
    draw = np.random.default_rng(0)
    # LIBLINEAR also penalises the intercept: it is the weight of a feature that is 1.
    features, gold = draw.random((80, 5)), draw.random(80) < 0.5
    fitted = fit_labels(sparse.csr_array(features), sparse.csr_array(gold[:, None]), [0], 2.0, "log")
    with_one = np.column_stack([features, np.ones(80)])
    other = LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8).fit(with_one, gold).coef_[0]
    np.testing.assert_allclose([*fitted.weights_FL[:, 0], fitted.bias_L[0]], other, atol=0.02)
