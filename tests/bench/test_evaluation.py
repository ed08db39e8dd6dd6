"""The made-up corpus has RCV1-v2's shape, and the published way of counting gives the harness's scores."""

import numpy as np
import pytest

from tests.bench import evaluation


def test_the_hierarchy_has_the_shape_of_rcv1() -> None:
    graph = evaluation.hierarchy()
    assert [len(branch) for branch in graph.branches()] == [34, 26, 33, 10] and graph.is_tree
    assert np.bincount(graph.levels)[1:].tolist() == [4, 55, 43, 1]


def test_documents_have_as_many_closed_labels() -> None:
    graph, answers, split = evaluation.corpus(20_000)
    gold = split.gold.toarray()
    assert gold.sum(1).mean() == pytest.approx(3.24, abs=0.1)
    assert ((gold.astype(int) @ graph.ancestors > 0) == gold).all()
    assert (answers.predicted.numpy() != gold).any(1).mean() == pytest.approx(evaluation.MISTAKES, abs=0.02)


def test_all_variants_count_the_same() -> None:
    found = {name: prepare(700)() for name, (prepare, _) in evaluation.VARIANTS.items()}
    for name in ("published", "scikit-learn"):
        for score, value in found[name].items():
            assert found["ours"][score] == pytest.approx(value, abs=1e-9)
    assert 5 < found["ours"]["micro_f1"] < 99.9
