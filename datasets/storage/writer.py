"""Writer of prepared corpora: validation, label closure, fingerprint and counts, in one atomic pass."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from datasets.storage.description import DOCUMENTS, FORMAT, HIERARCHY, META, canonical_json, recipe_input, with_checksum
from datasets.storage.documents import SPLITS, CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.progress import track
from harness.core.errors import DataError
from harness.core.files import sha256
from harness.core.text import is_unicode

BATCH = 1024
SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("text", pa.string()),
        ("split", pa.int8()),
        ("labels", pa.list_(pa.field("item", pa.int32()))),
    ]
)


def write_folder(source: CorpusSource, folder: Path, *, name: str, options: Mapping[str, Any]) -> None:
    """Checks and stores a corpus under a temporary name beside its folder, then renames it.

    Labels are closed over all parents. The fingerprint is a SHA-256 over the hierarchy and, in order, each document's
    id, text, closed labels and split; it does not depend on Arrow.

    Args:
        source: The corpus as its reader returned it; documents are streamed.
        folder: Target folder; an existing corpus there is replaced.
        name: Name of the corpus.
        options: Options of the reader that differ from their defaults.

    Raises:
        DataError: When documents are faulty: number and first occurrence of each fault. Nothing is written then.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_files(source, partial, name, options)
        _replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class Checks:
    """Counts of each kind of fault in the documents, with its first occurrence."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, int]] = {}

    def add(self, what: str, where: str) -> None:
        first, count = self.found.get(what, (where, 0))
        self.found[what] = (first, count + 1)

    @property
    def summary(self) -> str:
        return "; ".join(f"{count:,} x {what}, first {first}" for what, (first, count) in self.found.items())

    def raise_if_any(self, name: str) -> None:
        if self.found:
            raise DataError(f"The corpus {name!r} was not written: {self.summary}. Fix the source and run again.")


def checked_documents(source: CorpusSource, checks: Checks) -> Iterator[tuple[Document, list[int], bool]]:
    """Yields valid documents with their closed label indices, and whether the source had closed them."""
    index = source.hierarchy.index
    closed: dict[frozenset[int], list[int]] = {}
    seen: set[str] = set()
    for document in track(source.documents, "documents", source.num_documents):
        quoted = repr(document.doc_id)
        valid = True
        for label in document.labels:
            if label not in index:
                valid = False
                checks.add("label that the hierarchy does not have", f"{label!r} of document {quoted}")
        if document.doc_id in seen:
            valid = False
            checks.add("document id that occurred before", quoted)
        seen.add(document.doc_id)
        if not is_unicode(document.doc_id):
            valid = False
            checks.add("document id that is not valid Unicode", quoted)
        if not document.text.strip():
            valid = False
            checks.add("empty text", f"in document {quoted}")
        elif not is_unicode(document.text):
            valid = False
            checks.add("text that is not valid Unicode", f"in document {quoted}")
        if valid:
            gold = frozenset(index[label] for label in document.labels)
            if gold not in closed:
                closed[gold] = source.hierarchy.close(gold).tolist() if gold else []
            yield document, closed[gold], len(gold) == len(closed[gold])


class _Writer:
    """Streams documents into an Arrow file, the fingerprint and the counts."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.hash = hashlib.sha256(canonical_json(hierarchy.to_json()) + b"\n")
        self.label_counts = np.zeros((len(SPLITS), len(hierarchy)), dtype=np.int64)
        self.sizes = dict.fromkeys(SPLITS, 0)
        self.branch_of = {root: i for i, roots in enumerate(hierarchy.branch_roots) for root in roots}
        self.branch_counts = np.zeros((len(hierarchy.branch_roots), len(SPLITS)), dtype=np.int64)
        self.num_unlabelled = self.num_unclosed = 0

    def write(self, documents: Iterable[tuple[Document, list[int], bool]], path: Path) -> None:
        with path.open("wb") as file:
            with pa.ipc.new_file(file, SCHEMA) as sink:
                batch: list[tuple[str, str, int, list[int]]] = []
                for document, labels, closed in documents:
                    batch.append(self._row(document, labels, closed))
                    if len(batch) == BATCH:
                        sink.write_batch(_record_batch(batch))
                        batch = []
                if batch:
                    sink.write_batch(_record_batch(batch))
            file.flush()
            os.fsync(file.fileno())

    def _row(self, document: Document, labels: list[int], closed: bool) -> tuple[str, str, int, list[int]]:
        split = SPLITS.index(document.split)
        self.hash.update(canonical_json([document.doc_id, document.text, labels, document.split]) + b"\n")
        self.sizes[document.split] += 1
        self.label_counts[split, labels] += 1
        # Labels are closed, so a document is in a branch when it has one of its roots.
        for branch in {self.branch_of[label] for label in labels if label in self.branch_of}:
            self.branch_counts[branch, split] += 1
        self.num_unlabelled += not labels
        self.num_unclosed += not closed
        return document.doc_id, document.text, split, labels

    def counts(self) -> dict[str, Any]:
        total = self.label_counts.sum(0)
        levels = self.hierarchy.levels
        num_documents = sum(self.sizes.values())
        return {
            "documents": num_documents,
            "splits": self.sizes,
            "labels": len(self.hierarchy),
            "labels_without_training_documents": int((self.label_counts[0] == 0).sum()),
            "labels_per_document": round(float(total.sum()) / max(num_documents, 1), 4),
            "documents_without_labels": self.num_unlabelled,
            "documents_not_closed": self.num_unclosed,
            "levels": [
                {"labels": int((levels == level).sum()), "uses": int(total[levels == level].sum())}
                for level in range(1, int(levels.max()) + 1)
            ],
            "branches": {
                _branch_name(self.hierarchy, roots): {
                    "labels": len(members),
                    **dict(zip(SPLITS, sizes, strict=True)),
                }
                for roots, members, sizes in zip(
                    self.hierarchy.branch_roots, self.hierarchy.branches(), self.branch_counts.tolist(), strict=True
                )
            },
        }


def _branch_name(hierarchy: Hierarchy, roots: tuple[int, ...]) -> str:
    return hierarchy.labels[roots[0]] if len(roots) == 1 else f"({len(roots):,} pooled branches)"


def _record_batch(rows: list[tuple[str, str, int, list[int]]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)


def _write_files(source: CorpusSource, partial: Path, name: str, options: Mapping[str, Any]) -> None:
    checks, writer = Checks(), _Writer(source.hierarchy)
    writer.write(checked_documents(source, checks), partial / DOCUMENTS)
    for split, size in writer.sizes.items():
        if size == 0 and not checks.found:
            checks.add("split without documents", repr(split))
    checks.raise_if_any(name)
    _write_bytes(partial / HIERARCHY, canonical_json(source.hierarchy.to_json()))
    meta = {
        "format": FORMAT,
        "name": name,
        "options": dict(options),
        "inputs": recipe_input(name) | dict(source.inputs),
        "fingerprint": writer.hash.hexdigest(),
        "counts": writer.counts(),
        "notes": list(source.notes),
        "files": {
            file: {"bytes": (partial / file).stat().st_size, "sha256": sha256(partial / file)}
            for file in (DOCUMENTS, HIERARCHY)
        },
    }
    _write_bytes(partial / META, json.dumps(with_checksum(meta), indent=1).encode())
    _sync_folder(partial)


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(partial: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    _sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
