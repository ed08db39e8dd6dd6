"""TextRCNN: a bidirectional GRU over word vectors, convolutions of three widths, and max pooling over time.

The text encoder of HiAGM (Zhou et al., ACL 2020, section 3.1), and of HiTIN and HiMatch without BERT. Follows the
published program: vectors of width 300 with dropout 0.5; a GRU with 64 states per direction and no dropout between
layers; dropout 0.1; for each of the kernels 2, 3, 4 a convolution to 100 channels, padded by half its width, and ReLU;
the `top_k` largest values of each channel, in falling order.

Differs: the program's convolutions run on over the padding to the longest document of a batch, where a positive bias
alone can be the largest value, so that a document's vector depends on its neighbours in the batch. Here a document ends
where it ends; `padding: published` restores the program's behaviour. Vocabulary: see
`models/text_encoders/word_vectors.py`. A flat classifier behind it is published as WOS 83.55 / 76.99, RCV1-v2 81.57 /
59.25, NYT 70.83 / 56.18.
"""

from typing import Literal

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from harness.core.registry import Loaded, Positive, Share
from models.layers.dropout import Dropout
from models.text_encoders.base import States, TokenBatch
from models.text_encoders.word_vectors import WordEmbedding, WordEncoder, run_recurrent

NUMERICS = {"textrcnn": 1}
DETERMINISTIC = False
LEARNING_RATES = {"encoder_lr": 5e-3, "head_lr": 1e-2}

_KERNELS = (2, 3, 4)


class TextRCNN(WordEncoder):
    """Reads words in both directions, then looks for patterns of two to four of them.

    Args:
        tokenizer: Tokeniser from `build_tokenizer`.
        vectors: Text file in GloVe's format with initial word vectors; random ones if empty.
        word_width: Width of a word vector.
        hidden: Width of the GRU's states per direction.
        layers: Number of GRU layers.
        channels: Number of channels of each convolution; the text vector has width 3 x channels x top_k.
        top_k: Number of largest values of a channel that are kept.
        padding: End of a document: its own (`masked`), or that of the longest one in its batch (`published`).
        word_dropout: Dropout on word vectors.
        dropout: Dropout on the GRU's states.
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
        channels: Positive = 100,
        top_k: Positive = 1,
        padding: Literal["masked", "published"] = "masked",
        word_dropout: Share = 0.5,
        dropout: Share = 0.1,
        vocabulary: Positive = 50000,
        min_count: Positive = 5,
        max_length: Positive = 256,
    ):
        super().__init__(len(_KERNELS) * channels * top_k)
        self.words = WordEmbedding(tokenizer, word_width, vectors, word_dropout)
        self.gru = nn.GRU(word_width, hidden, layers, batch_first=True, bidirectional=True)
        self.dropout = Dropout(dropout)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(2 * hidden, channels, kernel, padding=kernel // 2) for kernel in _KERNELS
        )
        self.top_k, self.is_masked = top_k, padding == "masked"

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns text_BD: kernel by kernel, channel by channel, the largest value first."""
        states_BTH, lengths_B = self.states(tokens)
        states_BHT = states_BTH.transpose(1, 2)
        largest = []
        for kernel, convolution in zip(_KERNELS, self.convolutions, strict=True):
            values_BCT = torch.relu(convolution(states_BHT))
            if self.is_masked:
                # The number of values of a document alone in its batch; behind them is 0, the least value of ReLU.
                ends_B = lengths_B + 2 * (kernel // 2) - kernel + 1
                places_T = torch.arange(values_BCT.shape[2], device=ends_B.device)
                values_BCT = values_BCT * (places_T < ends_B[:, None])[:, None]
            missing = max(0, self.top_k - values_BCT.shape[2])
            largest.append(functional.pad(values_BCT, (0, missing)).topk(self.top_k, dim=2).values.flatten(1))
        return torch.cat(largest, dim=1)

    @property
    def state_width(self) -> int:
        return 2 * self.gru.hidden_size

    def states(self, tokens: TokenBatch) -> States:
        """Returns the GRU's states of both directions at each word, which the convolutions read."""
        words = self.words(tokens)
        states_BTH = self.dropout(run_recurrent(self.gru, words))
        return States(states_BTH, words.lengths.to(states_BTH.device))
