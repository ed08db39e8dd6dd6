"""Hierarchy GCNs: messages up and down the edges of the label graph, gated by the receiving node (HiAGM), or not.

Zhou et al., ACL 2020, section 3.2.2, as in the published program, and HiMTL's equation 2, which writes it with two
weight matrices and no gates: see `models/structure_encoders/hiagm.py`.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from harness.core.errors import ConfigError
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.message_passing import MessagePassing
from models.layers.per_head import PerHeadLinear, scatter_sum, union_edges

NUMERICS = {"gcn": 1}


class EdgeSums(MessagePassing):
    """Sums over children and over parents in the disjoint union of the heads' graphs, with a number for each edge.

    Edges start at 1 upwards and at the prior share of the child downwards. Both sums are one pass of messages to 2U
    places: the upward sums of all nodes, then the downward ones.

    Args:
        heads: Specification of each head; U nodes and E edges in all.
    """

    edges: Tensor

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__(aggr=None, node_dim=0)
        num_nodes = sum(len(head.hierarchy) for head in heads)
        priors_E = torch.from_numpy(np.concatenate([head.facts.priors for head in heads]))
        self.edge_weight = nn.Parameter(torch.cat([torch.ones_like(priors_E), priors_E]))
        parents_E, children_E = union_edges(heads)
        ways = torch.stack([torch.cat([children_E, parents_E]), torch.cat([parents_E, children_E + num_nodes])])
        self.register_buffer("edges", ways, persistent=False)

    def sums(self, nodes_UBH: Tensor) -> Tensor:
        """Returns (2U, B, H) sums of the neighbours' states."""
        size = len(nodes_UBH), 2 * len(nodes_UBH)
        summed: Tensor = self.propagate(self.edges, x=(nodes_UBH, None), weight=self.edge_weight, size=size)
        return summed

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        """Weights the neighbour's state by the edge's number."""
        return weight[:, None, None] * x_j

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Adds whole rows; PyG's own sum adds element by element and takes three times as long."""
        return scatter_sum(dim_size, index, inputs)


class HierarchyGCN(EdgeSums):
    """One layer of HiAGM, as published.

    up_v = sum over children c of a_vc h_c + b_v, down_v = sum over parents p of f_pv h_p + b'_v, and h'_v =
    ReLU(gate(h_v) up_v + gate'(h_v) down_v + gate''(h_v) h_v), where the gates are scalars per node.

    Args:
        heads: Specification of each head; U nodes and E edges in all.
        node_width: Width H.
        dropout: Dropout on each summand.
    """

    def __init__(self, heads: Sequence[HeadSpec], node_width: int, dropout: float):
        super().__init__(heads)
        sizes = [len(head.hierarchy) for head in heads]
        num_nodes = sum(sizes)
        self.edge_bias = nn.Parameter(torch.zeros(2 * num_nodes, 1, node_width))
        # Gates in the order up, down, own; the published init is Xavier's for an H x 1 matrix.
        self.gates = PerHeadLinear(sizes, node_width, 3, has_bias=False)
        bound = math.sqrt(6 / (node_width + 1))
        nn.init.uniform_(self.gates.weight, -bound, bound)
        self.gate_bias = nn.Parameter(torch.zeros(2, num_nodes, 1))
        self.dropout = Dropout(dropout)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the next (U, B, H) states."""
        ways_2UBH = (self.sums(nodes_UBH) + self.edge_bias).unflatten(0, (2, -1))
        up_UB, down_UB, own_UB = self.gates(nodes_UBH).unbind(-1)
        gates_2UB = torch.sigmoid(torch.stack([up_UB, down_UB]) + self.gate_bias)
        up_UBH, down_UBH = self.dropout(gates_2UB.unsqueeze(-1) * ways_2UBH)
        own_UBH = self.dropout(torch.sigmoid(own_UB).unsqueeze(-1) * nodes_UBH)
        return torch.relu(up_UBH + down_UBH + own_UBH)


class UngatedGCN(EdgeSums):
    """One layer by HiMTL's equation 2: H' = sigmoid(E_down H W_1 + E_up H W_2), with W_1 and W_2 of each head.

    It has no gates, no biases and no term of the node itself: a node without neighbours is 1/2 whatever the text, and
    one with neighbours knows the text of theirs alone.

    Args:
        heads: Specification of each head, every one with an edge.
        node_width: Width H.
        dropout: Dropout on each summand.

    Raises:
        ConfigError: When a head has no edge, so that none of its logits could depend on the text.
    """

    def __init__(self, heads: Sequence[HeadSpec], node_width: int, dropout: float):
        super().__init__(heads)
        if cut_off := [head.hierarchy.labels for head in heads if not len(head.hierarchy.edges)]:
            raise ConfigError(
                f"The ungated GCN passes a text along edges only, and {len(cut_off)} of {len(heads)} heads have none "
                f"(the first has {len(cut_off[0])} labels, such as {cut_off[0][0]!r}): they would never see a text. "
                "Take the merge none or masking, `structure: gcn`, or pool small branches with the dataset's "
                "`min_branch`."
            )
        sizes = [len(head.hierarchy) for head in heads]
        self.up = PerHeadLinear(sizes, node_width, node_width, has_bias=False)
        self.down = PerHeadLinear(sizes, node_width, node_width, has_bias=False)
        self.dropout = Dropout(dropout)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the next (U, B, H) states."""
        up_UBH, down_UBH = self.sums(nodes_UBH).unflatten(0, (2, -1))
        return torch.sigmoid(self.dropout(self.up(up_UBH)) + self.dropout(self.down(down_UBH)))
