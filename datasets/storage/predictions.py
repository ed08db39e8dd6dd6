"""Sparse predictions of validation and test documents in a Parquet file, with their hash.

Kept of a document are the labels whose value reaches `FLOOR`, and its `TOP` likeliest ones whatever their values, in
half precision: RCV1-v2's 781,265 test documents take about 11 MB for each best epoch. For calibrated probabilities
the best threshold is half the best F (Lipton et al. 2014, *Optimal thresholding of classifiers to maximize F1 measure*,
theorem 1), so a label whose F can reach .1 loses nothing below the floor; elsewhere thresholds are searched from
the floor up (`harness/scoring/decisions.py`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse

from datasets.storage.documents import SplitName
from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.core.text import one_line

FLOOR = 0.05
"""Least value that is kept of every label."""
TOP = 5
"""Labels of a document that are kept whatever their values, unless these are 0."""
BOUNDARY = 0.5
"""Values above it are predictions, unless another threshold is chosen."""
Meaning = Literal["probabilities", "scores", "labels"]
"""What values are: probabilities; others in [0, 1] that are predictions above `BOUNDARY`; or 1 throughout."""
_LABELS, _VALUES = "_labels", "_values"
EVALUATED: dict[SplitName, str] = {"val": "valid", "test": "test"}
"""Splits that systems are evaluated on, and what each is called in `Predictions`."""
_ABOVE = np.nextafter(np.float16(BOUNDARY), np.float16(1))


class LabelValues(NamedTuple):
    """Values of the labels of N documents; those of document d are at `offsets[d]:offsets[d + 1]`.

    Attributes:
        offsets: (N + 1,) int32.
        labels: (sum of lengths,) int32 label numbers, ascending within a document.
        values: (sum of lengths,) float16, in [0, 1]; labels that are not there are below all those that are.
    """

    offsets: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    values: npt.NDArray[np.float16]

    @classmethod
    def of_labels(cls, predicted: scipy.sparse.csr_array) -> "LabelValues":
        """Returns labels without values, given as (N, L) booleans; nothing but predictions, all of the value 1."""
        predicted = predicted.copy()
        predicted.eliminate_zeros()
        predicted.sort_indices()
        ones = np.ones(predicted.nnz, dtype=np.float16)
        return cls(predicted.indptr.astype(np.int32), predicted.indices.astype(np.int32), ones)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The document of each value."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def above(self, threshold: float | npt.NDArray[np.float64], num_labels: int) -> scipy.sparse.csr_array:
        """Returns the labels above a threshold, or each above its own, (L,), as (N, L) sparse booleans."""
        limit = threshold if isinstance(threshold, float) else threshold[self.labels]
        chosen = self.values.astype(np.float64) > limit
        offsets = np.concatenate([[0], np.cumsum(chosen)])[self.offsets]
        shape = (len(self.offsets) - 1, num_labels)
        return scipy.sparse.csr_array((np.ones(offsets[-1], dtype=bool), self.labels[chosen], offsets), shape=shape)


class Keeper:
    """Keeps what is worth keeping of the documents of a split, batch by batch."""

    def __init__(self) -> None:
        self._parts: list[tuple[npt.NDArray[Any], ...]] = []
        self._num_documents = 0

    def add(self, values_BL: npt.NDArray[np.floating], places: npt.NDArray[np.int64] | None = None) -> None:
        """Adds a batch of values in [0, 1]; its documents' places in the split are the next ones, unless given."""
        size, width = values_BL.shape
        if places is None:
            places = self._num_documents + np.arange(size)
        kept_BL = values_BL >= FLOOR
        short = np.flatnonzero(kept_BL.sum(1) < TOP)
        if width > TOP:
            top = np.argpartition(values_BL[short], -TOP, axis=1)[:, -TOP:]
            kept_BL[short[:, None], top] = True
        else:
            kept_BL[short] = True
        cells = np.flatnonzero(kept_BL)
        values = values_BL.reshape(-1)[cells]
        cells, values = cells[values > 0], values[values > 0]
        halves = values.astype(np.float16)
        # Rounding must not move a value to the other side of the boundary; from below it can only reach it.
        halves[(values > BOUNDARY) & (halves <= BOUNDARY)] = _ABOVE
        rows, labels = np.divmod(cells, width)
        self._parts.append((places[rows].astype(np.int32), labels.astype(np.int32), halves))
        self._num_documents += size

    def kept(self) -> LabelValues:
        """Returns what is kept, in the order of the split."""
        rows, labels, values = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=self._num_documents)
        return LabelValues(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), labels[order], values[order])


