"""What every text encoder is: word pieces of a batch in, one vector a document out."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.errors import ConfigError


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

    def after_layers(self, num: int, act: Callable[[Tensor], Tensor]) -> AbstractContextManager[None]:
        """Returns a context in which something acts on what each of the encoder's last layers hands on.

        Args:
            num: How many layers.
            act: Gets their hidden states in turn, (B, T, D), and returns what takes their place. A layer that only
                computes what is read of it has fewer tokens: T is 1 where that is the first one.

        Raises:
            ConfigError: Of an encoder without such layers.
        """
        raise ConfigError(
            f"The text encoder {type(self).__name__} has no layers of hidden states that a model could act on. Take a "
            "BERT or RoBERTa (`encoder: {name: transformer}` or `minilm`), or leave the model's option out that asks "
            "for them."
        )

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Returns the tokeniser, truncating, for given values of the `TOKENIZER_OPTIONS`."""
        raise NotImplementedError
