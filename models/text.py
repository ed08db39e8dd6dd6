"""What every text encoder is: word pieces of a batch in, one vector a document out."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from tokenizers import Tokenizer
from torch import Tensor, nn


class TokenBatch(NamedTuple):
    """The word pieces of B documents, one document after the other, without padding.

    Attributes:
        ids: (sum of lengths,) int64 word-piece numbers.
        offsets: (B + 1,) int64; document b is `ids[offsets[b]:offsets[b + 1]]`.
    """

    ids: Tensor
    offsets: Tensor


class TextEncoder(nn.Module):
    """Maps a batch of word pieces to text_BD.

    A subclass takes `(tokenizer, *, options)`: its keyword-only parameters are the options that a
    sweep file may set.

    Args:
        width: The width D of its vectors.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]]
    """Options that decide how a corpus is tokenised; trials that agree on them share the result."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD."""
        raise NotImplementedError

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Returns the tokeniser, truncating, for given values of the `TOKENIZER_OPTIONS`."""
        raise NotImplementedError
