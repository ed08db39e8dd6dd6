"""C-HMCNN(h): a plain network h behind the max constraint, which makes its answers coherent.

Paper: Giunchiglia and Lukasiewicz, *Coherent Hierarchical Multi-Label Classification Networks*, NeurIPS 2020. All of
the method is in its loss and its output, MCLoss and MCM, which are the objective `max_constraint`, the default here
and usable with any model. This file is h: per member an MLP on the text vector, ReLU and dropout after each hidden
layer, as published: three layers with dropout 0.7. `layers: 1` is a linear h, which for a text encoder that is
fine-tuned is the natural choice.

Differs: the published h reads tabular features, here it reads the text vector as its encoder gives it. The hidden width
was tuned on each of the published data sets, so the default is ours. The recursive regularisation is not in the
paper (`trainer: {recursive_penalty: 0}` turns it off); nor are their training, batches of 4 with a rate of 1e-4 or
1e-5, and their stopping rule on the area under the precision-recall curve, which are the sweep's trainer's.

All merges. A branch holds all descendants of its labels, so the constraint within a branch is complete, and on trees
that of the branches is that of the whole; on DAGs it is taken once more over the combined probabilities
(`coherence`). Masking and projection differ by the weights of their losses alone, since h knows no graph.

Published, area under the micro-averaged precision-recall curve, on functional genomics and others: Cellcycle FUN
.255, Eisen FUN .306, Diatoms .758, Enron .756, each above HMCN-F (.252, .298, .530, .724). No score on WOS, RCV1-v2
or NYT, and none with a text encoder, was published.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from harness.core.registry import Positive, Share
from models.head_spec import Member
from models.layers.dropout import Dropout
from models.layers.per_head import RaggedLinear
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"c_hmcnn": 2}
OBJECTIVE = "max_constraint"
READS_HIERARCHY = False


class CHMCNN(StructureEncoder):
    """An MLP per member, all of them reading the same text vector.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        layers: Layers of the MLP, the last of which gives the logits; 1 is a linear map.
        node_width: Width H of each hidden layer.
        dropout: Dropout after each hidden layer.
    """

    def __init__(
        self,
        members: Sequence[Member],
        text_width: int,
        *,
        layers: Positive = 3,
        node_width: Positive = 500,
        dropout: Share = 0.7,
    ):
        super().__init__(members, text_width)
        self.dropout = Dropout(dropout)
        widths = [text_width, *[node_width] * (layers - 1)]
        num = len(members)
        hidden = [RaggedLinear([read] * num, [written] * num, edges=[]) for read, written in pairwise(widths)]
        self.hidden = nn.ModuleList(hidden)
        edges = [member.asked_edges for member in members]
        self.output = RaggedLinear([widths[-1]] * num, [len(member.asked) for member in members], edges)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        states = text_BD.repeat(1, len(self.members))
        for layer in self.hidden:
            states = self.dropout(torch.relu(layer(states)))
        logits_BC: Tensor = self.output(states)
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row of the last layer towards its parents'."""
        return self.output.edge_penalty()
