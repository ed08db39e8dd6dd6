"""The threshold of a label tree by brute force, and values that keep the order of scores."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
from models.systems.base import micro_f1
from models.systems.kept import Writer
from models.systems.label_tree import LabelTree, best_threshold, carried_up, lowest, stretched
from tests.models.systems.splits import DAG, TREE, planted


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better(seed: int) -> None:
    draw = np.random.default_rng(seed)
    gold = draw.random((20, 6)) < 0.3
    scores = (np.round(np.clip(draw.random((20, 6)) * 0.6 + gold * 0.3, 0, 1), 1)).astype(np.float32)
    threshold = best_threshold(sparse.csr_array(scores), sparse.csr_array(gold))

    def f1(least: float) -> float:
        return micro_f1(sparse.csr_array(gold), sparse.csr_array(scores > least))

    assert f1(threshold) == pytest.approx(max(f1(least) for least in np.arange(0.05, 1, 0.1)))


@given(st.lists(st.floats(0, 1, width=32), min_size=2), st.floats(0.01, 0.99))
def test_values_keep_the_order_and_the_decision(scores: list[float], threshold: float) -> None:
    values = stretched(np.sort(scores), threshold)
    assert (np.diff(values) >= 0).all() and values.min() >= 0 and values.max() <= 1
    np.testing.assert_array_equal(values > 0.5, np.sort(scores) > threshold)


@pytest.mark.parametrize("hierarchy", [TREE, DAG])
def test_lowest_labels_and_scores_carried_up_are_those_of_a_slow_loop(hierarchy: Hierarchy) -> None:
    draw = np.random.default_rng(0)
    gold = planted(hierarchy, 50, 1).gold
    ancestors = hierarchy.ancestors
    for row, found in zip(gold.toarray(), lowest(gold, hierarchy).toarray(), strict=True):
        below = [
            any(row[d] and d != label and ancestors[d, label] for d in range(len(row))) for label in range(len(row))
        ]
        np.testing.assert_array_equal(found, row & ~np.array(below))
    scores = sparse.random_array((50, len(hierarchy)), density=0.4, format="csr", dtype=np.float32, rng=draw)
    found = carried_up(scores, hierarchy).toarray()
    dense = scores.toarray()
    expected = np.array(
        [[max(row[d] for d in np.flatnonzero(ancestors[:, a])) for a in range(len(row))] for row in dense]
    )
    np.testing.assert_array_equal(found, expected)
    empty = sparse.csr_array((3, len(hierarchy)), dtype=np.float32)
    assert carried_up(empty, hierarchy).nnz == 0


def test_predictions_never_contradict_the_hierarchy() -> None:
    system = LabelTree(DAG)
    system.fit(planted(DAG, 200, 1, 0.1), planted(DAG, 50, 2, 0.1), seed=0)
    values = system.values(planted(DAG, 50, 3, 0.3)).toarray()
    parents, children = DAG.edges.T
    assert (values[:, parents] >= values[:, children]).all() and (values > 0.5).any()


@pytest.mark.parametrize("tree", ["parabel", "bonsai"])
def test_nothing_is_written_to_the_streams(tree: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    train = planted(TREE, 100, 1)
    system = LabelTree(TREE, tree=tree)  # type: ignore[arg-type]
    system.fit(train, train, seed=0)
    LabelTree(TREE).restore(tmp_path, system.save(tmp_path))
    assert capfd.readouterr() == ("", "")


def test_trees_are_loaded_in_the_order_of_their_numbers_whatever_the_file_system_lists(tmp_path: Path) -> None:
    """Sums of their scores depend on it in the last bits; a swap of two files is seen in what is saved again."""
    system, again = LabelTree(TREE), LabelTree(TREE)
    system.fit(planted(TREE, 100, 1), planted(TREE, 50, 2), seed=0)
    state = system.save(tmp_path / "one")
    one, other = (tmp_path / "one" / "label_tree" / f"tree{number}.cbor" for number in (0, 2))
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    again.restore(tmp_path / "one", state)
    again.save(tmp_path / "other")
    saved = [(tmp_path / "other" / "label_tree" / path.name).read_bytes() for path in (one, other)]
    assert contents[0] != contents[1] and saved == [contents[1], contents[0]]


def test_trees_of_other_features_and_what_is_no_tree_are_refused(tmp_path: Path) -> None:
    system = LabelTree(TREE)
    system.fit(planted(TREE, 100, 1), planted(TREE, 50, 2), seed=0)
    state = system.save(tmp_path)
    Writer(tmp_path).write("label_tree/tree1.cbor", b"no tree")
    with pytest.raises(DataError, match="Omikuji cannot load its trees"):
        LabelTree(TREE).restore(tmp_path, state)
    state, fewer = system.save(tmp_path), Writer(tmp_path)
    system.tfidf.fit(["other words"])
    system.tfidf.save(fewer)
    fewer.state()
    with pytest.raises(DataError, match="and there are 3"):
        LabelTree(TREE).restore(tmp_path, state)
