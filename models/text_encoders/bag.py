"""Bag of sub-words: mean-pooled embeddings of byte-pair tokens, a text encoder that trains in seconds.

Byte-pair tokens are learned from the training texts of the corpus; a document is the mean of its tokens' embeddings,
then dropout. No position, no context: a floor that a real encoder must beat, and a good model for corpora where word
choice decides.

The tokens are byte pairs because the library's WordPiece trainer numbers its tokens differently in each run and breaks
ties by these numbers: the same corpus would give another vocabulary, and another score, on every machine.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional

from harness.core.registry import Positive, Share
from models.layers.dropout import Dropout
from models.text_encoders.base import States, TextEncoder, TokenBatch

NUMERICS = {"bag": 2}
DETERMINISTIC = False
LEARNING_RATES = {"encoder_lr": 2e-2, "head_lr": 1e-2}


class Bag(TextEncoder):
    """Embeds every token and averages over the document.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        width: Width D of the embeddings.
        vocabulary: Number of tokens to learn, the 256 bytes included.
        max_length: Number of tokens after which a document is cut.
        dropout: Dropout on the mean vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("vocabulary", "max_length")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        width: Positive = 128,
        vocabulary: Positive = 8000,
        max_length: Positive = 512,
        dropout: Share = 0.1,
    ):
        super().__init__(width)
        self.embedding = nn.EmbeddingBag(tokenizer.get_vocab_size(), width, mode="mean")
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD; a document without tokens is the zero vector."""
        pooled_BD: Tensor = self.embedding(tokens.ids, tokens.offsets[:-1])
        return self.dropout(pooled_BD)

    @property
    def state_width(self) -> int:
        return self.width

    def states(self, tokens: TokenBatch) -> States:
        """Returns the tokens' embeddings; a document without tokens has one zero state."""
        ids_BT, mask_BT = tokens.padded()
        states_BTD = functional.embedding(ids_BT, self.embedding.weight) * mask_BT[..., None]
        return States(self.dropout(states_BTD), tokens.lengths_B.clamp(min=1))

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Learns lower-cased byte pairs, within words as BERT splits them, from the training texts."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        bytes_of_words = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), bytes_of_words])
        trainer = trainers.BpeTrainer(
            vocab_size=options["vocabulary"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(train_texts, trainer)
        tokenizer.enable_truncation(options["max_length"])
        return tokenizer
