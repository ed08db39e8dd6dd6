"""Label tokens: label sequences spelt in tokens of a vocabulary, and the constraint on which tokens may come next.

A symbol is spelt in one token or several: one each in a vocabulary of its own, and with a pretrained T5 the tokens of
the cleaned label. The tokens alone must tell where a symbol ends, so no token may both begin one symbol and continue
another. T5's tokens do that: a label without blanks begins with a token that has the mark of a word's beginning, all
that follow have none, and "-" and "/" do not occur in it.

The tokens that may come next are those of a trie over the spellings of the symbols that the grammar allows: the next
tokens of all symbols that begin like the current one and, if that is complete, the first tokens of all symbols that may
follow it.
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
"""Number of places whose allowed tokens are cached."""


def own_spelling(order: Order, labels: Sequence[str]) -> dict[Symbol, tuple[int, ...]]:
    """Returns one token for each symbol, from 1 on; 0 is the padding."""
    symbols = (*order.structural, *range(len(labels)))
    return {symbol: (place,) for place, symbol in enumerate(symbols, start=1)}


def pretrained_spelling(order: Order, labels: Sequence[str], tokenizer: Any) -> dict[Symbol, tuple[int, ...]]:
    """Returns the tokens of a pretrained model's tokeniser for each symbol.

    Args:
        order: Order whose structural symbols are spelt.
        labels: Names of the labels; blanks, hyphens and slashes are removed.
        tokenizer: Tokeniser of the Transformers library.
    """
    spelling: dict[Symbol, tuple[int, ...]] = {}
    for symbol in order.structural:
        if symbol in _SIGNS:
            spelling[symbol] = (tokenizer.convert_tokens_to_ids(_SIGNS[symbol]),)
        elif symbol in _WORDS:
            spelling[symbol] = _token_ids(tokenizer, _WORDS[symbol])
        else:
            spelling[symbol] = (tokenizer.eos_token_id,)
    cleaned = (re.sub(r"[\s/-]+", "", label) for label in labels)
    return spelling | {place: _token_ids(tokenizer, label) for place, label in enumerate(cleaned)}


def _token_ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False).input_ids)


class LabelTokens:
    """Writes sets of labels as tokens, and reads them again.

    Args:
        order: Order in which labels are written.
        labels: Names of the labels, for messages.
        spelling: Tokens of every symbol.

    Raises:
        DataError: If tokens do not tell which symbols they spell.
    """

    def __init__(self, order: Order, labels: Sequence[str], spelling: Spelling):
        self.order = order
        self.spelling = spelling
        self._symbols: dict[tuple[int, ...], Symbol] = {}
        for symbol, tokens in spelling.items():
            self._symbols.setdefault(tokens, symbol)
        self._first = {token for tokens in self._symbols for token in tokens[:1]}
        self._later = {token for tokens in self._symbols for token in tokens[1:]}
        for symbol, name in enumerate(labels):
            self._check(symbol, name, labels)

    def _check(self, symbol: Symbol, name: str, labels: Sequence[str]) -> None:
        tokens = self.spelling[symbol]
        twin = self._symbols[tokens]
        if twin != symbol:
            fault = f"are also those of {labels[twin] if twin >= 0 else _NAMES[twin]!r}"
        elif not tokens or not self._first.isdisjoint(tokens[1:]):
            fault = "hold one that others begin with" if tokens else "are none"
        else:
            return
        raise DataError(
            f"seq2seq cannot write the label {name!r}: its tokens {list(tokens)}, made without blanks, hyphens and "
            f"slashes by the tokeniser of `model`, {fault}. Rename the label, or leave `model` empty, where every "
            "label is a token of its own."
        )

    def write(self, labels: Iterable[int]) -> list[int]:
        """Returns the tokens of a set of labels that is closed under ancestors, with those of `END`."""
        return [token for symbol in self.order.write(labels) for token in self.spelling[symbol]]

    def read(self, tokens: Iterable[int]) -> set[int]:
        """Returns the labels in any sequence of tokens, up to `END`; incomplete symbols are skipped."""
        found: set[int] = set()
        word: tuple[int, ...] = ()
        for token in (*tokens, *self.spelling[END]):
            if token in self._later:
                word = (*word, token)
                continue
            found.add(self._symbols.get(word, END))
            if (token,) == self.spelling[END]:
                break
            word = (token,)
        return {symbol for symbol in found if symbol >= 0}


class Place(NamedTuple):
    """Position in a sequence of tokens.

    Attributes:
        state: State of the grammar before the current symbol.
        word: Tokens of the current symbol so far; it may be complete.
    """

    state: Any
    word: tuple[int, ...]


class Constraint:
    """Tells which tokens may come next.

    Args:
        grammar: Rule for the order of symbols.
        spelling: Tokens of every symbol.
    """

    def __init__(self, grammar: Grammar[Any], spelling: Spelling):
        self.grammar = grammar
        self.spelling = spelling
        self.start = Place(grammar.start(), ())
        # Documents that begin alike share their places, and so do their batches.
        self.allowed = lru_cache(_REMEMBERED)(self._allowed)
        self.after = lru_cache(_REMEMBERED)(self._after)

    def _allowed(self, place: Place) -> tuple[int, ...]:
        """Returns the sorted tokens that may come next; none after `END`, or after a token that was not allowed."""
        size = len(place.word)
        found: set[int] = set()
        for symbol in self.grammar.allowed(place.state):
            tokens = self.spelling[symbol]
            if tokens[:size] != place.word:
                continue
            if len(tokens) > size:
                found.add(tokens[size])
            else:
                following = self.grammar.allowed(self.grammar.after(place.state, symbol))
                found.update(self.spelling[one][0] for one in following)
        return tuple(sorted(found))

    def _after(self, place: Place, token: int) -> Place:
        """Returns the place after a token."""
        longer = (*place.word, token)
        whole: Symbol | None = None
        for symbol in self.grammar.allowed(place.state):
            tokens = self.spelling[symbol]
            if tokens[: len(longer)] == longer:
                return Place(place.state, longer)
            if tokens == place.word:
                whole = symbol
        state = place.state if whole is None else self.grammar.after(place.state, whole)
        return Place(state, (token,))
