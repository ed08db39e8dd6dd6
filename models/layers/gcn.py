"""Hierarchy GCN of HiAGM: messages up and down the edges of the label graph, gated by the receiving node.

Zhou et al., ACL 2020, section 3.2.2, as in the published program: see `models/structure_encoders/hiagm.py`.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn.conv import MessagePassing

from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.per_head import PerHeadLinear, scatter_sum, union_edges

NUMERICS = {"gcn": 1}


class HierarchyGCN(MessagePassing):
    """One layer over the disjoint union of the heads' graphs.

    up_v = sum over children c of a_vc h_c + b_v, down_v = sum over parents p of f_pv h_p + b'_v, and h'_v =
    ReLU(gate(h_v) up_v + gate'(h_v) down_v + gate''(h_v) h_v), where the gates are scalars per node. Both sums are one
    pass of messages to 2U places: the upward sums of all nodes, then the downward ones.

    Args:
        heads: Specification of each head; U nodes and E edges in all.
        node_width: Width H.
        dropout: Dropout on each summand.
    """

    edges: Tensor

    def __init__(self, heads: Sequence[HeadSpec], node_width: int, dropout: float):
        super().__init__(aggr=None, node_dim=0)
        sizes = [len(head.hierarchy) for head in heads]
        num_nodes = sum(sizes)
        priors_E = torch.from_numpy(np.concatenate([head.facts.priors for head in heads]))
        self.edge_weight = nn.Parameter(torch.cat([torch.ones_like(priors_E), priors_E]))
        self.edge_bias = nn.Parameter(torch.zeros(2 * num_nodes, 1, node_width))
        # Gates in the order up, down, own; the published init is Xavier's for an H x 1 matrix.
        self.gates = PerHeadLinear(sizes, node_width, 3, has_bias=False)
        bound = math.sqrt(6 / (node_width + 1))
        nn.init.uniform_(self.gates.weight, -bound, bound)
        self.gate_bias = nn.Parameter(torch.zeros(2, num_nodes, 1))
        self.dropout = Dropout(dropout)
        parents_E, children_E = union_edges(heads)
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
        """Weights the neighbour's state by the edge's number."""
        return weight[:, None, None] * x_j

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Adds whole rows; PyG's own sum adds element by element and takes three times as long."""
        return scatter_sum(dim_size, index, inputs)
