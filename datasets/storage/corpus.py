"""Prepared corpus on disk, memory-mapped so that all trials of a node share it.

Its folder holds `documents.arrow` (doc_id, text, split, labels; uncompressed, so it maps), `hierarchy.json`
and `meta.json`.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from datasets.storage.description import DOCUMENTS, HIERARCHY, META, damaged_error, read_meta
from datasets.storage.documents import SPLITS, CorpusSource, SplitName
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.writer import BATCH, SCHEMA, write_folder
from harness.core.files import sha256

_SUBSET_SEED = 20_240_601
"""Seed of the training subset, which is the same for all trials, whatever their seeds."""


def write(source: CorpusSource, folder: Path, *, name: str, options: Mapping[str, Any]) -> "Corpus":
    """Stores and opens a corpus; arguments and errors are those of `datasets.storage.writer.write_folder`."""
    write_folder(source, Path(folder), name=name, options=options)
    return Corpus.open(folder)


class Corpus:
    """A prepared corpus, memory-mapped.

    Attributes:
        folder: Folder on disk.
        meta: Description, see `datasets.storage.description`.
        hierarchy: Labels, in the order of every label axis.
    """

    def __init__(self, folder: Path, meta: dict[str, Any], hierarchy: Hierarchy, table: pa.Table):
        self.folder = folder
        self.meta = meta
        self.hierarchy = hierarchy
        self._table = table

    @classmethod
    def open(cls, folder: Path) -> "Corpus":
        """Opens a prepared corpus.

        Raises:
            DataError: When it is missing or damaged, with the command that prepares it.
        """
        folder = Path(folder)
        meta = read_meta(folder)
        hierarchy = Hierarchy.from_json(json.loads((folder / HIERARCHY).read_bytes()))
        try:
            table = pa.ipc.open_file(pa.memory_map(str(folder / DOCUMENTS))).read_all()
        except (pa.ArrowException, OSError) as error:
            raise damaged_error(folder, f"{DOCUMENTS} cannot be read ({error})") from None
        if table.schema != SCHEMA or table.num_rows != meta["counts"]["documents"]:
            raise damaged_error(folder, f"{DOCUMENTS} does not match {META}")
        return cls(folder, meta, hierarchy, table)

    @property
    def name(self) -> str:
        return self.meta["name"]

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the content."""
        return self.meta["fingerprint"]

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.meta["notes"])

    @property
    def num_documents(self) -> int:
        return self._table.num_rows

    def verify(self) -> None:
        """Reads all documents and compares their checksum.

        Raises:
            DataError: When the stored documents have changed since they were written.
        """
        if sha256(self.folder / DOCUMENTS) != self.meta["files"][DOCUMENTS]["sha256"]:
            raise damaged_error(self.folder, f"{DOCUMENTS} does not have its checksum")

    @cached_property
    def _splits(self) -> npt.NDArray[np.int8]:
        return self._table["split"].to_numpy()

    @cached_property
    def _labels(self) -> sparse.csr_array:
        lists = self._table["labels"].combine_chunks()
        indices, offsets = lists.flatten().to_numpy(), lists.offsets.to_numpy()
        shape = (self.num_documents, len(self.hierarchy))
        return sparse.csr_array((np.ones(len(indices), dtype=bool), indices, offsets), shape=shape)

    def rows(self, split: SplitName) -> npt.NDArray[np.int64]:
        """Returns the row numbers of a split, in order."""
        return np.flatnonzero(self._splits == SPLITS.index(split))

    def training_rows(self, most: int = 0) -> npt.NDArray[np.int64]:
        """Returns the row numbers of the training split, or a fixed random subset of `most` of them (0: all)."""
        rows = self.rows("train")
        if not 0 < most < len(rows):
            return rows
        return np.sort(np.random.RandomState(_SUBSET_SEED).permutation(rows)[:most])

    def texts(self, rows: npt.NDArray[np.int64]) -> Iterator[str]:
        """Yields the texts of some rows, in the order of `rows`."""
        return self._strings("text", rows)

    def doc_ids(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Returns the document ids of some rows."""
        return list(self._strings("doc_id", rows))

    def labels(self, rows: npt.NDArray[np.int64]) -> sparse.csr_array:
        """Returns the closed labels of some rows: boolean, shape (len(rows), L)."""
        return self._labels[rows]

    def _strings(self, column: str, rows: npt.NDArray[np.int64]) -> Iterator[str]:
        # Not take(): that would first copy the whole column out of the map.
        chunks = self._table[column].chunks
        for row in np.asarray(rows, dtype=np.int64).tolist():
            yield chunks[row // BATCH][row % BATCH].as_py()


def open_corpus(folder: Path) -> Corpus:
    """Opens a prepared corpus; a process keeps it for whoever asks next, unless it was prepared anew."""
    meta = folder / META
    return _open_once(folder, meta.read_bytes() if meta.is_file() else b"")


@lru_cache(maxsize=4)
def _open_once(folder: Path, meta: bytes) -> Corpus:
    return Corpus.open(folder)
