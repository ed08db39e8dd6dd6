"""Preview of a corpus before anything is written: sizes, notes, and the first documents with their label paths."""

from collections.abc import Sequence

import numpy as np

from datasets.storage.counts import level_sizes
from datasets.storage.documents import SPLITS, CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.writer import Checks, checked_documents
from harness.core.text import one_line

_SHOWN = 5
_WIDTH = 100


def preview(source: CorpusSource) -> list[str]:
    """Returns the lines of the preview; reads all documents, and reports faults instead of raising them."""
    hierarchy, checks = source.hierarchy, Checks()
    sizes = dict.fromkeys(SPLITS, 0)
    first: list[tuple[Document, list[int]]] = []
    num_unlabelled = num_uses = 0
    for document, labels, _ in checked_documents(source, checks):
        if len(first) < _SHOWN:
            first.append((document, labels))
        sizes[document.split] += 1
        num_unlabelled += not labels
        num_uses += len(labels)
    num_documents = sum(sizes.values())
    lines = [
        f"documents    {num_documents:,} (train / val / test: {' / '.join(f'{size:,}' for size in sizes.values())})",
        f"labels       {len(hierarchy):,} ({level_sizes(np.bincount(hierarchy.levels)[1:].tolist())} per level), "
        f"{len(hierarchy.branch_roots):,} branches, {num_uses / max(num_documents, 1):.2f} a document, "
        f"{num_unlabelled:,} documents without labels",
        *(f"note         {note}" for note in source.notes),
    ]
    for document, labels in first:
        lines += ["", f"{document.doc_id} ({document.split}): {one_line(document.text, _WIDTH)}"]
        lines += [f"    {path}" for path in label_paths(hierarchy, labels)] or ["    without labels"]
    # As the writer tells them: a split may be empty because of other faults.
    empty = [f"no {split} documents" for split in SPLITS if not sizes[split]]
    faults = [checks.summary] if checks.found else empty
    return [*lines, *([""] if faults else []), *(f"It would be refused: {fault}." for fault in faults)]


def label_paths(hierarchy: Hierarchy, labels: Sequence[int]) -> list[str]:
    """Returns a path from the root, such as `A > B > C`, to each of some closed labels that has no descendant in them.

    On a graph one path stands for all.
    """
    present = set(labels)
    paths = []
    for label in labels:
        if present.isdisjoint(hierarchy.graph.successors(label)):
            paths.append(hierarchy.path(label))
    return paths
