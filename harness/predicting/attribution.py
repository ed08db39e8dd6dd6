"""Words that moved a label: how much its value changes when a word is left out of the text.

The method is deletion: occlusion in Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV
2014; erasure in Li, Monroe and Jurafsky, *Understanding Neural Networks through Representation Erasure*, 2016. A word
is left out wherever it stands, and its effect is the value of the whole text less the value of the text without it.
Where all these values lie strictly between 0 and 1, their log-odds ln(v / (1 - v)) are subtracted instead. The values
of a linear SVM are logistic functions of four times the margin, so its effects are four times the margin's changes.

Effects are of the model as a whole, so that they mean the same for each: a linear system with its n-grams, weights and
normalisation, a bag and its mean, a transformer and its head, nearest neighbours. Integrated gradients would need a
trained encoder and a text that stands for nothing, and would share a value among pieces of words; the coefficients of a
linear system say what a word does to the margin only until the other features are scaled anew.

What deletion does not see: of two words that say the same, either may be left out without much of a change. Of a text
that a model cuts, what is left out lets later words in. Effects need not add up to anything.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import regex
from scipy.special import logit

MOST = 300
"""Different words of a text that are left out, the first ones."""
_WORD = regex.compile(r"\w+(?:['’]\w+)*")  # Marks of letters are part of a word, other than in `re`.

Scale = Literal["log-odds", "value"]


class Piece(NamedTuple):
    """A stretch of a text, and the number of its word; None for what lies between words, or is not left out."""

    text: str
    word: int | None


class Deletions:
    """The different words of a text, and the text without each of them.

    Words are runs of letters, digits and underscores, in any case; an apostrophe may stand inside.

    Args:
        text: The text.
        most: Different words that are left out, at most; the first ones.

    Attributes:
        words: Those W words, as each is first spelled.
        num_words: Number of different words of the text.
        pieces: The text, in stretches.
    """

    def __init__(self, text: str, most: int = MOST):
        self._text = text
        found = [(match.group().casefold(), match) for match in _WORD.finditer(text)]
        numbers = {word: number for number, word in enumerate(dict.fromkeys(word for word, _ in found))}
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(min(most, len(numbers)))]
        for word, match in found:
            if numbers[word] < most:
                self._places[numbers[word]].append(match.span())
        self.words = [text[slice(*places[0])] for places in self._places]
        self.num_words = len(numbers)
        self.pieces = list(self._cut())

    def texts(self) -> Iterator[str]:
        """Yields the whole text, and then the text without each of the W words."""
        yield self._text
        for places in self._places:
            yield _without(self._text, places)

    def _cut(self) -> Iterator[Piece]:
        end = 0
        for start, stop, word in sorted((*span, word) for word, spans in enumerate(self._places) for span in spans):
            if start > end:
                yield Piece(self._text[end:start], None)
            yield Piece(self._text[start:stop], word)
            end = stop
        if end < len(self._text):
            yield Piece(self._text[end:], None)


def _without(text: str, places: list[tuple[int, int]]) -> str:
    """Returns a text without some words, each taken out with one space after it, or before it where none follows."""
    parts, end = [], 0
    for start, stop in places:
        if text[stop : stop + 1].isspace():
            stop += 1
        elif start > end and text[start - 1].isspace():
            start -= 1
        parts.append(text[end:start])
        end = stop
    return "".join([*parts, text[end:]])


def effects(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], Scale]:
    """Returns what each word adds to a label: its effect, positive where it raises the value.

    Args:
        values: (1 + W,) values of the label, for the texts of `Deletions.texts`.

    Returns:
        (W,) effects, and what they are differences of.
    """
    exact = values.astype(np.float64)
    is_inside = bool(((exact > 0) & (exact < 1)).all())
    if is_inside:
        exact = logit(exact)
    return exact[0] - exact[1:], "log-odds" if is_inside else "value"
