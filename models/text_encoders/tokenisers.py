"""Tokenisers beside those of the tokenizers library: pretrained models' slow (Python) ones, and texts with a prefix.

Some models have a tokeniser in Python only, ByT5 and CANINE among them; `SlowTokenizer` makes it a `TextTokenizer`.
`PrefixedTokenizer` puts words before every text, once: a normaliser of the tokenizers library would put them before
each part of a text that a special token ends.

Like the Transformers library, all of them read a special token that a text spells out, such as `[SEP]` or `</s>`, as
that token.
"""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from models.text_encoders.base import TextTokenizer
from models.text_encoders.pretrained import fetch

NUMERICS = {"tokenisers": 1}


class _Encoding(NamedTuple):
    ids: list[int]


class SlowTokenizer:
    """Tokeniser of the Transformers library that is written in Python.

    Args:
        tokenizer: The library's tokeniser.
        max_length: Number of tokens after which a text is cut, special ones included; None for no cut.
        files: Files that it was read from, in base64 by name; those that the library saves unless given.
    """

    def __init__(self, tokenizer: Any, max_length: int | None, files: Mapping[str, str] | None = None):
        self._tokenizer, self._max_length = tokenizer, max_length
        self._files = files or _saved(tokenizer)

    def encode(self, text: str) -> _Encoding:
        """See `TextTokenizer`."""
        return self.encode_batch_fast([text])[0]

    def encode_batch_fast(self, texts: Sequence[str]) -> list[_Encoding]:
        """See `TextTokenizer`."""
        is_cut = self._max_length is not None
        encoded = self._tokenizer(list(texts), truncation=is_cut, max_length=self._max_length, verbose=False)
        return [_Encoding(ids) for ids in encoded["input_ids"]]

    def get_vocab(self) -> dict[str, int]:
        """See `TextTokenizer`."""
        vocabulary: dict[str, int] = self._tokenizer.get_vocab()
        return vocabulary

    def get_vocab_size(self) -> int:
        """See `TextTokenizer`."""
        return len(self._tokenizer)

    def no_truncation(self) -> None:
        """See `TextTokenizer`."""
        self._max_length = None

    def to_str(self) -> str:
        """Returns the tokeniser's files, and where texts are cut."""
        return json.dumps({"files": self._files, "max_length": self._max_length})


def _saved(tokenizer: Any) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return {path.name: base64.b64encode(path.read_bytes()).decode() for path in sorted(Path(folder).iterdir())}


class PrefixedTokenizer:
    """Tokeniser that puts the same words before every text.

    Args:
        tokenizer: Tokeniser of the text with its prefix.
        prefix: Words, with the blank that is to follow them.
    """

    def __init__(self, tokenizer: TextTokenizer, prefix: str):
        self._tokenizer, self._prefix = tokenizer, prefix
        self.get_vocab, self.get_vocab_size = tokenizer.get_vocab, tokenizer.get_vocab_size
        self.no_truncation = tokenizer.no_truncation

    def encode(self, text: str) -> Any:
        """See `TextTokenizer`."""
        return self._tokenizer.encode(self._prefix + text)

    def encode_batch_fast(self, texts: Sequence[str]) -> Sequence[Any]:
        """See `TextTokenizer`."""
        return self._tokenizer.encode_batch_fast([self._prefix + text for text in texts])

    def to_str(self) -> str:
        """Returns the prefix, and the tokeniser behind it."""
        return json.dumps({"prefix": self._prefix, "tokenizer": self._tokenizer.to_str()})


def read(text: str) -> TextTokenizer:
    """Returns the tokeniser that `to_str` has written; any exception where it is none."""
    said = json.loads(text)
    if "prefix" in said:
        return PrefixedTokenizer(read(said["tokenizer"]), said["prefix"])
    if "files" not in said:
        return Tokenizer.from_str(text)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in said["files"].items():
            (Path(folder) / name).write_bytes(base64.b64decode(content))
        return SlowTokenizer(fetch(AutoTokenizer, folder), said["max_length"], said["files"])