@dataclass(frozen=True)
class Predictions:
    """What a system says of the documents of a corpus.

    Attributes:
        test: Values of the test documents' labels.
        valid: Those of the validation documents; None where only labels are known, or nothing is.
        meaning: What the values are.
    """

    test: LabelValues
    valid: LabelValues | None = None
    meaning: Meaning = "labels"

    @classmethod
    def of(cls, kept: Mapping[SplitName, LabelValues], meaning: Meaning) -> "Predictions":
        """Returns the predictions of what is kept of each split; of labels alone, those of validation have no use."""
        return cls(kept["test"], None if meaning == "labels" else kept.get("val"), meaning)

    @property
    def splits(self) -> dict[SplitName, LabelValues]:
        """What is known of each split, the validation documents first."""
        return {split: found for split, name in EVALUATED.items() if (found := getattr(self, name)) is not None}


def write(path: Path, doc_ids: Mapping[SplitName, Sequence[str]], predicted: Mapping[str, Predictions]) -> str:
    """Writes predictions per best epoch, a row per document; returns their hash, see `digest`.

    Columns are `doc_id`, where there are values `split`, and for each best epoch `EPOCH_labels` and, where there are
    values, `EPOCH_values`; what two best epochs share is written once, and the file's metadata say so.

    Args:
        path: Where to.
        doc_ids: Document ids of each split.
        predicted: What is predicted at each best epoch; of all the same splits, and of one meaning.
    """
    one, *others = predicted.values()
    assert all(other.meaning == one.meaning and other.splits.keys() == one.splits.keys() for other in others)
    columns: dict[str, Any] = {"doc_id": pa.array([name for split in one.splits for name in doc_ids[split]])}
    if one.meaning != "labels":
        names = [split for split in one.splits for _ in doc_ids[split]]
        columns["split"] = pa.array(names).dictionary_encode()
    homes: dict[str, str] = {}
    for metric in sorted(predicted):
        homes[metric] = next((home for home in homes if predicted[home] is predicted[metric]), metric)
        if homes[metric] == metric:
            columns |= _columns(metric, predicted[metric])
    said = {"meaning": one.meaning, "epochs": json.dumps(homes)}
    encodings = {
        f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in columns if name.endswith((_LABELS, _VALUES))
    } | {"doc_id": "DELTA_BYTE_ARRAY"}
    sink = pa.BufferOutputStream()
    table = pa.table(columns).replace_schema_metadata(said)
    # Of noise there is nothing to look up; bytes of one significance are more alike than numbers.
    packed = ["split"] if "split" in columns else False
    pq.write_table(table, sink, compression="zstd", use_dictionary=packed, column_encoding=encodings)
    write_atomically(path, sink.getvalue())
    return digest(predicted)


