"""Predictions come back as they were written, and are refused where they are not those."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from datasets.storage.predictions import LabelLists, digest, read, write
from harness.core.errors import StoreError

IDS = ["a", "b", "c"]
MICRO = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=bool)


def test_what_is_read_is_what_was_written_with_its_hash(tmp_path: Path) -> None:
    unsorted = sparse.csr_array((np.ones(3, bool), np.array([2, 0, 1]), np.array([0, 2, 2, 3])), shape=(3, 3))
    predicted = {"micro_f1": unsorted, "macro_f1": sparse.csr_array(~MICRO)}
    path = tmp_path / "predictions.parquet"
    sha256 = write(path, IDS, predicted)
    found = read(path, pa.array(IDS), sha256, "the test split")
    for metric, labels in (("micro_f1", MICRO), ("macro_f1", ~MICRO)):
        offsets, indices = found[metric]
        assert [indices[start:end].tolist() for start, end in zip(offsets, offsets[1:], strict=False)] == [
            np.flatnonzero(row).tolist() for row in labels
        ]
    assert digest(found) == sha256 == write(path, IDS, dict(reversed(predicted.items())))
    with pytest.raises(StoreError, match="does not hold the predictions that the trial made"):
        read(path, pa.array(IDS), "0" * 64, "the test split")
    with pytest.raises(StoreError, match="is of other documents than the test split"):
        read(path, pa.array(IDS[::-1]), sha256, "the test split")


def test_the_hash_is_of_offsets_and_labels_of_each_metric() -> None:
    one = LabelLists(np.array([0, 1, 2], np.int32), np.array([3, 4], np.int32))
    other = LabelLists(np.array([0, 2, 2], np.int32), np.array([3, 4], np.int32))
    assert len({digest({"micro_f1": a, "macro_f1": b}) for a in (one, other) for b in (one, other)}) == 4
