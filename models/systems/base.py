"""Base class of systems: texts and gold labels of two splits to a value per document and label.

Shape suffixes, here and in every system: B documents of a batch, N training documents, V validation documents, F
features, L labels.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import FLOOR, Meaning

NUMERICS = {"system": 1}

Encode = Callable[[Iterable[str]], npt.NDArray[np.float32]]
"""Texts to (B, D) vectors."""
KEPT = 50
"""Highest labels of a document that are kept whatever their values."""
BATCH = 256
"""Documents whose values are computed at a time."""


class Texts(Protocol):
    """A split of a corpus."""

    @property
    def gold(self) -> sparse.csr_array:
        """Boolean labels, closed under ancestors, of shape (documents, L)."""

    @property
    def doc_ids(self) -> list[str]:
        """Name of each document."""

    def __iter__(self) -> Iterator[str]:
        """Yields the texts in order, as often as it is asked to."""

    def __len__(self) -> int:
        """Returns the number of documents."""


class System:
    """Gives each label of a document a value in [0, 1]; predicted is what lies above 0.5.

    A subclass takes `(hierarchy, encode, *, options)`: its keyword-only parameters are the options that a sweep file
    may set. Its file says `DETERMINISTIC = False` where two runs may differ; `READS_HIERARCHY = False` where it knows
    of no edge; `READS_VECTORS = True` where it can read a text encoder's vectors in place of texts.

    Args:
        hierarchy: The labels.
        encode: A text encoder, as it is before any training, where the sweep file names one for this system.

    Attributes:
        meaning: What values are: probabilities, scores that rank labels and decide, or 1 for what is predicted.
        can_be_kept: Whether it has `save` and `restore`.
        knows_validation: Whether it has values of validation documents, on which thresholds can be chosen.
        num_parameters: Numbers that a fitted system holds; 0 where its library does not tell.
    """

    num_parameters = 0
    meaning: Meaning = "scores"
    can_be_kept = True
    knows_validation = True

    def __init__(self, hierarchy: Hierarchy, encode: Encode | None = None):
        self.hierarchy = hierarchy
        self.encode = encode

    @classmethod
    def try_out(cls, options: Mapping[str, Any], encoder: Any = None) -> None:
        """Refuses options with which every trial would fail, with ConfigError; called before the first trial."""

    def check(self, valid: Texts, test: Texts, seed: int) -> None:
        """Refuses a corpus that it cannot be used on, with DataError; called before the first trial."""

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Fits on the training documents and chooses on validation documents.

        Returns:
            What was chosen, for the record.

        Raises:
            UserError: If it cannot be fitted, with the way out.
        """
        raise NotImplementedError

    def save(self, folder: Path) -> dict[str, Any]:
        """Writes what was fitted, as safetensors and JSON; equal systems have equal files.

        Args:
            folder: Where to; it is made where it is not there.

        Returns:
            What else `restore` needs, JSON-compatible.
        """
        raise NotImplementedError

    def restore(self, folder: Path, state: Mapping[str, Any]) -> None:
        """Makes a system what it was when it was saved, so that its values are the same to the bit.

        It has to be constructed with the hierarchy and the options of the one that was saved and, where that had one,
        with its text encoder.

        Args:
            folder: Where it was saved to.
            state: What `save` returned.

        Raises:
            DataError: If a file is missing or cannot be read, or does not fit the hierarchy.
        """
        raise NotImplementedError

    def batch_values(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) values of a batch."""
        raise NotImplementedError

    def values(self, texts: Texts) -> sparse.csr_array:
        """Returns (documents, L) float32 values, of each document's highest labels; all others count as 0."""
        parts = [self.batch_values(batch) for batch in batched(texts, BATCH)]
        empty = sparse.csr_array((0, len(self.hierarchy)), dtype=np.float32)
        return sparse.csr_array(sparse.vstack(parts, format="csr", dtype=np.float32)) if parts else empty


def batched(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yields lists of texts, none empty."""
    stream = iter(texts)
    while batch := list(islice(stream, size)):
        yield batch


def highest(values_BL: npt.NDArray[Any], kept: int = KEPT) -> sparse.csr_array:
    """Returns the values of `FLOOR` or more, the positive ones among the `kept` highest, and all that tie with these.

    Args:
        values_BL: Values in [0, 1].
        kept: Number of labels.
    """
    values_BL = np.asarray(values_BL, dtype=np.float32)
    num_labels = values_BL.shape[1]
    if kept < num_labels:
        least_B1 = np.partition(values_BL, num_labels - kept, axis=1)[:, [num_labels - kept]]
        values_BL = np.where((values_BL >= FLOOR) | (values_BL >= least_B1), values_BL, np.float32(0))
    return sparse.csr_array(values_BL)


def micro_f1(gold: sparse.csr_array, predicted: sparse.csr_array) -> float:
    """Returns micro F, in [0, 1], of (documents, L) booleans; 0 without gold and predicted labels."""
    total = gold.count_nonzero() + predicted.count_nonzero()
    return 2 * gold.multiply(predicted).count_nonzero() / total if total else 0.0
