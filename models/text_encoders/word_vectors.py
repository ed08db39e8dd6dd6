"""Word vectors as input of text encoders: a vocabulary of whole words, their vectors, and padded batches.

Shared by the encoders that are not transformers (TextRCNN, LSTM). Words are lower-cased and split as BERT splits them
before it cuts them into tokens. A word outside the vocabulary is `[UNK]`; `[PAD]`, word 0 with the zero vector, fills a
document up.

Vectors start random, or from a text file in GloVe's format (`models/text_encoders/glove.py`); either way they are
trained. The published programs count the words of all splits and keep every word that GloVe has; here only training
texts are counted.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from models.layers.dropout import Dropout
from models.text_encoders.base import TextEncoder, TokenBatch
from models.text_encoders.glove import read_vectors, try_first_line

NUMERICS = {"word vectors": 1}

_PAD, _UNKNOWN = "[PAD]", "[UNK]"
_RANDOM_VECTORS_WITHIN = 0.25
"""HiAGM's range for words that are not in GloVe, and for all words without GloVe."""


def learn_vocabulary(train_texts: Iterable[str], size: int, min_count: int, max_length: int) -> Tokenizer:
    """Returns a tokeniser that knows the most frequent words of some texts.

    Args:
        train_texts: Texts whose words are counted.
        size: Largest number of words to know, the two special ones included.
        min_count: Smallest count of a word.
        max_length: Number of words after which a document is cut.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=min_count, special_tokens=[_PAD, _UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator(train_texts, trainer)
    tokenizer.enable_truncation(max_length)
    return tokenizer


class Words(NamedTuple):
    """Word vectors of B documents; T is the length of the longest.

    Attributes:
        vectors_BTW: Vectors, 0 after a document's end.
        lengths: (B,) at least 1, on the CPU.
    """

    vectors_BTW: Tensor
    lengths: Tensor


class WordEmbedding(nn.Module):
    """Maps a batch of words to their vectors, with dropout.

    Args:
        tokenizer: Tokeniser from `learn_vocabulary`.
        width: Width of a vector.
        vectors: Text file in GloVe's format with initial vectors; random ones if empty.
        dropout: Dropout on the vectors.
    """

    def __init__(self, tokenizer: Tokenizer, width: int, vectors: str, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(tokenizer.get_vocab_size(), width, padding_idx=0)
        nn.init.uniform_(self.embedding.weight, -_RANDOM_VECTORS_WITHIN, _RANDOM_VECTORS_WITHIN)
        with torch.no_grad():
            if vectors:
                vocabulary = tokenizer.get_vocab()
                words = tuple(sorted(vocabulary, key=vocabulary.__getitem__))
                places, found = read_vectors(vectors, words, width)
                self.embedding.weight[places] = found
            self.embedding.weight[0] = 0
        self.dropout = Dropout(dropout)

    def forward(self, tokens: TokenBatch) -> Words:
        """Returns the documents' vectors; a document without words is one zero vector."""
        ids_BT = tokens.padded()[0]
        return Words(self.dropout(self.embedding(ids_BT)), tokens.lengths_B.clamp(min=1).cpu())


class WordEncoder(TextEncoder):
    """Base class of text encoders over word vectors: the tokeniser and its options are the vocabulary's."""

    TOKENIZER_OPTIONS: ClassVar[tuple[str, ...]] = ("vocabulary", "min_count", "max_length")

    @staticmethod
    def build_tokenizer(train_texts: Iterable[str], options: Mapping[str, Any]) -> Tokenizer:
        """Learns the most frequent words of the training texts."""
        return learn_vocabulary(train_texts, options["vocabulary"], options["min_count"], options["max_length"])

    def portable(self, name: str, options: Mapping[str, Any], folder: Path) -> tuple[str, dict[str, Any]]:
        """See `TextEncoder`: the vectors are among the weights."""
        return name, {**options, "vectors": ""}

    @classmethod
    def try_out(cls, options: Mapping[str, Any]) -> None:
        """Looks at the file of word vectors; see `TextEncoder`."""
        if options["vectors"]:
            try_first_line(options["vectors"], options["word_width"])


def run_recurrent(network: nn.GRU | nn.LSTM, words: Words) -> Tensor:
    """Returns a recurrent network's states, (B, T, directions x hidden), 0 after a document's end."""
    packed = pack_padded_sequence(words.vectors_BTW, words.lengths, batch_first=True, enforce_sorted=False)
    states: PackedSequence = network(packed)[0]
    states_BTH: Tensor = pad_packed_sequence(states, batch_first=True)[0]
    return states_BTH
