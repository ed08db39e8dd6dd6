"""Which values are kept, batches, micro F, and what every system can do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import FLOOR
from harness.core.errors import DataError
from models import SYSTEMS
from models.systems.base import BATCH, System, batched, highest, micro_f1
from models.systems.linear import Linear
from tests.models.systems.splits import DAG, TREE, Split, planted

CAN_BE_KEPT = [name for name, component in SYSTEMS.items() if component.load().can_be_kept]


def test_the_highest_values_are_kept_and_all_of_the_floor_or_more() -> None:
    values = np.array([[0.9, 0.8, 0.7, 0.04], [0.04, 0.03, 0.02, 0.01], [0.4, 0.3, FLOOR, 0.01]])
    np.testing.assert_array_equal(highest(values, 2).toarray() > 0, [[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0]])
    np.testing.assert_array_equal(highest(values).toarray(), values.astype(np.float32))


def test_micro_f_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    gold, predicted = draw.random((2, 50, 7)) < 0.3
    expected = f1_score(gold, predicted, average="micro")
    assert micro_f1(sparse.csr_array(gold), sparse.csr_array(predicted)) == pytest.approx(expected)
    nothing = sparse.csr_array((3, 2), dtype=bool)
    assert micro_f1(nothing, nothing) == 0


def test_batches_hold_every_text_once() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_values_do_not_depend_on_what_is_in_a_batch() -> None:
    train = planted(TREE, 100, 1)
    system = Linear(TREE, cost=1.0)
    system.fit(train, train, seed=0)
    many = Split(list(train) * (BATCH // 100 + 1), train.gold)
    np.testing.assert_array_equal(system.values(many).toarray()[:100], system.values(train).toarray())
    assert system.values([]).shape == (0, len(TREE))


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "imported"])
def test_every_system_learns_planted_labels_and_says_what_it_is(name: str) -> None:
    train, valid, test = (planted(TREE, size, seed) for size, seed in ((300, 1), (80, 2), (80, 3)))
    component = SYSTEMS[name]
    system = component.load()(TREE, **component.resolved({}))
    assert all(isinstance(value, str) for value in system.fit(train, valid, seed=0).values())
    values = system.values(test)
    assert values.dtype == np.float32 and values.shape == test.gold.shape
    assert values.data.min() >= 0 and values.data.max() <= 1
    least = 0.3 if name == "constant" else 0.6 if name == "nearest" else 0.85
    assert micro_f1(test.gold, sparse.csr_array(values > 0.5)) > least
    # Omikuji does not tell how many weights it holds.
    assert (system.num_parameters > 0) == (name != "label_tree")
    assert component.summary and component.numerics


def made(name: str, hierarchy: Hierarchy = TREE) -> System:
    """Returns a system with the options that it has by default."""
    component = SYSTEMS[name]
    system: System = component.load()(hierarchy, **component.resolved({}))
    return system


def fitted(name: str) -> System:
    system = made(name)
    system.fit(planted(TREE, 120, 1, 0.1), planted(TREE, 40, 2, 0.1), seed=0)
    return system


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the content of each file in a folder, by its path there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def json_of(state: dict[str, Any]) -> dict[str, Any]:
    """Returns a state as it is read from JSON."""
    found: dict[str, Any] = json.loads(json.dumps(state))
    return found


def test_only_imported_predictions_cannot_be_kept(tmp_path: Path) -> None:
    assert set(SYSTEMS) - set(CAN_BE_KEPT) == {"imported"}
    with pytest.raises(NotImplementedError):
        SYSTEMS["imported"].load()(TREE).save(tmp_path)


@pytest.mark.parametrize("name", CAN_BE_KEPT)
def test_a_restored_system_gives_the_same_bits_and_the_same_files(name: str, tmp_path: Path) -> None:
    system, again = fitted(name), made(name)
    state = system.save(tmp_path / "one")
    again.restore(tmp_path / "one", json_of(state))
    texts = planted(TREE, BATCH + 1, 3, 0.3).texts
    new = Split(["", "nothing of this is known", "Größe WORD0 word1 ?", *texts], sparse.csr_array((BATCH + 4, 6)))
    for values, expected in (
        (again.values(new), system.values(new)),
        (again.batch_values([""]), system.batch_values([""])),
    ):
        assert values.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(values.toarray(), expected.toarray())
    assert again.num_parameters == system.num_parameters
    assert again.save(tmp_path / "other") == system.save(tmp_path / "third") == state
    assert contents(tmp_path / "other") == contents(tmp_path / "third") == contents(tmp_path / "one")


@pytest.mark.parametrize("name", [name for name in CAN_BE_KEPT if SYSTEMS[name].deterministic])
def test_equal_systems_have_equal_files(name: str, tmp_path: Path) -> None:
    assert fitted(name).save(tmp_path / "one") == fitted(name).save(tmp_path / "other")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


@pytest.mark.parametrize("name", CAN_BE_KEPT)
def test_a_missing_file_and_another_hierarchy_are_refused(name: str, tmp_path: Path) -> None:
    state = fitted(name).save(tmp_path)
    # Of trees any number is a model: that all are there is told by checksums.
    files = {file: content for file, content in contents(tmp_path).items() if "tree/tree" not in file}
    for file, content in files.items():
        (tmp_path / file).unlink()
        with pytest.raises(DataError, match=f"{file}.* Export it again"):
            made(name).restore(tmp_path, state)
        (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match="hierarchy|columns"):
        made(name, DAG).restore(tmp_path, state)
    for lost in state:
        with pytest.raises(DataError, match=f"says None for `{lost}`"):
            made(name).restore(tmp_path, {key: value for key, value in state.items() if key != lost})
