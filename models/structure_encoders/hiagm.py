"""HiAGM-TP: text propagation over the label graph, by a hierarchy GCN or a Tree-LSTM (Zhou et al. 2020).

Paper: Zhou et al., *Hierarchy-Aware Global Model for Hierarchical Text Classification*, ACL 2020, sections 3.2
(structure encoders) and 3.3 (text propagation). Follows the published program where it differs from the paper:

* gates of the GCN are one number per node, computed from the node's own state, not one per edge;
* a GCN layer has no weight matrix: edges carry one learnable number each, initially 1 upwards and the prior share of
  the child downwards;
* the Tree-LSTM multiplies the states that pass an edge, hidden and memory, by such a number too; half of a node's width
  is read upwards, half downwards;
* the classifier reads all nodes for every label, and dropout 0.5 is on the *logits*, so that the training loss cannot
  go below 0.347; `logit_dropout: 0` turns that off.

Differs: the downward gate's bias, which the program never initialises, starts at 0; edge lists replace dense matrices;
the Tree-LSTM computes all documents at once, generation by generation, has one bias per gate where the program adds
two, and lacks a projection that the program declares and never uses. Its downward numbers start at the prior share, as
the paper says; the program looks it up with parent and child exchanged, so that there they start at 0 and are learned
from it. (Upwards, and in the GCN, both agree.) On a DAG, which paper and program leave open, a node takes the mean over
its parents on the way down. One layer as in the authors' program; the HiTIN authors' copy stacks two GCN layers, and
its recursive regularisation of HiAGM is 0, since a type test fails: `layers: 2` with `trainer: {recursive_penalty: 0}`.

HiMTL's paper writes the structure encoder otherwise (equation 2): S = sigmoid(E V W_1 + E' V W_2), with E the edges
from parents and E' those from children, one H x H matrix for each direction, and neither gates nor biases nor a term of
the node itself. No program is known to compute that; `structure: ungated_gcn` does, with edges that start and learn as
the GCN's do. A layer gives a node its neighbours' text alone, so that a head without edges is refused.

Published with BERT and the GCN (HGCLR's run): WOS 86.04 / 80.19, RCV1-v2 85.58 / 67.93, NYT 78.64 / 66.76; with GloVe:
WOS 85.82 / 80.28, RCV1-v2 83.96 / 63.35, NYT 74.97 / 60.83. Tree-LSTM with GloVe: RCV1-v2 83.20 / 62.32, a number
quoted from memory of the paper and still to be checked.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import nn

from harness.core.registry import Positive, Share
from models.head_spec import HeadSpec
from models.layers.gcn import HierarchyGCN, UngatedGCN
from models.layers.tree_lstm import TreeLSTM
from models.structure_encoders.text_propagation import TextPropagation

NUMERICS = {"hiagm": 3}


class HiAGM(TextPropagation):
    """Spreads the text over the nodes, passes messages up and down, and classifies from all nodes.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        structure: Structure encoder that passes the messages: HiAGM's GCN or Tree-LSTM, or the GCN that HiMTL's
            equation 2 describes.
        node_width: Width H of a node's state; even for the Tree-LSTM.
        layers: Number of its layers, one after the other.
        text_dropout: Dropout on the node states made from the text.
        node_dropout: Dropout on each of a GCN layer's three summands (two without gates), or on both halves of the
            Tree-LSTM's states.
        logit_dropout: Dropout on the logits.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        structure: Literal["gcn", "tree_lstm", "ungated_gcn"] = "gcn",
        node_width: Positive = 300,
        layers: Positive = 1,
        text_dropout: Share = 0.1,
        node_dropout: Share = 0.05,
        logit_dropout: Share = 0.5,
    ):
        super().__init__(
            heads,
            text_width,
            layer_builder(structure, heads, node_width, node_dropout),
            node_width=node_width,
            layers=layers,
            text_dropout=text_dropout,
            logit_dropout=logit_dropout,
        )


def layer_builder(
    structure: Literal["gcn", "tree_lstm", "ungated_gcn"], heads: Sequence[HeadSpec], node_width: int, dropout: float
) -> Callable[[], nn.Module]:
    """Returns a constructor of layers of the chosen structure encoder."""
    kind: Any = {"gcn": HierarchyGCN, "tree_lstm": TreeLSTM, "ungated_gcn": UngatedGCN}[structure]
    return lambda: kind(heads, node_width, dropout)
