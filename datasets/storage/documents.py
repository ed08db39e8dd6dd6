"""What a reader hands over: documents with label names, and the hierarchy they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from datasets.storage.hierarchy import Hierarchy

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Document:
    """One text and its label names; ancestors may be left out."""

    doc_id: str
    text: str
    labels: tuple[str, ...]
    split: Split


@dataclass(frozen=True)
class Raw:
    """What a reader returns.

    Attributes:
        hierarchy: The labels.
        documents: The documents, in the order in which they are stored; read once.
        notes: What was done to the source, and what deviates from the literature; shown in reports. Read after
            the documents, so that a reader may still add to it while they pass.
        inputs: What else the content depends on, such as versions of packages.
        num_documents: How many documents there will be, if known; for the progress bar.
    """

    hierarchy: Hierarchy
    documents: Iterable[Document]
    notes: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    num_documents: int | None = None