def _columns(metric: str, predicted: Predictions) -> dict[str, pa.Array]:
    parts = list(predicted.splits.values())
    starts = np.cumsum([0, *(len(part.labels) for part in parts[:-1])])
    offsets = [part.offsets[min(i, 1) :] + start for i, (part, start) in enumerate(zip(parts, starts, strict=True))]
    labels = np.concatenate([part.labels for part in parts])
    if predicted.meaning != "labels" and labels.max(initial=0) < 2**15:
        labels = labels.astype(np.int16)
    joined = pa.array(np.concatenate(offsets), pa.int32())
    columns = {metric + _LABELS: pa.ListArray.from_arrays(joined, labels)}
    if predicted.meaning != "labels":
        values = np.concatenate([part.values for part in parts])
        columns[metric + _VALUES] = pa.ListArray.from_arrays(joined, values)
    return columns


def read(path: Path, doc_ids: Mapping[SplitName, pa.Array], sha256: str, documents: str) -> dict[str, Predictions]:
    """Returns the stored predictions by the metric of their best epoch.

    Args:
        path: File that `write` has made.
        doc_ids: Documents that they are to be of, in order, for each split.
        sha256: Hash that they are to have.
        documents: Name of these documents, for the error.

    Raises:
        StoreError: If the file cannot be read, is of other documents, or holds other predictions.
    """
    try:
        table = pq.read_table(path).combine_chunks()
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        said = table.schema.metadata or {}
        known = columns["split"].unique().to_pylist() if "split" in columns else ["test"]
        splits = [split for split in EVALUATED if split in known]
        wanted = pa.concat_arrays([doc_ids[split] for split in splits])
        is_of_them = "doc_id" in columns and columns["doc_id"].equals(wanted)
        ends = np.cumsum([len(doc_ids[split]) for split in splits]).tolist()
        meaning = said.get(b"meaning", b"labels").decode()
        own = {name.removesuffix(_LABELS): name for name in columns if name.endswith(_LABELS)}
        homes = json.loads(said.get(b"epochs", json.dumps({metric: metric for metric in own})))
        parts = {home: _read_columns(columns, home, [0, *ends], meaning) for home in own} if is_of_them else {}
        found = {metric: parts[home] for metric, home in homes.items() if is_of_them}
    except (pa.ArrowException, OSError, AttributeError, KeyError, IndexError, ValueError) as error:
        raise refusal(path, f"cannot be read ({one_line(error, 200)})") from None
    if not is_of_them:
        raise refusal(path, f"is of other documents than {documents}")
    if digest(found) != sha256:
        raise refusal(path, "does not hold the predictions that the trial made")
    return found


def _read_columns(columns: Mapping[str, Any], home: str, ends: Sequence[int], meaning: Any) -> Predictions:
    lists = columns[home + _LABELS]
    offsets, labels = lists.offsets.to_numpy(), lists.flatten().to_numpy().astype(np.int32)
    values = np.ones(len(labels), dtype=np.float16)
    if meaning != "labels":
        values = columns[home + _VALUES].flatten().to_numpy()
    parts = []
    for start, end in zip(ends, ends[1:], strict=False):
        first, last = offsets[start], offsets[end]
        parts.append(LabelValues(offsets[start : end + 1] - first, labels[first:last], values[first:last]))
    return Predictions(parts[-1], parts[0] if len(parts) > 1 else None, meaning)


def digest(predicted: Mapping[str, Predictions]) -> str:
    """Returns the SHA-256 of predictions, by best epoch in the order of their names.

    It is of the offsets and labels of the test documents and, unless nothing but labels is known, of their values, and
    of all three of the validation documents.
    """
    found = hashlib.sha256()
    for _, one in sorted(predicted.items()):
        found.update(one.test.offsets.tobytes() + one.test.labels.tobytes())
        if one.meaning != "labels":
            found.update(one.test.values.tobytes())
        if one.valid is not None:
            found.update(b"".join(part.tobytes() for part in one.valid))
    return found.hexdigest()


def refusal(path: Path, what: str) -> StoreError:
    """Returns the error for predictions that cannot be trusted."""
    return StoreError(
        f"The predictions {path} cannot be trusted: the file {what}. The trial counts as not run. Delete the file and "
        "run the sweep again; only this trial is run anew."
    )
