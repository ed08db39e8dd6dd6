"""TF-IDF features of word 1-2-grams, as scikit-learn computes them: sublinear counts, smooth idf, rows of length 1.

Words are two or more letters or digits, lower-cased. On large corpora n-grams in few documents are left out: in fewer
than m, with m the least number that leaves at most `most` features. So what is left out is settled by counts alone and
is the same on every machine; where all fit, features are those of a plain `TfidfVectorizer(ngram_range=(1, 2),
sublinear_tf=True)`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from harness.core.errors import DataError
from models.systems.kept import Reader, Writer

NUMERICS = {"tfidf": 1}
MOST = 500_000
"""Features at most; they are float32 and so are a label's weights."""
VOCABULARY = "vocabulary.json"


class Tfidf:
    """Features learned from training texts.

    Attributes:
        least: Documents with each n-gram, at least.
    """

    def __init__(self) -> None:
        self.least = 1

    def fit(self, texts: Iterable[str], most: int = MOST) -> sparse.csr_array:
        """Learns the n-grams and their weights.

        Args:
            texts: Training texts, read once.
            most: Features at most.

        Returns:
            (N, F) float32 features of the training texts.

        Raises:
            DataError: If no text has a word.
        """
        counter = _counter()
        try:
            counts_NF = counter.fit_transform(texts)
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            raise DataError(
                "No training text has a word of two letters or digits, so that there is nothing to count. "
                "See what the corpus's reader takes for the text."
            ) from None
        documents_F = np.bincount(counts_NF.indices, minlength=counts_NF.shape[1])
        if documents_F.size > most:
            rarest = np.sort(documents_F)[-most - 1]
            self.least = int(rarest) + 1
            kept = np.flatnonzero(documents_F >= self.least)
            if not kept.size:
                raise DataError(f"All n-grams are in equally many documents, and there are more than {most:,} of them.")
            names = counter.get_feature_names_out()[kept]
            counter = _counter(list(names))
            counts_NF = counts_NF[:, kept]
        self._counter = counter
        self._weights = TfidfTransformer(sublinear_tf=True)
        return sparse.csr_array(self._weights.fit_transform(counts_NF))

    def transform(self, texts: list[str]) -> sparse.csr_array:
        """Returns (B, F) float32 features; a text without a known n-gram has none."""
        return sparse.csr_array(self._weights.transform(self._counter.transform(texts)))

    def save(self, writer: Writer) -> None:
        """Writes the n-grams, in the order of their columns, and adds their weights to the arrays."""
        writer.write_json(VOCABULARY, self._counter.get_feature_names_out().tolist())
        writer.arrays |= {"idf": self._weights.idf_, "least": np.array(self.least, np.int64)}

    def restore(self, reader: Reader) -> int:
        """Makes the features those that were saved, and returns their number F."""
        names = reader.read_json(VOCABULARY)
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise reader.damaged(f"{VOCABULARY} is no list of n-grams")
        if len(set(names)) < len(names):
            raise reader.damaged(f"{VOCABULARY} names an n-gram twice")
        self.least = int(reader.array("least", np.int64, ()))
        self._counter = _counter(names)
        self._weights = TfidfTransformer(sublinear_tf=True)
        self._weights.idf_ = reader.array("idf", np.float32, (len(names),))
        return len(names)


def _counter(names: list[str] | None = None) -> Any:
    """Returns what counts n-grams: some, or those of the texts that it is fitted on."""
    return CountVectorizer(ngram_range=(1, 2), dtype=np.float32, vocabulary=names)
