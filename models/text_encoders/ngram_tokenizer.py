"""Tokeniser of word n-grams: single words and adjacent pairs, with the number of training documents that hold each.

A word is a run of letters, digits and underscores, in lower case; other characters part words and are not read. The
vocabulary holds the n-grams that most training documents hold, in order of falling document frequency and then of the
alphabet, so that it is the same on every machine.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

NUMERICS = {"n-gram tokeniser": 1}

_WORD = re.compile(r"\w+")


class _Encoding(NamedTuple):
    ids: list[int]


class NGramTokenizer:
    """Word n-grams of a text, known ones only: a word, then the pair that it begins, then the next word.

    Args:
        document_frequencies: Number of training documents with each n-gram, in order of the n-grams' numbers.
        num_documents: Number of training documents.
        max_words: Number of words after which a text is cut; None for no cut.
    """

    def __init__(self, document_frequencies: dict[str, int], num_documents: int, max_words: int | None):
        self.document_frequencies, self.num_documents, self._max_words = document_frequencies, num_documents, max_words
        self._number = {ngram: number for number, ngram in enumerate(document_frequencies)}

    @classmethod
    def learn(cls, texts: Iterable[str], vocabulary: int, min_documents: int, max_words: int) -> "NGramTokenizer":
        """Returns the tokeniser of the n-grams that most training texts hold.

        Args:
            texts: Training texts.
            vocabulary: Number of n-grams, at most.
            min_documents: Number of training texts with an n-gram, at least.
            max_words: Number of words after which a text is cut.
        """
        counts, num_documents = Counter[str](), 0
        for text in texts:
            counts.update(set(_ngrams(text, max_words)))
            num_documents += 1
        known = [(-count, ngram) for ngram, count in counts.items() if count >= min_documents]
        return cls({ngram: -count for count, ngram in sorted(known)[:vocabulary]}, num_documents, max_words)

    def encode(self, text: str) -> _Encoding:
        """See `TextTokenizer`."""
        numbers = map(self._number.get, _ngrams(text, self._max_words))
        return _Encoding([number for number in numbers if number is not None])

    def encode_batch_fast(self, texts: Sequence[str]) -> list[_Encoding]:
        """See `TextTokenizer`."""
        return [self.encode(text) for text in texts]

    def get_vocab(self) -> dict[str, int]:
        """See `TextTokenizer`."""
        return dict(self._number)

    def get_vocab_size(self) -> int:
        """See `TextTokenizer`."""
        return len(self._number)

    def no_truncation(self) -> None:
        """See `TextTokenizer`."""
        self._max_words = None

    def to_str(self) -> str:
        """Returns the n-grams with their document frequencies, and where texts are cut."""
        return json.dumps([self.document_frequencies, self.num_documents, self._max_words], ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> "NGramTokenizer":
        """Returns the tokeniser that `to_str` has written; any exception where it is none."""
        return cls(*json.loads(text))


def _ngrams(text: str, max_words: int | None) -> Iterator[str]:
    words = _WORD.findall(text.lower())[:max_words]
    for first, second in pairwise(words):
        yield first
        yield f"{first} {second}"
    yield from words[-1:]
