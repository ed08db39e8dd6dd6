"""Whole words as a text encoder's input: the vocabulary, their vectors, and batches of padded documents.

Text encoders that are no transformers share this (TextRCNN, LSTM). Words are lower-cased and split as BERT splits
before it cuts words into pieces. A word that is not in the vocabulary is `[UNK]`; `[PAD]`, word 0, stands where a
document has none, and its vector is 0.

Vectors start random, or from a text file in GloVe's format (`models/text_encoders/glove.py`); either way they are
trained. The published programs count the words of all splits and keep every word that GloVe has; here only training
texts are counted.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from models.layers.dropout import Dropout
from models.text_encoders.base import TokenBatch
from models.text_encoders.glove import read_vectors

NUMERICS = {"word vectors": 1}

_PAD, _UNKNOWN = "[PAD]", "[UNK]"
_RANDOM_VECTORS_WITHIN = 0.25
"""HiAGM's range for words that GloVe does not have, and for all words without GloVe."""


def learn_vocabulary(train_texts: Iterable[str], size: int, min_count: int, max_length: int) -> Tokenizer:
    """Returns a tokeniser that knows the most frequent words of some texts.

    Args:
        train_texts: What is counted.
        size: Most words to know, the two special ones among them.
        min_count: How often a word must occur.
        max_length: Words of a document after which the rest is not read.
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
    """The words of B documents, the T of the longest each.

    Attributes:
        vectors_BTW: Their vectors, 0 after a document's end.
        lengths: (B,) at least 1, on the CPU.
    """

    vectors_BTW: Tensor
    lengths: Tensor


class WordEmbedding(nn.Module):
    """Maps a batch of words to their vectors, with dropout.

    Args:
        tokenizer: From `learn_vocabulary`.
        width: Numbers of a vector.
        vectors: A text file in GloVe's format that the vectors start from; random if empty.
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
        """Returns the documents' vectors; a document without words is one word of zeros."""
        ids_BT = tokens.padded()[0]
        return Words(self.dropout(self.embedding(ids_BT)), tokens.lengths_B.clamp(min=1).cpu())


def run_recurrent(network: nn.GRU | nn.LSTM, words: Words) -> Tensor:
    """Returns a recurrent network's states, (B, T, directions x hidden), 0 after a document's end."""
    packed = pack_padded_sequence(words.vectors_BTW, words.lengths, batch_first=True, enforce_sorted=False)
    states: PackedSequence = network(packed)[0]
    states_BTH: Tensor = pad_packed_sequence(states, batch_first=True)[0]
    return states_BTH
