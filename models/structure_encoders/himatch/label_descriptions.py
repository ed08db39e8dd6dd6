"""Label descriptions from typical words of each label's documents, for models that read labels like texts.

HiMatch fits a TF-IDF vectoriser to the training documents of each label and takes all words that it keeps, in the order
in which they first occur in the label's documents: those in at least a tenth and at most four fifths of the documents,
without NLTK's 179 stop words. (The published program ranks them by weight and discards the ranking.) Which words a
vectoriser keeps does not depend on their weights, so they are counted here, and each document is read once for all of
its labels.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse

from datasets.storage.stop_words import STOP_WORDS

NUMERICS = {"label descriptions": 2}

_WORD = re.compile(r"\b\w\w+\b")
"""What scikit-learn's vectorisers count as a word."""
_LEAST, _MOST = 0.1, 0.8
"""Shares of a label's documents that have a word of its description; the published `min_df` and `max_df`."""


def typical_words(labels: Sequence[str], texts: Iterable[str], gold: scipy.sparse.csr_array) -> list[str]:
    """Returns a description of each label; its name if it has no document, or no word is left.

    Args:
        labels: Names of L labels.
        texts: Training texts.
        gold: (texts, L) booleans.
    """
    vocabulary: dict[str, int] = {}
    words, ends = [], [0]
    for text in texts:
        # Each word once, in the order of the text.
        once = dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS)
        words.append(np.array([vocabulary.setdefault(word, len(vocabulary)) for word in once], dtype=np.int32))
        ends.append(ends[-1] + len(once))
    found, names = np.concatenate([*words, np.empty(0, np.int32)]), np.array(list(vocabulary), dtype=object)
    by_label = gold.tocsc()
    descriptions = []
    for label, name in enumerate(labels):
        rows = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
        own = np.concatenate([found[ends[row] : ends[row + 1]] for row in sorted(rows)] or [found[:0]])
        kept, first, num_texts = np.unique(own, return_index=True, return_counts=True)
        is_typical = (num_texts >= _LEAST * len(rows)) & (num_texts <= _MOST * len(rows))
        order = np.argsort(first[is_typical])
        descriptions.append(" ".join(names[kept[is_typical][order]]) or name)
    return descriptions
