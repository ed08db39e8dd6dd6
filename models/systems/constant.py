"""Best constant: one set of labels for every document, the score that needs no reading.

It is the set with the highest micro F on the training documents. A label that g of N documents have is right g times
and predicted N times, so micro F of a set of k labels is 2 (sum of g) / (N k + G), with G all gold labels; of sets of k
it is highest for the k most frequent ones. (Macro F would be highest for all labels at once.) The most frequent labels
include the ancestors of each, so the set does not contradict the hierarchy.

Values rank labels by frequency: half of it, and 0.5 more for the set. Deterministic.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from models.systems.base import System, Texts, highest
from models.systems.kept import Reader, Writer

NUMERICS = {"constant": 1}


class Constant(System):
    """Predicts the same labels for every document."""

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Counts the training documents; validation documents and the seed change nothing."""
        num_documents, num_labels = train.gold.shape
        support_L = np.bincount(train.gold.indices, minlength=num_labels)
        # Of equally frequent labels an ancestor comes first.
        order = np.lexsort((self.hierarchy.levels, -support_L))
        sizes = np.arange(1, num_labels + 1)
        scores = 2 * np.cumsum(support_L[order]) / (num_documents * sizes + support_L.sum())
        predicted = order[: int(np.argmax(scores)) + 1]
        values_L = support_L / (2 * num_documents)
        values_L[predicted] += 0.5
        self.row = highest(values_L[None])
        self.num_parameters = num_labels
        return {"labels": str(len(predicted))}

    def save(self, folder: Path) -> dict[str, Any]:
        """Writes the values that every document has."""
        writer = Writer(folder)
        writer.add_matrix("row", self.row)
        return writer.state()

    def restore(self, folder: Path, state: Mapping[str, Any]) -> None:
        self.num_parameters = len(self.hierarchy)
        self.row = Reader(folder, state).matrix("row", (1, self.num_parameters))

    def batch_values(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) values, the same for each document."""
        return self._rows(len(texts))

    def values(self, texts: Texts) -> sparse.csr_array:
        """Returns the same values for each document, and reads none."""
        return self._rows(len(texts))

    def _rows(self, num_documents: int) -> sparse.csr_array:
        starts = np.arange(num_documents + 1) * self.row.nnz
        indices, values = np.tile(self.row.indices, num_documents), np.tile(self.row.data, num_documents)
        return sparse.csr_array((values, indices, starts), shape=(num_documents, self.row.shape[1]))
