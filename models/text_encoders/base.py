"""Base class of text encoders: a batch of tokens to one vector per document, and to one state per token."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.core.errors import ConfigError

NUMERICS = {"text encoder": 1}


class TokenBatch(NamedTuple):
    """Tokens of B documents, one document after the other, without padding.

    Attributes:
        ids: (sum of lengths,) int64 token numbers.
        offsets: (B + 1,) int64; document b is `ids[offsets[b]:offsets[b + 1]]`.
    """

    ids: Tensor
    offsets: Tensor

    @property
    def lengths_B(self) -> Tensor:
        return self.offsets.diff()

    def padded(self) -> tuple[Tensor, Tensor]:
        """Returns ids_BT, 0 after a document's end, and mask_BT of the actual tokens; T is at least 1."""
        mask_BT = _up_to(self.lengths_B, max(1, int(self.lengths_B.max())))
        return self.ids.new_zeros(mask_BT.shape).masked_scatter(mask_BT, self.ids), mask_BT


def tokenised(tokenizer: "TextTokenizer", texts: Sequence[str]) -> TokenBatch:
    """Returns the tokens of some texts, on the CPU."""
    ids = [np.array(encoding.ids, dtype=np.int64) for encoding in tokenizer.encode_batch_fast(texts)]
    offsets = np.cumsum([0, *map(len, ids)])
    return TokenBatch(torch.from_numpy(np.concatenate([np.empty(0, np.int64), *ids])), torch.from_numpy(offsets))


class States(NamedTuple):
    """One state for each of the T tokens of B documents.

    Attributes:
        states_BTD: States, as wide as the encoder's `state_width`; those after a document's end are undefined.
        lengths_B: Numbers of states, at least 1: a document without tokens has one state.
    """

    states_BTD: Tensor
    lengths_B: Tensor

    @property
    def mask_BT(self) -> Tensor:
        """Mask of the states within a document."""
        return _up_to(self.lengths_B, self.states_BTD.shape[1])


def _up_to(lengths_B: Tensor, num: int) -> Tensor:
    return torch.arange(num, device=lengths_B.device) < lengths_B[:, None]


class TextTokenizer(Protocol):
    """Tokeniser of a text encoder, truncating; `tokenizers.Tokenizer` is one."""

    def encode(self, text: str, /) -> Any:
        """Returns an object whose `ids` are the text's token numbers, special ones included."""

    def encode_batch_fast(self, texts: Sequence[str], /) -> Sequence[Any]:
        """Returns such an object for each text."""

    def get_vocab(self) -> dict[str, int]:
        """Returns the number of each token, added ones included."""

    def get_vocab_size(self) -> int:
        """Returns the number of tokens, added ones included."""

    def no_truncation(self) -> None:
        """Cuts no text any more."""

    def to_str(self) -> str:
        """Returns the tokeniser as JSON, which the encoder's `read_tokenizer` reads."""


class TextEncoder(nn.Module):
    """Maps a batch of tokens to text_BD.

    A subclass takes `(tokenizer, *, options)`: its keyword-only parameters are the options that a sweep file may set.
    `states` and `state_width` are for models that read a text token by token; an encoder without states leaves both
    out, and these models refuse it.

    Args:
        width: Width D of the text vectors.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]]
    """Options that decide how a corpus is tokenised; trials that agree on them share the result."""

    def __init__(self, width: int):
        super().__init__()
        self._width = width

    @property
    def width(self) -> int:
        """Width of the text vectors.

        Raises:
            ConfigError: If the encoder has states only, as it is set.
        """
        return self._width

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD."""
        raise NotImplementedError

    def after_layers(self, num: int, act: Callable[[Tensor], Tensor]) -> AbstractContextManager[None]:
        """Returns a context in which a function replaces the hidden states of the encoder's last layers.

        Args:
            num: Number of layers.
            act: Function from the hidden states of a layer, (B, T, D), to those that take their place. A layer that
                computes only the first token has T = 1.

        Raises:
            ConfigError: If the encoder has no such layers.
        """
        raise ConfigError(
            f"The text encoder {type(self).__name__} has no layers of hidden states that a model could act on. Take a "
            "BERT or RoBERTa (`encoder: {name: transformer}` or `minilm`), or leave the model's option out that asks "
            "for them."
        )

    @property
    def state_width(self) -> int:
        """Width of the states.

        Raises:
            ConfigError: If the encoder has no states.
        """
        raise ConfigError(
            f"The text encoder {type(self).__name__} makes one vector of a document and has no states of its tokens, "
            "which this model reads. Use another text encoder (`python -m harness.sweep --list` shows them), or give "
            "this one `states` and `state_width`."
        )

    def states(self, tokens: TokenBatch) -> States:
        """Returns one state per token, before they are pooled to text_BD."""
        raise NotImplementedError

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> TextTokenizer:
        """Returns the tokeniser, truncating, for given values of the `TOKENIZER_OPTIONS`."""
        raise NotImplementedError

    @staticmethod
    def read_tokenizer(text: str) -> TextTokenizer:
        """Returns the tokeniser that its `to_str` has written; any exception where the text is none."""
        return Tokenizer.from_str(text)

    def portable(self, name: str, options: Mapping[str, Any], folder: Path) -> tuple[str, dict[str, Any]]:
        """Returns a name and options of which such an encoder can be built again without what these options load.

        Its weights are then read from elsewhere. `Loaded` options of the answer are paths below the folder.

        Args:
            name: Name of the encoder in the registry.
            options: Value of every option.
            folder: Folder that gets the files which the constructor will need.
        """
        return name, dict(options)

    @classmethod
    def try_out(cls, options: Mapping[str, Any]) -> "TextEncoder | None":
        """Refuses options with which every trial would fail; called for each choice of options before the first trial.

        An encoder whose options name files looks at them here; one that needs no corpus is built and tried.

        Args:
            options: Value of every option.

        Returns:
            The encoder, if it was built.

        Raises:
            ConfigError: If no trial could go well, with the way out.
        """
        return None


@dataclass(frozen=True)
class Reading:
    """A text encoder that is only read, with its name and options in the registry."""

    encoder: str
    options: Mapping[str, Any]
    model: TextEncoder
    tokenizer: TextTokenizer

    def vectors(self, texts: Iterable[str]) -> npt.NDArray[np.float32]:
        """Returns the encoder's vectors of some texts, (texts, D)."""
        with torch.inference_mode():
            vectors: npt.NDArray[np.float32] = self.model(tokenised(self.tokenizer, list(texts))).numpy()
        return np.asarray(vectors, dtype=np.float32)
