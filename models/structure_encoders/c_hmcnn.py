"""C-HMCNN: multi-label classification made coherent by the max constraint, over an MLP (Giunchiglia et al. 2020).

Paper: Giunchiglia and Lukasiewicz, *Coherent Hierarchical Multi-Label Classification Networks*, NeurIPS 2020. The
method is a loss and an output, MCLoss and MCM: the objective `max_constraint`, the default here and usable with any
model. This file is the network h below them: an MLP per head on the text vector, with ReLU and dropout after each
hidden layer, as published: three layers with dropout 0.7. `layers: 1` is a linear h, the natural choice behind a text
encoder that is fine-tuned.

Differs: the published h reads tabular features, here it reads the text vector. The hidden width was tuned on each of
the published data sets, so the default is ours. Training is the sweep's
(published: batches of 4 at 1e-4 or 1e-5, stopped by the area under the precision-recall curve); so is the recursive
regularisation, which the paper does not have (`trainer: {recursive_penalty: 0}`).

All merges. A branch holds all descendants of its labels, so the constraint within a branch is complete, and on trees
that of the branches is that of the whole; on DAGs it is taken once more over the combined probabilities (`coherence`).
Masking and projection differ only by the weights of their losses, since h knows no graph.

Published, area under the micro-averaged precision-recall curve, on functional genomics and others: Cellcycle FUN .255,
Eisen FUN .306, Diatoms .758, Enron .756, each above HMCN-F (.252, .298, .530, .724). No score on WOS, RCV1-v2 or NYT,
and none with a text encoder, was published.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.core.registry import Positive, Share
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.per_head import PerHeadReadout, label_readout
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"c_hmcnn": 2}
OBJECTIVE = "max_constraint"
READS_HIERARCHY = False


class CHMCNN(StructureEncoder):
    """An MLP per head, all of which read the same text vector.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        layers: Number of layers of the MLP, the last of which gives the logits; 1 is a linear map.
        node_width: Width H of each hidden layer.
        dropout: Dropout after each hidden layer.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        layers: Positive = 3,
        node_width: Positive = 500,
        dropout: Share = 0.7,
    ):
        super().__init__(heads, text_width)
        self.dropout = Dropout(dropout)
        widths = [text_width, *[node_width] * (layers - 1)]
        num = len(heads)
        hidden = [PerHeadReadout([read] * num, [written] * num) for read, written in pairwise(widths)]
        self.hidden = nn.ModuleList(hidden)
        self.output = label_readout(heads, [widths[-1]] * num)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        states = text_BD.repeat(1, len(self.heads))
        for layer in self.hidden:
            states = self.dropout(torch.relu(layer(states)))
        logits_BC: Tensor = self.output(states)
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row of the last layer towards its parents'."""
        return self.output.edge_penalty()
