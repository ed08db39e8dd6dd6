"""HiAGM-TP with a hierarchy GCN: text propagation over the label graph.

Paper: Zhou et al., *Hierarchy-Aware Global Model for Hierarchical Text Classification*, ACL 2020,
sections 3.2 and 3.3 (text propagation). Follows the published program where it and the paper differ:

* gates are one number per node, computed from the node's own state, not one per edge;
* the layer has no weight matrix: edges carry one learnable number each, at first 1 upwards and the
  prior share of the child downwards;
* the classifier reads all nodes for every label, and dropout 0.5 falls on the *logits*, so that the
  training loss cannot go below 0.347; `logit_dropout: 0` turns that off.

Differs: the downward gate's bias, which the program never initialises, starts at 0; edge lists instead
of dense matrices. One layer as in the authors' program; the HiTIN authors' copy stacks two.
Published with BERT (HGCLR's run): WOS 86.04 / 80.19, RCV1-v2 85.58 / 67.93, NYT 78.64 / 66.76.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn.conv import MessagePassing

from harness.registry import Positive, Share
from models.dropout import Dropout
from models.members import MemberLinear, RaggedLinear, sums_to, union_edges
from models.structure import Member, StructureEncoder

NUMERICS = 3


class HiAGM(StructureEncoder):
    """Spreads the text over the nodes, passes messages up and down, and classifies from all nodes.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        layers: GCN layers, one after the other.
        text_dropout: Dropout on the node states made from the text.
        node_dropout: Dropout on each of a layer's three summands.
        logit_dropout: Dropout on the logits.
    """

    def __init__(
        self,
        members: Sequence[Member],
        text_width: int,
        *,
        node_width: Positive = 300,
        layers: Positive = 1,
        text_dropout: Share = 0.1,
        node_dropout: Share = 0.05,
        logit_dropout: Share = 0.5,
    ):
        super().__init__(members, text_width)
        sizes = [len(member.hierarchy) for member in members]
        self.node_width = node_width
        self.spread = nn.Linear(text_width, sum(sizes) * node_width)
        self.text_dropout = Dropout(text_dropout)
        self.graph = nn.ModuleList(HierarchyGCN(members, node_width, node_dropout) for _ in range(layers))
        self.classifier = RaggedLinear(
            [size * node_width for size in sizes],
            [len(member.asked) for member in members],
            [member.asked_edges for member in members],
        )
        self.logit_dropout = Dropout(logit_dropout)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        spread_BUH = self.text_dropout(self.spread(text_BD)).unflatten(1, (-1, self.node_width))
        nodes_UBH = spread_BUH.transpose(0, 1)
        for layer in self.graph:
            nodes_UBH = layer(nodes_UBH)
        logits_BC: Tensor = self.logit_dropout(self.classifier(nodes_UBH.transpose(0, 1).flatten(1)))
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's classifier row towards its parents'."""
        return self.classifier.edge_penalty()


class HierarchyGCN(MessagePassing):
    """One layer over the disjoint union of the members' graphs.

    up_v = sum over children c of a_vc h_c + b_v, down_v = sum over parents p of f_pv h_p + b'_v, and
    h'_v = ReLU(gate(h_v) up_v + gate'(h_v) down_v + gate''(h_v) h_v), gates being scalars per node.
    Both sums are one pass of messages to 2U places: the upward sums of all nodes, then the downward ones.

    Args:
        members: The list of hierarchies; U nodes and E edges in all.
        node_width: Width H.
        dropout: Dropout on each summand.
    """

    edges: Tensor

    def __init__(self, members: Sequence[Member], node_width: int, dropout: float):
        super().__init__(aggr=None, node_dim=0)
        sizes = [len(member.hierarchy) for member in members]
        num_nodes = sum(sizes)
        priors_E = torch.from_numpy(np.concatenate([member.priors for member in members]))
        self.edge_weight = nn.Parameter(torch.cat([torch.ones_like(priors_E), priors_E]))
        self.edge_bias = nn.Parameter(torch.zeros(2 * num_nodes, 1, node_width))
        # Gates in the order up, down, own; the published init is Xavier's for an H x 1 matrix.
        self.gates = MemberLinear(sizes, node_width, 3, has_bias=False)
        bound = math.sqrt(6 / (node_width + 1))
        nn.init.uniform_(self.gates.weight, -bound, bound)
        self.gate_bias = nn.Parameter(torch.zeros(2, num_nodes, 1))
        self.dropout = Dropout(dropout)
        parents_E, children_E = union_edges(members)
        ways = torch.stack([torch.cat([children_E, parents_E]), torch.cat([parents_E, children_E + num_nodes])])
        self.register_buffer("edges", ways, persistent=False)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the next (U, B, H) states."""
        num_nodes = len(nodes_UBH)
        sums = self.propagate(self.edges, x=(nodes_UBH, None), weight=self.edge_weight, size=(num_nodes, 2 * num_nodes))
        ways_2UBH = (sums + self.edge_bias).unflatten(0, (2, num_nodes))
        up_UB, down_UB, own_UB = self.gates(nodes_UBH).unbind(-1)
        gates_2UB = torch.sigmoid(torch.stack([up_UB, down_UB]) + self.gate_bias)
        up_UBH, down_UBH = self.dropout(gates_2UB.unsqueeze(-1) * ways_2UBH)
        own_UBH = self.dropout(torch.sigmoid(own_UB).unsqueeze(-1) * nodes_UBH)
        return torch.relu(up_UBH + down_UBH + own_UBH)

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        """Weighs the neighbour's state by the edge's number."""
        return weight[:, None, None] * x_j

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Adds whole rows; the built-in sum adds number by number and takes three times as long."""
        return sums_to(dim_size, index, inputs)
