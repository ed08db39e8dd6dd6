"""Input of every stored corpus: texts with label names and a split, and the hierarchy that has these labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from datasets.storage.hierarchy import Hierarchy

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True, slots=True)
class Document:
    """One text and its label names; ancestors may be left out."""

    doc_id: str
    text: str
    labels: tuple[str, ...]
    split: SplitName


@dataclass(frozen=True)
class CorpusSource:
    """A corpus as its reader returns it, before it is checked and stored.

    Attributes:
        hierarchy: The labels.
        documents: The documents, in the order in which they are stored; read once.
        notes: Changes to the source and deviations from the literature, shown in reports. They are read after the
            documents, so a reader may add to them while it yields documents.
        inputs: What else the content depends on, such as versions of packages.
        num_documents: Number of documents, if known; for the progress bar.
    """

    hierarchy: Hierarchy
    documents: Iterable[Document]
    notes: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    num_documents: int | None = None
