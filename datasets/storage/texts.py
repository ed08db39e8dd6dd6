"""Texts of a split with their gold labels, streamed from the disk each time that they are read."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse

from datasets.storage.corpus import Corpus
from datasets.storage.documents import SplitName


@dataclass(frozen=True)
class Texts:
    """The texts of some documents of a corpus, in order."""

    corpus: Corpus
    rows: npt.NDArray[np.int64]  # Of the corpus.

    @classmethod
    def of(cls, corpus: Corpus, split: SplitName, train_documents: int = 0) -> "Texts":
        """Returns those of a split; of the training split as many as asked for, 0 being all."""
        return cls(corpus, corpus.training_rows(train_documents) if split == "train" else corpus.rows(split))

    @property
    def gold(self) -> scipy.sparse.csr_array:
        """Labels of each document, (documents, L) booleans, closed under ancestors."""
        return self.corpus.labels(self.rows)

    @property
    def doc_ids(self) -> list[str]:
        """Name of each document."""
        return self.corpus.doc_ids(self.rows)

    def __iter__(self) -> Iterator[str]:
        return self.corpus.texts(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
