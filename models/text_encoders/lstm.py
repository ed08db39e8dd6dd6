"""Bidirectional LSTM over word vectors (Hochreiter and Schmidhuber 1997; Graves and Schmidhuber 2005).

The plain recurrent text encoder. The states of a document are pooled: the last of each direction (the forward one at
the document's end, the backward one at its start), the maximum, or the mean; padding is never read. No published
program fixes its settings: word vectors, widths and dropout, also the dropout on the pooled states, are those of
TextRCNN (`models/text_encoders/textrcnn.py`).
"""

from typing import Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.core.registry import Loaded, Positive, Share
from models.layers.dropout import Dropout
from models.text_encoders.base import States, TokenBatch
from models.text_encoders.word_vectors import WordEmbedding, WordEncoder, run_recurrent

NUMERICS = {"lstm": 1}
DETERMINISTIC = False
LEARNING_RATES = {"encoder_lr": 5e-3, "head_lr": 1e-2}


class LSTM(WordEncoder):
    """Reads words in both directions and pools the states.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        vectors: Text file in GloVe's format with initial word vectors; random ones if empty.
        word_width: Width of a word vector.
        hidden: Width of the states per direction; the text vector is twice as wide.
        layers: Number of LSTM layers.
        pooling: Pooling of a document's states.
        word_dropout: Dropout on word vectors.
        dropout: Dropout on the pooled states.
        vocabulary: Largest number of words to know.
        min_count: Smallest count of a word in the training texts.
        max_length: Number of words after which a document is cut.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        vectors: Loaded = "",
        word_width: Positive = 300,
        hidden: Positive = 64,
        layers: Positive = 1,
        pooling: Literal["last", "max", "mean"] = "max",
        word_dropout: Share = 0.5,
        dropout: Share = 0.1,
        vocabulary: Positive = 50000,
        min_count: Positive = 5,
        max_length: Positive = 256,
    ):
        super().__init__(2 * hidden)
        self.words = WordEmbedding(tokenizer, word_width, vectors, word_dropout)
        self.lstm = nn.LSTM(word_width, hidden, layers, batch_first=True, bidirectional=True)
        self.pooling = pooling
        self.dropout = Dropout(dropout)

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD: the forward states pooled, then the backward ones."""
        words = self.words(tokens)
        states_BTD = run_recurrent(self.lstm, words)
        return self.dropout(self._pool(states_BTD, words.lengths.to(states_BTD.device)))

    @property
    def state_width(self) -> int:
        return self.width

    def states(self, tokens: TokenBatch) -> States:
        """Returns the states of both directions at each word."""
        words = self.words(tokens)
        states_BTD = run_recurrent(self.lstm, words)
        return States(self.dropout(states_BTD), words.lengths.to(states_BTD.device))

    def _pool(self, states_BTD: Tensor, lengths_B: Tensor) -> Tensor:
        if self.pooling == "last":
            forward_BTH, backward_BTH = states_BTD.chunk(2, dim=-1)
            rows = torch.arange(len(lengths_B), device=lengths_B.device)
            return torch.cat([forward_BTH[rows, lengths_B - 1], backward_BTH[:, 0]], dim=-1)
        if self.pooling == "mean":
            return states_BTD.sum(1) / lengths_B[:, None]
        is_behind_BT = torch.arange(states_BTD.shape[1], device=lengths_B.device) >= lengths_B[:, None]
        return states_BTD.masked_fill(is_behind_BT[..., None], -torch.inf).amax(1)
