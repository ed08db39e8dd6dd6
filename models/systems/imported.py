"""Predictions that were made elsewhere: a method that nobody can port, compared with document-level error.

The file is JSON lines or Parquet, with one prediction per document and run in these fields:

    doc_id   name of the document, as in the prepared corpus: every test document once a run; of the validation
             documents all or none
    labels   list of label names: those that are predicted or, beside `values`, those that have a value
    values   optional: list of a number in [0, 1] for each of `labels`; a label is predicted where it is above 0.5
    seed     optional: the run; a file may hold several, and the sweep file names them (`seeds: [1, 2, 3]`)
    system   optional: name of what predicted; a file holds one

`{dataset}` in the name of the file stands for the key of the dataset in the sweep file. Without validation documents a
run has no validation scores, and is scored by its own decisions alone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.formats.textfiles import read_records
from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError, DataError
from harness.core.registry import Loaded, nearest
from harness.core.text import listed
from models.systems.base import Encode, System, Texts

NUMERICS = {"imported": 1}

THRESHOLD = 0.5


class Prediction(NamedTuple):
    """Values of a document's labels, by rising label."""

    labels: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]


class Imported(System):
    """Looks every document's prediction up.

    Args:
        hierarchy: The labels.
        encode: Not read.
        file: File of predictions.
        made_by: Who made them.
        how: With what: program, version, settings.
        made_on: When.
        unclosed: What to do with predicted labels whose ancestors are not predicted: refuse the file, close each
            prediction by adding them, or keep it as it is.
    """

    can_be_kept = False

    def __init__(
        self,
        hierarchy: Hierarchy,
        encode: Encode | None = None,
        *,
        file: Loaded = "",
        made_by: str = "",
        how: str = "",
        made_on: str = "",
        unclosed: Literal["refuse", "close", "keep"] = "refuse",
    ):
        super().__init__(hierarchy, encode)
        self._path = Path(file).expanduser()
        self._origin = {"made by": made_by, "how": how, "made on": made_on}
        self._unclosed = unclosed
        self._found: dict[str, Prediction] = {}

    @classmethod
    def try_out(cls, options: Mapping[str, Any], encoder: object = None) -> None:
        """Refuses a file that is not there, and predictions of nobody."""
        if not options["file"] or not Path(options["file"]).expanduser().is_file():
            raise ConfigError(
                f"Imported predictions: there is no file {options['file']!r}. Name one under `options: {{file: ...}}`; "
                "`{dataset}` in its name stands for the dataset's key."
            )
        if missing := [name for name in ("made_by", "how", "made_on") if not options[name]]:
            raise ConfigError(
                f"Imported predictions of {options['file']} do not say {listed(missing)}. A reader has to know who "
                "made them, how and when: name it under `options:`."
            )

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        self._found = self._read(seed)
        self.knows_validation = not self._found.keys().isdisjoint(valid.doc_ids)
        return {name: text for name, text in self._origin.items() if text}

    def check(self, valid: Texts, test: Texts, seed: int) -> None:
        """Refuses a file that does not fit the corpus: missing, unknown or duplicate documents, unclosed labels."""
        found = self._read(seed)
        expected, optional = set(test.doc_ids), set(valid.doc_ids)
        if unknown := [name for name in found if name not in expected | optional]:
            raise self._error(
                f"{len(unknown):,} of its {len(found):,} documents are no test or validation documents of this corpus: "
                f"{listed(unknown)}. Is it of another split, or of another version of the corpus?"
            )
        for what, names in (("test", expected), ("validation", optional if optional & found.keys() else set[str]())):
            if missing := sorted(names - found.keys()):
                raise self._error(
                    f"{len(missing):,} of the corpus's {len(names):,} {what} documents have no prediction under seed "
                    f"{seed}: {listed(missing)}. A document with no label has an empty list."
                )
        if self._unclosed == "refuse":
            self._refuse_unclosed(found)

    def values(self, texts: Texts) -> scipy.sparse.csr_array:
        nothing = Prediction(np.empty(0, np.int32), np.empty(0, np.float32))
        found = [self._found.get(name, nothing) for name in texts.doc_ids]
        offsets = np.cumsum([0, *(len(one.labels) for one in found)])
        labels = np.concatenate([nothing.labels, *(one.labels for one in found)])
        values = np.concatenate([nothing.values, *(one.values for one in found)])
        return scipy.sparse.csr_array((values, labels, offsets), shape=(len(found), len(self.hierarchy)))

    def _read(self, seed: int) -> dict[str, Prediction]:
        found: dict[str, Prediction] = {}
        seeds, systems, has_values = set[int](), set[str](), False
        for place, record in _records(self._path):
            own = _seed(record.get("seed"), place)
            seeds.add(own)
            systems.add(str(record.get("system") or ""))
            if len(systems) > 1:
                raise self._error(f"it holds predictions of {listed(sorted(systems))}. Give each a file of its own")
            if own != seed:
                continue
            doc_id = _doc_id(record.get("doc_id"), place)
            if doc_id in found:
                raise DataError(f"{place}: {doc_id} has a second prediction under seed {seed}. Keep one.")
            found[doc_id] = self._prediction(record, place)
            has_values |= record.get("values") is not None
        if not found:
            raise self._error(
                f"it has no prediction under seed {seed}, but under {listed(sorted(map(str, seeds))) or 'none'}. Name "
                "its seeds in the sweep file: `seeds: [...]` of this model."
            )
        self.meaning = "probabilities" if has_values else "labels"
        return found

    def _prediction(self, record: Mapping[str, Any], place: str) -> Prediction:
        names, values = record.get("labels"), record.get("values")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"{place}: `labels` has to be a list of label names.")
        for name in names:
            if name not in self.hierarchy.index:
                raise DataError(f"{place}: the corpus has no label {name!r}.{nearest(name, self.hierarchy.labels)}")
        if len(set(names)) < len(names):
            raise DataError(f"{place}: a label is named twice.")
        numbers = [1.0] * len(names) if values is None else values
        if not isinstance(numbers, list) or len(numbers) != len(names) or not all(map(_is_value, numbers)):
            raise DataError(f"{place}: `values` has to be a list of a number in [0, 1] for each label.")
        labels = np.array([self.hierarchy.index[name] for name in names], dtype=np.int32)
        return self._closed(labels, np.array(numbers, dtype=np.float32))

    def _closed(self, labels: npt.NDArray[np.int32], values: npt.NDArray[np.float32]) -> Prediction:
        order = np.argsort(labels)
        labels, values = labels[order], values[order]
        if self._unclosed != "close" or not len(labels):
            return Prediction(labels, values)
        # A label is at least as sure as what lies below it.
        above = self.hierarchy.ancestors[labels] * values[:, None]
        raised = above.max(axis=0)
        kept = np.flatnonzero(raised > 0).astype(np.int32)
        return Prediction(kept, raised[kept].astype(np.float32))

    def _refuse_unclosed(self, found: Mapping[str, Prediction]) -> None:
        wrong = [name for name, one in found.items() if self._lacks(one).size]
        if not wrong:
            return
        lacking = self._lacks(found[wrong[0]])
        raise self._error(
            f"{len(wrong):,} of its {len(found):,} predictions lack an ancestor of a predicted label: {wrong[0]} lacks "
            f"{listed([self.hierarchy.labels[label] for label in lacking])}. Set `unclosed: close` to add ancestors, "
            "or `unclosed: keep` where the system predicts such sets and is to be scored as it is"
        )

    def _lacks(self, one: Prediction) -> npt.NDArray[np.int64]:
        predicted = one.labels[one.values > THRESHOLD]
        closed = np.flatnonzero(self.hierarchy.ancestors[predicted].any(axis=0))
        return np.setdiff1d(closed, predicted)

    def _error(self, problem: str) -> DataError:
        return DataError(f"The predictions {self._path} cannot be used: {problem}{'' if problem[-1] in '.?' else '.'}")


def _seed(given: Any, place: str) -> int:
    """Returns the seed of a record: a whole number, as a number or as text; 0 where there is none."""
    try:
        number = int(given or 0)
        if isinstance(given, bool) or (isinstance(given, float) and number != given):
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise DataError(f"{place}: `seed` is {str(given)[:40]!r}, and has to be a whole number.") from None
    return number


def _doc_id(given: Any, place: str) -> str:
    if given is None or given == "":
        raise DataError(f"{place}: `doc_id` is missing.")
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise DataError(f"{place}: `doc_id` is {str(given)[:40]!r}, and has to be the name of a document.")
    return str(given)


def _is_value(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1


def _records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields (place, fields) of every prediction."""
    if path.suffix != ".parquet":
        yield from read_records(path)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        batches = pq.ParquetFile(path).iter_batches()
        number = 1
        for batch in batches:
            for record in batch.to_pylist():
                yield f"{path}, row {number}", record
                number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"The predictions {path} cannot be read: {error}.") from None
