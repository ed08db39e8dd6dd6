"""Label descriptions from typical words of each label's documents, for models that read labels like texts.

HiMatch fits a TF-IDF vectoriser to the training documents of each label and takes all words that it keeps, in
alphabetical order: those in at least a tenth and at most four fifths of the label's documents, without stop words. (The
published program ranks them by weight and discards the ranking.) Which words a vectoriser keeps does not depend on
their weights, so they are counted here, and each document is read once for all of its labels.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import CountVectorizer

NUMERICS = {"label descriptions": 1}

_LEAST, _MOST = 0.1, 0.8
"""Shares of a label's documents that have a word of its description; the published `min_df` and `max_df`."""


def typical_words(labels: Sequence[str], texts: Iterable[str], gold: scipy.sparse.csr_array) -> list[str]:
    """Returns a description of each label; its name if it has no document, or no word is left.

    Args:
        labels: Names of L labels.
        texts: Training texts.
        gold: (texts, L) booleans.
    """
    vectoriser = CountVectorizer(stop_words="english", binary=True, dtype=np.int32)
    words_TV = vectoriser.fit_transform(texts)
    vocabulary = vectoriser.get_feature_names_out()
    by_label = gold.tocsc()
    descriptions = []
    for label, name in enumerate(labels):
        rows = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
        num_texts_V = np.bincount(words_TV[rows].indices, minlength=len(vocabulary))
        is_typical_V = (num_texts_V >= _LEAST * len(rows)) & (num_texts_V <= _MOST * len(rows)) & (num_texts_V > 0)
        descriptions.append(" ".join(vocabulary[is_typical_V]) or name)
    return descriptions
