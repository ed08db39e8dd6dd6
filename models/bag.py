"""Mean-pooled sub-word embeddings: a text encoder that trains in seconds.

A WordPiece vocabulary is learned from the training texts of the corpus; a document is the mean of
its pieces' embeddings, then dropout. No position, no context: a floor for what a real encoder must
beat, and a real model for corpora where word choice decides.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn

from models.text import TextEncoder, TokenBatch

NUMERICS = 1
UNKNOWN = "[UNK]"


class Bag(TextEncoder):
    """Embeds every word piece and averages over the document.

    Args:
        tokenizer: From `build_tokenizer`.
        width: Width D of the embeddings.
        vocabulary: Most word pieces to learn.
        max_length: Most word pieces of a document that are read.
        dropout: Dropout on the mean vector.
    """

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("vocabulary", "max_length")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        width: int = 128,
        vocabulary: int = 8000,
        max_length: int = 512,
        dropout: float = 0.1,
    ):
        super().__init__(width)
        self.embedding = nn.EmbeddingBag(tokenizer.get_vocab_size(), width, mode="mean")
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD; a document without pieces is the zero vector."""
        pooled_BD: Tensor = self.embedding(tokens.ids, tokens.offsets[:-1])
        return self.dropout(pooled_BD)

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Learns a lower-cased WordPiece vocabulary from the training texts."""
        tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))  # type: ignore[call-arg]
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=options["vocabulary"], special_tokens=[UNKNOWN], show_progress=False
        )
        tokenizer.train_from_iterator(train_texts, trainer)
        tokenizer.enable_truncation(options["max_length"])
        return tokenizer
