"""HiAGM-LA: multi-label attention of structure-aware label states to the tokens of a text (Zhou et al. 2020).

Paper: Zhou et al., *Hierarchy-Aware Global Model for Hierarchical Text Classification*, ACL 2020, section 3.3, the
variant beside text propagation. Every label has an embedding; the structure encoder (GCN or Tree-LSTM, those of
`models/structure_encoders/hiagm.py`) passes them over the label graph, once for all documents. A label's state l_v then
weights the K slots s_k of a text, and the classifier reads what all labels of a head found:

    a_vk = softmax over k of l_v . s_k,  text_v = sum over k of a_vk s_k,  z = Dropout(W [text_1 ... text_N] + b).

The published settings give a text a single slot: the softmax over it is always 1, and neither embeddings nor structure
encoder affect the output or learn anything. Here a text has a slot per token: a linear map, one per head and without
activation, of the text encoder's state of the token. As published: embeddings start Kaiming-uniform with dropout 0.5,
dot products are not scaled, and dropout 0.5 is on the logits (`logit_dropout: 0` turns that off). Slots and attention
are computed head by head, which takes no more memory than for one head; everything else for all heads at once.

Published with GloVe on RCV1-v2: GCN 82.21 / 61.65, Tree-LSTM 82.54 / 61.90; quoted from memory of the paper, still to
be checked.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.registry import Positive, Share
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.structure_encoders.base import StatesEncoder
from models.structure_encoders.hiagm import layer_builder
from models.structure_encoders.text_propagation import all_nodes_classifier
from models.text_encoders.base import States

NUMERICS = {"hiagm_la": 3}


class HiAGMLA(StatesEncoder):
    """Passes label embeddings over the graph, lets labels attend to the text's tokens, and classifies from all labels.

    Args:
        heads: Specification of each head.
        text_width: Width D of the states of a text's tokens.
        structure: Structure encoder that passes the messages.
        node_width: Width H of a label's state and of a slot; even for the Tree-LSTM.
        layers: Number of its layers, one after the other.
        label_dropout: Dropout on the label embeddings.
        node_dropout: Dropout on each of a GCN layer's three summands, or on both halves of the Tree-LSTM's states.
        logit_dropout: Dropout on the logits.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        structure: Literal["gcn", "tree_lstm"] = "gcn",
        node_width: Positive = 300,
        layers: Positive = 1,
        label_dropout: Share = 0.5,
        node_dropout: Share = 0.05,
        logit_dropout: Share = 0.5,
    ):
        super().__init__(heads, text_width)
        self.sizes = [len(head.hierarchy) for head in heads]
        self.labels = nn.Parameter(torch.empty(sum(self.sizes), node_width))
        bound = (6 / node_width) ** 0.5
        nn.init.uniform_(self.labels, -bound, bound)
        self.label_dropout = Dropout(label_dropout)
        build_layer = layer_builder(structure, heads, node_width, node_dropout)
        self.graph = nn.ModuleList(build_layer() for _ in range(layers))
        self.to_slots = nn.Linear(text_width, len(heads) * node_width)
        self.classifier = all_nodes_classifier(heads, node_width)
        self.logit_dropout = Dropout(logit_dropout)

    def forward(self, text: States) -> Tensor:  # type: ignore[override]
        """Returns logits_BC."""
        states_U1H = self.label_dropout(self.labels).unsqueeze(1)
        for layer in self.graph:
            states_U1H = layer(states_U1H)
        is_missing_B1T = ~text.mask_BT.unsqueeze(1)
        found = []
        weights, biases = (parameter.chunk(len(self.heads)) for parameter in self.to_slots.parameters())
        states = states_U1H.squeeze(1).split(self.sizes)
        for states_NH, weight_HD, bias_H in zip(states, weights, biases, strict=True):
            slots_BTH = functional.linear(text.states_BTD, weight_HD, bias_H)
            scores_BNT = states_NH @ slots_BTH.mT
            found.append(torch.softmax(scores_BNT.masked_fill(is_missing_B1T, -torch.inf), dim=2) @ slots_BTH)
        logits_BC: Tensor = self.logit_dropout(self.classifier(torch.cat(found, dim=1).flatten(1)))
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's classifier row towards its parents'."""
        return self.classifier.edge_penalty()
