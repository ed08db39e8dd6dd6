"""Text propagation: the common body of HiAGM-TP and its kin, for any layer that passes messages over the label graph.

The text is mapped to one state per node, layers pass messages between the nodes, and one linear map reads all nodes of
a head for each of its labels (HiAGM, section 3.3). The model supplies the layers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.per_head import PerHeadReadout, label_readout
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"text propagation": 1}


class TextPropagation(StructureEncoder):
    """Spreads the text over the nodes, passes messages, and classifies from all nodes.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        build_layer: Constructor of a layer, which maps (U, B, H) node states to the next ones.
        node_width: Width H of a node's state.
        layers: Number of layers, one after the other.
        text_dropout: Dropout on the node states made from the text.
        logit_dropout: Dropout on the logits.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        build_layer: Callable[[], nn.Module],
        *,
        node_width: int,
        layers: int,
        text_dropout: float,
        logit_dropout: float,
    ):
        super().__init__(heads, text_width)
        self.node_width = node_width
        self.spread = nn.Linear(text_width, sum(len(head.hierarchy) for head in heads) * node_width)
        self.text_dropout = Dropout(text_dropout)
        self.graph = nn.ModuleList(build_layer() for _ in range(layers))
        self.classifier = all_nodes_classifier(heads, node_width)
        self.logit_dropout = Dropout(logit_dropout)

    def forward(self, text_BD: Tensor) -> Any:
        """Returns logits_BC."""
        return self.classify(self.node_states(text_BD))

    def node_states(self, text_BD: Tensor) -> Tensor:
        """Returns (B, U * H): the states of all nodes after the last layer."""
        spread_BUH = self.text_dropout(self.spread(text_BD)).unflatten(1, (-1, self.node_width))
        nodes_UBH = spread_BUH.transpose(0, 1)
        for layer in self.graph:
            nodes_UBH = layer(nodes_UBH)
        return nodes_UBH.transpose(0, 1).flatten(1)

    def classify(self, nodes_BF: Tensor) -> Tensor:
        """Returns logits_BC."""
        logits_BC: Tensor = self.logit_dropout(self.classifier(nodes_BF))
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's classifier row towards its parents'."""
        return self.classifier.edge_penalty()


def all_nodes_classifier(heads: Sequence[HeadSpec], node_width: int) -> PerHeadReadout:
    """Returns the map from all node states of each head to the logits of its labels."""
    return label_readout(heads, [len(head.hierarchy) * node_width for head in heads])
