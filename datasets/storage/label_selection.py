"""Selection of labels after reading, by level, training documents and use: the same step for every corpus."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from datasets.storage.documents import SPLITS, CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError
from harness.core.registry import NonNegative

Bools = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def select_labels(
    read: Callable[[], CorpusSource],
    *,
    depth: NonNegative = 0,
    min_documents: NonNegative = 0,
    used_labels: bool = False,
    min_branch: NonNegative = 0,
) -> CorpusSource:
    """Reads a corpus and leaves out labels; its notes say how many.

    What is left is closed under ancestors, on a directed acyclic graph too: a label has at least as many documents as
    each of its descendants, and lies above them. A document gets the remaining ancestors of a label that is left out.
    Documents that lose all labels stay.

    Args:
        read: Function that reads the corpus; it is called twice where documents have to be counted first.
        depth: Number of levels to keep below the root; 0 for all.
        min_documents: Number of training documents, of descendants too, below which a label is left out; 0 for none.
        used_labels: Whether to leave out labels that no document has, itself or through a descendant.
        min_branch: Size below which branches are pooled into one; 0 for no pooling.

    Raises:
        DataError: When no label is left.
    """
    source = read()
    full = source.hierarchy
    kept_L = np.ones(len(full), dtype=bool)
    notes: list[str] = []

    def leave_out(wanted_L: Bools, what: str) -> None:
        notes.append(f"Labels {what}, which are left out: {int((kept_L & ~wanted_L).sum()):,}.")
        kept_L[~wanted_L] = False

    if depth:
        leave_out(full.levels <= depth, f"below level {depth}")
    if used_labels or min_documents:
        counts_SL = _count_documents(source)
        source = read()
        if used_labels:
            leave_out(counts_SL.sum(axis=0) > 0, "without documents")
        if min_documents:
            leave_out(counts_SL[0] >= min_documents, f"with fewer than {min_documents:,} training documents")
        if not kept_L.any():
            raise DataError(
                f"No label is left: the most frequent one has {counts_SL[0].max():,} training documents. Lower "
                f"min_documents, which is {min_documents:,}."
                if counts_SL.any()
                else "No document has a label. Check how the labels are read with --look."
            )
    if min_branch:
        notes.append(f"Branches of fewer than {min_branch:,} labels are pooled into one.")
    if kept_L.all():
        hierarchy = full.pooled(min_branch) if min_branch else full
    else:
        hierarchy = full.sub(np.flatnonzero(kept_L)).pooled(min_branch or full.min_branch)
    return _restated(source, hierarchy, notes) if notes else source


def _closed(hierarchy: Hierarchy, names: tuple[str, ...]) -> Counts:
    """Returns the closed labels of a document; unknown names are told when the corpus is written."""
    known = [hierarchy.index[name] for name in names if name in hierarchy.index]
    return hierarchy.close(known) if known else np.zeros(0, dtype=np.int64)


def _count_documents(source: CorpusSource) -> Counts:
    """Returns the (splits, L) number of documents of each label, counted for its ancestors too."""
    counts_SL = np.zeros((len(SPLITS), len(source.hierarchy)), dtype=np.int64)
    closed: dict[tuple[str, ...], Counts] = {}
    for document in source.documents:
        if document.labels not in closed:
            closed[document.labels] = _closed(source.hierarchy, document.labels)
        counts_SL[SPLITS.index(document.split), closed[document.labels]] += 1
    return counts_SL


def _restated(source: CorpusSource, hierarchy: Hierarchy, notes: list[str]) -> CorpusSource:
    """Returns a corpus in the labels of a smaller hierarchy, with more notes."""
    full, kept = source.hierarchy, hierarchy.index
    # A reader may add to its notes while it yields documents.
    said = [*source.notes, *notes]
    left: dict[str, tuple[str, ...]] = {}

    def remaining(name: str) -> tuple[str, ...]:
        if name in kept or name not in full.index:
            return (name,)
        return tuple(full.labels[label] for label in _closed(full, (name,)) if full.labels[label] in kept)

    def documents() -> Iterator[Document]:
        num_emptied = 0
        for document in source.documents:
            for name in document.labels:
                if name not in left:
                    left[name] = remaining(name)
            labels = tuple(dict.fromkeys(label for name in document.labels for label in left[name]))
            num_emptied += bool(document.labels) and not labels
            yield Document(document.doc_id, document.text, labels, document.split)
        emptied = [f"Documents that lose all labels by this, and stay: {num_emptied:,}."]
        said[:] = [*source.notes, *notes, *(emptied if num_emptied else [])]

    return CorpusSource(hierarchy, documents(), said, source.inputs, source.num_documents)
