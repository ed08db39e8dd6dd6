"""Sequences of labels as pieces of a vocabulary, and which pieces may come next.

A symbol is spelt by one piece or several: one each in a vocabulary of its own, and with a pretrained T5 the word pieces
of the cleaned label. Where a symbol ends must follow from the pieces alone, so no piece may both begin a symbol and go
on with one. With T5's pieces that holds: a label without blanks begins with a piece that has the mark of a word's
beginning, all that follow have none, and "-" and "/" do not occur in it.

Which pieces may come next is what a trie over the spellings of the symbols that the grammar allows would say: the
next pieces of all that begin with what there is of the symbol at hand and, where that is a whole one, the first pieces
of all symbols that may follow it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from harness.core.errors import DataError
from models.structure_encoders.seq2seq.label_orders import END, NEXT, POP, ROOT, SIBLING, Grammar, Order, Symbol

NUMERICS = {"label tokens": 1}

Spelling = Mapping[Symbol, tuple[int, ...]]

_WORDS = {ROOT: "Root", POP: "Pop"}
_SIGNS = {SIBLING: "-", NEXT: "/"}
_NAMES = {END: "end of text", **_WORDS, **_SIGNS}
_REMEMBERED = 20_000
"""Places of which what may follow is kept."""


def own_spelling(order: Order, labels: Sequence[str]) -> dict[Symbol, tuple[int, ...]]:
    """Returns one piece for each symbol, from 1 on; 0 is left to padding."""
    symbols = (*order.structural, *range(len(labels)))
    return {symbol: (place,) for place, symbol in enumerate(symbols, start=1)}


def word_pieces(order: Order, labels: Sequence[str], tokenizer: Any) -> dict[Symbol, tuple[int, ...]]:
    """Returns the pieces of a pretrained model's tokeniser for each symbol.

    Args:
        order: Whose structural symbols are spelt.
        labels: Names; blanks, hyphens and slashes are removed.
        tokenizer: Of the Transformers library.
    """
    spelling: dict[Symbol, tuple[int, ...]] = {}
    for symbol in order.structural:
        if symbol in _SIGNS:
            spelling[symbol] = (tokenizer.convert_tokens_to_ids(_SIGNS[symbol]),)
        elif symbol in _WORDS:
            spelling[symbol] = _pieces(tokenizer, _WORDS[symbol])
        else:
            spelling[symbol] = (tokenizer.eos_token_id,)
    cleaned = (re.sub(r"[\s/-]+", "", label) for label in labels)
    return spelling | {place: _pieces(tokenizer, label) for place, label in enumerate(cleaned)}


def _pieces(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False).input_ids)


class LabelPieces:
    """Writes sets of labels as pieces, and reads them again.

    Args:
        order: How a set of labels is written.
        labels: Their names, for messages.
        spelling: The pieces of every symbol.

    Raises:
        DataError: Where pieces do not tell which symbols they are of.
    """

    def __init__(self, order: Order, labels: Sequence[str], spelling: Spelling):
        self.order = order
        self.spelling = spelling
        self._symbols: dict[tuple[int, ...], Symbol] = {}
        for symbol, pieces in spelling.items():
            self._symbols.setdefault(pieces, symbol)
        self._first = {piece for pieces in self._symbols for piece in pieces[:1]}
        self._later = {piece for pieces in self._symbols for piece in pieces[1:]}
        for symbol, name in enumerate(labels):
            self._check(symbol, name, labels)

    def _check(self, symbol: Symbol, name: str, labels: Sequence[str]) -> None:
        pieces = self.spelling[symbol]
        twin = self._symbols[pieces]
        if twin != symbol:
            fault = f"are also those of {labels[twin] if twin >= 0 else _NAMES[twin]!r}"
        elif not pieces or not self._first.isdisjoint(pieces[1:]):
            fault = "hold one that others begin with" if pieces else "are none"
        else:
            return
        raise DataError(
            f"seq2seq cannot write the label {name!r}: its pieces {list(pieces)}, made without blanks, hyphens and "
            f"slashes by the tokeniser of `model`, {fault}. Rename the label, or leave `model` empty, where every "
            "label is a piece of its own."
        )

    def write(self, labels: Iterable[int]) -> list[int]:
        """Returns the pieces of a set of labels that is closed under ancestors, with those of `END`."""
        return [piece for symbol in self.order.write(labels) for piece in self.spelling[symbol]]

    def read(self, pieces: Iterable[int]) -> set[int]:
        """Returns the labels in pieces of any kind, up to `END`; what is no whole symbol is passed over."""
        found: set[int] = set()
        word: tuple[int, ...] = ()
        for piece in (*pieces, *self.spelling[END]):
            if piece in self._later:
                word = (*word, piece)
                continue
            found.add(self._symbols.get(word, END))
            if (piece,) == self.spelling[END]:
                break
            word = (piece,)
        return {symbol for symbol in found if symbol >= 0}


class Place(NamedTuple):
    """Where in a sequence a piece is written.

    Attributes:
        state: Of the grammar, before the symbol at hand.
        word: What there is of that symbol; it may be whole.
    """

    state: Any
    word: tuple[int, ...]


class Constraint:
    """Says which pieces may come next.

    Args:
        grammar: Which symbols may follow which.
        spelling: The pieces of every symbol.
    """

    def __init__(self, grammar: Grammar[Any], spelling: Spelling):
        self.grammar = grammar
        self.spelling = spelling
        self.start = Place(grammar.start(), ())
        # Documents that begin alike share their places, and so do their batches.
        self.allowed = lru_cache(_REMEMBERED)(self._allowed)
        self.after = lru_cache(_REMEMBERED)(self._after)

    def _allowed(self, place: Place) -> tuple[int, ...]:
        """Returns the sorted pieces that may come next; none after `END`, or after what was not allowed."""
        size = len(place.word)
        found: set[int] = set()
        for symbol in self.grammar.allowed(place.state):
            pieces = self.spelling[symbol]
            if pieces[:size] != place.word:
                continue
            if len(pieces) > size:
                found.add(pieces[size])
            else:
                following = self.grammar.allowed(self.grammar.after(place.state, symbol))
                found.update(self.spelling[one][0] for one in following)
        return tuple(sorted(found))

    def _after(self, place: Place, piece: int) -> Place:
        """Returns the place behind a piece."""
        longer = (*place.word, piece)
        whole: Symbol | None = None
        for symbol in self.grammar.allowed(place.state):
            pieces = self.spelling[symbol]
            if pieces[: len(longer)] == longer:
                return Place(place.state, longer)
            if pieces == place.word:
                whole = symbol
        state = place.state if whole is None else self.grammar.after(place.state, whole)
        return Place(state, (piece,))
