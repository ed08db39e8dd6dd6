"""Predicted labels of the test documents in a Parquet file, with the hash that tells whether they are the same."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse

from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.core.text import one_line

_LABELS = "_labels"


class LabelLists(NamedTuple):
    """Labels of N documents; document d has `indices[offsets[d]:offsets[d + 1]]`.

    Attributes:
        offsets: (N + 1,) int32.
        indices: (sum of lengths,) int32 label numbers, ascending within a document.
    """

    offsets: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]


def write(path: Path, doc_ids: Sequence[str], predicted: Mapping[str, scipy.sparse.csr_array]) -> str:
    """Writes the predicted labels per best epoch as lists, a row per document; returns their hash, see `digest`."""
    columns: dict[str, Any] = {"doc_id": pa.array(doc_ids)}
    lists = dict[str, LabelLists]()
    for metric, labels in predicted.items():
        labels.sort_indices()
        lists[metric] = LabelLists(labels.indptr.astype(np.int32), labels.indices.astype(np.int32))
    for metric in sorted(lists):
        columns[f"{metric}{_LABELS}"] = pa.ListArray.from_arrays(*lists[metric])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_atomically(path, sink.getvalue())
    return digest(lists)


def read(path: Path, doc_ids: pa.Array, sha256: str, documents: str) -> dict[str, LabelLists]:
    """Returns the stored predictions by the metric of their best epoch.

    Args:
        path: File that `write` has made.
        doc_ids: Documents that they are to be of, in order.
        sha256: Hash that they are to have.
        documents: Name of these documents, for the error.

    Raises:
        StoreError: If the file cannot be read, is of other documents, or holds other predictions.
    """
    try:
        table = pq.read_table(path).combine_chunks()
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        found = {
            name.removesuffix(_LABELS): LabelLists(column.offsets.to_numpy(), column.flatten().to_numpy())
            for name, column in columns.items()
            if name.endswith(_LABELS)
        }
    except (pa.ArrowException, OSError, AttributeError) as error:
        raise refusal(path, f"cannot be read ({one_line(error, 200)})") from None
    if "doc_id" not in columns or not columns["doc_id"].equals(doc_ids):
        raise refusal(path, f"is of other documents than {documents}")
    if digest(found) != sha256:
        raise refusal(path, "does not hold the predictions that the trial made")
    return found


def digest(lists: Mapping[str, LabelLists]) -> str:
    """Returns the SHA-256 of predictions: of the offsets and labels of each metric, in the order of their names."""
    found = hashlib.sha256()
    for _, (offsets, indices) in sorted(lists.items()):
        found.update(offsets.tobytes() + indices.tobytes())
    return found.hexdigest()


def refusal(path: Path, what: str) -> StoreError:
    """Returns the error for predictions that cannot be trusted."""
    return StoreError(
        f"The predictions {path} cannot be trusted: the file {what}. The trial counts as not run. Delete the file and "
        "run the sweep again; only this trial is run anew."
    )
