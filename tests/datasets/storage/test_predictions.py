"""Predictions come back as they were written, small, and on the same side of a half; others are refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from datasets.storage.documents import SplitName
from datasets.storage.predictions import FLOOR, TOP, Keeper, LabelValues, Predictions, digest, read, write
from harness.core.errors import StoreError

IDS: dict[SplitName, list[str]] = {"val": ["v", "w"], "test": ["a", "b", "c"]}
ARROW: dict[SplitName, pa.Array] = {split: pa.array(ids) for split, ids in IDS.items()}
MICRO = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=bool)


def kept(values_NL: np.ndarray, batches: int = 1) -> LabelValues:
    keeper = Keeper()
    for part in np.array_split(values_NL.astype(np.float32), batches):
        keeper.add(part)
    return keeper.kept()


def dense(values: LabelValues, num_labels: int) -> np.ndarray:
    found = np.zeros((len(values.offsets) - 1, num_labels), dtype=np.float16)
    found[values.rows, values.labels] = values.values
    return found


def some(seed: int, shape: tuple[int, int] = (3, 20)) -> LabelValues:
    return kept(np.random.default_rng(seed).random(shape) ** 4)


@given(st.data())
def test_no_value_changes_its_side_of_a_half(data: st.DataObject) -> None:
    near = st.floats(0.5 - 2**-11, 0.5 + 2**-11, width=32) | st.floats(0, 1, width=32)
    values = np.array(data.draw(st.lists(near, min_size=7, max_size=7)), dtype=np.float32)[None]
    assert (kept(values).above(0.5, 7).toarray() == (values > 0.5)).all()


def test_every_single_precision_number_around_a_half_stays_on_its_side() -> None:
    """Plain rounding would take 4,096 numbers above a half for a half."""
    half = np.float32(0.5).view(np.int32)
    values = (half + np.arange(-9000, 9001, dtype=np.int32)).view(np.float32)
    assert ((values > 0.5) & (values.astype(np.float16) <= 0.5)).sum() == 4096
    assert (kept(values[:, None]).above(0.5, 1).toarray()[:, 0] == (values > 0.5)).all()


def test_kept_are_labels_above_the_floor_and_the_first_few_in_half_precision() -> None:
    rng = np.random.default_rng(1)
    values = (rng.random((200, 30)) ** 6).astype(np.float32)
    values[3], values[4, 2:] = 0, 0
    found = kept(values, batches=7)
    rank = (-values).argsort(1).argsort(1)
    expected = ((values >= FLOOR) | (rank < TOP)) & (values > 0)
    assert (np.diff(found.offsets) == expected.sum(1)).all() and np.diff(found.offsets)[3:5].tolist() == [0, 2]
    assert (found.rows * 30 + found.labels == np.flatnonzero(expected)).all()
    assert np.abs(found.values - values[expected]).max() <= 2**-11, "half of a half-precision step below 1"


def test_batches_in_any_order_are_kept_in_that_of_the_split() -> None:
    values, order = np.random.default_rng(2).random((9, 4), dtype=np.float32), np.random.default_rng(3).permutation(9)
    keeper = Keeper()
    for places in np.array_split(order, 4):
        keeper.add(values[places], places)
    assert (dense(keeper.kept(), 4) == dense(kept(values), 4)).all()


def test_thresholds_of_one_or_of_each_label_are_strict() -> None:
    values = kept(np.array([[0.25, 0.5, 0.75], [0.5, 0.25, 1.0]]))
    assert values.above(0.25, 3).toarray().tolist() == [[False, True, True], [True, False, True]]
    assert values.above(np.array([0.2, 0.3, 0.9]), 3).toarray().tolist() == [[True, True, False], [True, False, True]]
    assert values.above(1.0, 3).nnz == 0


@pytest.mark.parametrize("meaning", ["probabilities", "scores"])
def test_what_is_read_is_what_was_written_with_its_hash(tmp_path: Path, meaning: str) -> None:
    one = {f"{metric}_f1": Predictions(some(i), some(i + 9, (2, 20)), meaning) for i, metric in enumerate("ab")}  # type: ignore[arg-type]
    path = tmp_path / "predictions.parquet"
    sha256 = write(path, IDS, one)
    found = read(path, ARROW, sha256, "the corpus")
    assert found.keys() == one.keys()
    for metric, predicted in one.items():
        assert found[metric].meaning == meaning
        for split, values in predicted.splits.items():
            for mine, theirs in zip(values, found[metric].splits[split], strict=True):
                assert mine.dtype == theirs.dtype and (mine == theirs).all()
    assert sha256 == write(path, IDS, dict(reversed(one.items()))) == digest(found)
    with pytest.raises(StoreError, match="does not hold the predictions that the trial made"):
        read(path, ARROW, "0" * 64, "the corpus")
    for split in IDS:
        turned = {**ARROW, split: pa.array(IDS[split][::-1])}
        with pytest.raises(StoreError, match="is of other documents than the corpus"):
            read(path, turned, sha256, "the corpus")


def test_values_of_test_documents_alone_are_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    sha256 = write(path, IDS, {"micro_f1": Predictions(some(1), None, "probabilities")})
    found = read(path, ARROW, sha256, "the corpus")["micro_f1"]
    assert found.valid is None and found.meaning == "probabilities"
    assert all((mine == theirs).all() for mine, theirs in zip(found.test, some(1), strict=True))


def test_labels_alone_are_columns_of_labels_of_the_test_documents(tmp_path: Path) -> None:
    unsorted = sparse.csr_array((np.ones(3, bool), np.array([2, 0, 1]), np.array([0, 2, 2, 3])), shape=(3, 3))
    one = {
        "micro_f1": Predictions(LabelValues.of_labels(unsorted)),
        "macro_f1": Predictions(LabelValues.of_labels(sparse.csr_array(~MICRO))),
    }
    path = tmp_path / "predictions.parquet"
    sha256 = write(path, IDS, one)
    table = pq.read_table(path)
    assert table.column_names == ["doc_id", "macro_f1_labels", "micro_f1_labels"]
    assert table["micro_f1_labels"].to_pylist() == [[0, 2], [], [1]] and table["doc_id"].to_pylist() == IDS["test"]
    for metric, labels in (("micro_f1", MICRO), ("macro_f1", ~MICRO)):
        found = read(path, ARROW, sha256, "the corpus")[metric]
        assert found.valid is None and found.meaning == "labels"
        assert (found.test.above(0.5, 3).toarray() == labels).all()
    # A file without anything but such columns is one of labels.
    bare = table.replace_schema_metadata(None)
    pq.write_table(bare, path)
    assert read(path, ARROW, sha256, "the corpus")["micro_f1"].meaning == "labels"


def test_what_two_best_epochs_share_is_written_once(tmp_path: Path) -> None:
    one = Predictions(some(0, (3, 400)), some(1, (2, 400)), "probabilities")
    twice, apart = tmp_path / "twice.parquet", tmp_path / "apart.parquet"
    sha256 = write(twice, IDS, {"micro_f1": one, "macro_f1": one})
    other = Predictions(one.test, one.valid, one.meaning)
    assert write(apart, IDS, {"micro_f1": one, "macro_f1": other}) == sha256
    assert twice.stat().st_size < 0.75 * apart.stat().st_size
    for path in (twice, apart):
        assert digest(read(path, ARROW, sha256, "the corpus")) == sha256


def test_the_hash_is_of_everything_that_is_kept() -> None:
    def changed(place: int, values: LabelValues) -> LabelValues:
        parts = [part.copy() for part in values]
        parts[place][-1] += 1
        return LabelValues(*parts)

    one = Predictions(some(0), some(1), "probabilities")
    others = [Predictions(changed(place, some(0)), some(1), "probabilities") for place in range(3)]
    others += [Predictions(some(0), changed(place, some(1)), "probabilities") for place in range(3)]
    assert len({digest({"micro_f1": each}) for each in (one, *others)}) == 7
