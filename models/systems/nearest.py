"""Nearest neighbours: the labels of the most similar training documents, by TF-IDF or by a text encoder's vectors.

Paper: Yang, *An Evaluation of Statistical Approaches to Text Categorization*, 1999. Similarity is the cosine. A label's
value is the share of the k neighbours that have it, each weighted by its similarity, so that a label of more than half
of them is predicted. Neighbours' labels are closed and so is what they predict. A document without a neighbour of
positive similarity has no labels. k is chosen on validation documents by micro F, of equal ones the smallest; of
equally similar documents the first in the corpus counts. Deterministic, unless the encoder starts from random weights.

What is saved holds the training documents: which n-grams are in each and how often, or their vectors.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.preprocessing import normalize

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from harness.core.registry import NonNegative
from models.systems.base import BATCH, Encode, System, Texts, batched, micro_f1
from models.systems.kept import Reader, Writer
from models.systems.tfidf import Tfidf

NUMERICS = {"nearest": 1}
READS_HIERARCHY = False
READS_VECTORS = True
CHOICES = (1, 3, 5, 10, 20, 40)


class Nearest(System):
    """Votes of the k nearest training documents.

    Args:
        hierarchy: The labels.
        encode: Text encoder whose vectors documents are compared by; None compares them by TF-IDF.
        neighbours: Number k; 0 chooses 1, 3, 5, 10, 20 or 40 on validation documents.
    """

    meaning = "probabilities"

    def __init__(self, hierarchy: Hierarchy, encode: Encode | None = None, *, neighbours: NonNegative = 0):
        super().__init__(hierarchy, encode)
        self.neighbours = neighbours
        self.tfidf = Tfidf()

    def fit(self, train: Texts, valid: Texts, seed: int) -> dict[str, str]:
        """Stores the training documents and chooses k; the seed changes nothing."""
        num_documents = train.gold.shape[0]
        if self.neighbours > num_documents:
            raise ConfigError(
                f"nearest is to look at {self.neighbours:,} neighbours, and there are {num_documents:,} training "
                "documents. Set `neighbours` to fewer, or leave it out: it is then chosen on validation documents."
            )
        self.gold = train.gold.astype(np.float32)
        self.vectors_NF = self._encoded(train) if self.encode else self.tfidf.fit(train)
        choices = [self.neighbours] if self.neighbours else [k for k in CHOICES if k <= num_documents]
        self.chosen = choices[0]
        if len(choices) > 1:
            weights = [self._weights(self._read(batch), choices[-1]) for batch in batched(valid, BATCH)]
            scores = [
                micro_f1(valid.gold, sparse.csr_array(sparse.vstack([self._votes(*one, k) for one in weights]) > 0.5))
                for k in choices
            ]
            self.chosen = choices[int(np.argmax(scores))]
        self.num_parameters = self.vectors_NF.size
        return {"neighbours": str(self.chosen)}

    def save(self, folder: Path) -> dict[str, Any]:
        """Writes the training documents as they are compared, with their labels."""
        writer = Writer(folder)
        if self.encode:
            writer.arrays["vectors"] = self.vectors_NF
        else:
            self.tfidf.save(writer)
            writer.add_matrix("vectors", self.vectors_NF)
        writer.add_matrix("gold", self.gold)
        return writer.state(neighbours=self.chosen)

    def restore(self, folder: Path, state: Mapping[str, Any]) -> None:
        reader = Reader(folder, state)
        self.gold = reader.matrix("gold", (None, len(self.hierarchy)))
        num_documents = self.gold.shape[0]
        if self.encode:
            self.vectors_NF = reader.array("vectors", np.float32, (num_documents, None))
        else:
            self.vectors_NF = reader.matrix("vectors", (num_documents, self.tfidf.restore(reader)))
        self.chosen = reader.said("neighbours", int)
        if not 1 <= self.chosen <= num_documents:
            raise reader.damaged(f"it is to look at {self.chosen} neighbours of {num_documents} documents")
        self.num_parameters = self.vectors_NF.size

    def batch_values(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, L) shares."""
        return self._votes(*self._weights(self._read(texts), self.chosen), self.chosen)

    def _encoded(self, texts: Iterable[str]) -> npt.NDArray[np.float32]:
        """Returns (documents, D) vectors of length 1."""
        assert self.encode is not None
        vectors = np.concatenate([np.asarray(self.encode(batch), np.float32) for batch in batched(texts, BATCH)])
        normal: npt.NDArray[np.float32] = normalize(vectors)
        return normal

    def _read(self, texts: list[str]) -> Any:
        return self._encoded(texts) if self.encode else self.tfidf.transform(texts)

    def _weights(self, vectors_BF: Any, most: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Returns (B, most) nearest training documents, the nearest first, and their similarities, not below 0."""
        similar = vectors_BF @ self.vectors_NF.T
        similar_BN = np.maximum(similar.toarray() if sparse.issparse(similar) else similar, np.float32(0))
        cut = similar_BN.shape[1] - most
        least_B = np.partition(similar_BN, cut, axis=1)[:, cut]
        nearest = np.empty((len(similar_BN), most), dtype=np.int64)
        for i, (row, least) in enumerate(zip(similar_BN, least_B, strict=True)):
            candidates = np.flatnonzero(row >= least)
            nearest[i] = candidates[np.argsort(-row[candidates], kind="stable")[:most]]
        return nearest, np.take_along_axis(similar_BN, nearest, axis=1)

    def _votes(self, nearest: npt.NDArray[np.int64], weights: npt.NDArray[np.float32], k: int) -> sparse.csr_array:
        """Returns (B, L) weighted shares of the first k neighbours."""
        shares = normalize(weights[:, :k], norm="l1")
        starts = np.arange(len(shares) + 1) * k
        votes = sparse.csr_array(
            (shares.ravel(), nearest[:, :k].ravel(), starts), shape=(len(shares), self.gold.shape[0])
        )
        # Shares of 1 are 1, whatever their rounding.
        values = sparse.csr_array(votes @ self.gold)
        values.data = np.minimum(values.data, np.float32(1))
        values.eliminate_zeros()
        return values
