"""Local classifiers see the documents of their parents alone, and predictions go down the hierarchy."""

import numpy as np
import pytest
from scipy import sparse

from datasets.storage.hierarchy import Hierarchy
from models.systems import top_down
from models.systems.top_down import TopDown
from tests.models.systems.splits import DAG, TREE, planted


@pytest.mark.parametrize("hierarchy", [TREE, DAG])
def test_no_value_is_above_a_parents(hierarchy: Hierarchy) -> None:
    train, test = planted(hierarchy, 200, 1, 0.2), planted(hierarchy, 100, 2, 0.2)
    system = TopDown(hierarchy, cost=1.0)
    system.fit(train, test, seed=0)
    values = system.values(test).toarray()
    for parent, child in hierarchy.edges:
        assert (values[:, child] <= values[:, parent]).all()
    closed = (values > 0.5) @ hierarchy.ancestors
    np.testing.assert_array_equal(closed, values > 0.5)


def test_a_classifier_is_fitted_on_the_documents_of_all_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, list[int]] = {}
    fit = top_down.fit_labels

    def noted(features: sparse.csr_array, gold: sparse.csr_array, *rest: object) -> object:
        seen.setdefault(features.shape[0], []).append(gold.shape[1])
        return fit(features, gold, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(top_down, "fit_labels", noted)
    train = planted(DAG, 120, 1)
    TopDown(DAG, cost=1.0).fit(train, train, seed=0)
    gold = train.gold.toarray()
    # a and b below the virtual root; `both` where a and b are; `only` where a is; `deep` where `both` is.
    a, b, both = gold[:, 0], gold[:, 1], gold[:, 2]
    assert seen == {120: [2], int((a & b).sum()): [1], int(a.sum()): [1], int(both.sum()): [1]}


def test_a_child_of_all_its_parents_documents_goes_with_its_parent() -> None:
    chain = Hierarchy(["a", "b", "below a"], [(0, 2)])
    train = planted(TREE, 100, 1)
    gold = train.gold.toarray()[:, [0, 1, 0]]
    train.gold = sparse.csr_array(gold)
    system = TopDown(chain, cost=1.0)
    system.fit(train, train, seed=0)
    values = system.values(train).toarray()
    np.testing.assert_array_equal(values[:, 2], values[:, 0])
