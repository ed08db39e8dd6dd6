"""Graph attention network (GAT or GATv2) over the label graph, in the place of HiAGM's GCN.

Papers: Velickovic et al., *Graph Attention Networks*, ICLR 2018, equations 1 to 6 (`attention: gat`), and Brody et al.,
*How Attentive Are Graph Attention Networks?*, ICLR 2022, equation 7 (`gatv2`). A layer, per attention head:

    e_vk = LeakyReLU(a . [W h_v, W h_k])        gat: neighbours rank alike for every node v
    e_vk = a . LeakyReLU(W' h_v + W h_k)        gatv2: the ranking depends on v
    alpha_vk = softmax of e_vk over k; h'_v = ReLU(h_v + concatenation over heads of sum_k alpha_vk W h_k + b).

A node v attends to its parents, its children and itself. Attention is computed as in PyTorch Geometric's `GATConv` and
`GATv2Conv`, which have one set of weights for all graphs of a batch and so cannot give each branch head its own. The
maps from text to nodes and from nodes to logits are HiAGM's (see `models/structure_encoders/hiagm.py`); its node
dropout is applied to the attention weights, as in the papers. Ours, since no paper fixes them: a residual and ReLU in
place of the papers' ELU, so that HiAGM's classifier reads states as it always does; 4 heads of 75. As in the papers, a
layer knows neither the direction of an edge nor its prior.

No text classification scores are published for this combination. Nearest: HGCLR's ablation with a GAT over label
embeddings, WOS validation, 87.18 / 81.45 (a GCN: 87.06 / 80.63).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import ConfigError
from harness.core.registry import Positive, Share
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.message_passing import MessagePassing, softmax
from models.layers.per_head import PerHeadLinear, head_of, scatter_sum, union_edges
from models.structure_encoders.text_propagation import TextPropagation

NUMERICS = {"gat": 1}

_SLOPE = 0.2


class GAT(TextPropagation):
    """Spreads the text over the nodes, lets nodes attend to their neighbours, and classifies from all nodes.

    Args:
        specs: Specification of each head; `heads` are the attention heads.
        text_width: Width D of the text vectors.
        attention: Original attention, or GATv2's, whose ranking of neighbours depends on the attending node.
        node_width: Width H of a node's state, a multiple of `heads`.
        heads: Number of attention heads.
        layers: Number of layers, one after the other.
        text_dropout: Dropout on the node states made from the text.
        node_dropout: Dropout on the attention weights.
        logit_dropout: Dropout on the logits.
    """

    def __init__(
        self,
        specs: Sequence[HeadSpec],
        text_width: int,
        *,
        attention: Literal["gat", "gatv2"] = "gat",
        node_width: Positive = 300,
        heads: Positive = 4,
        layers: Positive = 1,
        text_dropout: Share = 0.1,
        node_dropout: Share = 0.05,
        logit_dropout: Share = 0.5,
    ):
        if node_width % heads:
            raise ConfigError(f"GAT's node_width must be a multiple of its heads: {node_width} is none of {heads}.")
        super().__init__(
            specs,
            text_width,
            lambda: GraphAttention(specs, node_width, heads, attention == "gatv2", node_dropout),
            node_width=node_width,
            layers=layers,
            text_dropout=text_dropout,
            logit_dropout=logit_dropout,
        )


class GraphAttention(MessagePassing):
    """One layer over the disjoint union of the heads' graphs, with parameters for each of them.

    Args:
        specs: Specification of each head; U nodes in all.
        node_width: Width H.
        heads: Number of attention heads, each of width H / heads.
        is_dynamic: Whether attention is GATv2's.
        dropout: Dropout on the attention weights.
    """

    edges: Tensor
    head_of_node: Tensor

    def __init__(self, specs: Sequence[HeadSpec], node_width: int, heads: int, is_dynamic: bool, dropout: float):
        super().__init__(aggr=None, node_dim=0)
        sizes = [len(spec.hierarchy) for spec in specs]
        width = node_width // heads
        self.heads, self.is_dynamic = heads, is_dynamic
        # GATv2 maps the attending node by a matrix of its own, side by side with that of the neighbour.
        self.maps = PerHeadLinear(sizes, node_width, node_width * (2 if is_dynamic else 1), has_bias=False)
        # Scores of the neighbour and, in GAT, of the attending node.
        self.score_weight = nn.Parameter(torch.empty(len(sizes), 1 if is_dynamic else 2, heads, width))
        self.message_bias = nn.Parameter(torch.zeros(len(sizes), node_width))
        for weight, fan in ((self.maps.weight, 2 * node_width), (self.score_weight, heads + width)):
            bound = (6 / fan) ** 0.5
            nn.init.uniform_(weight, -bound, bound)
        self.dropout = Dropout(dropout)
        parents_E, children_E = union_edges(specs)
        every_U = torch.arange(sum(sizes))
        ways = torch.stack([torch.cat([parents_E, children_E, every_U]), torch.cat([children_E, parents_E, every_U])])
        self.register_buffer("edges", ways, persistent=False)
        self.register_buffer("head_of_node", head_of(sizes), persistent=False)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the next (U, B, H) states."""
        mapped = self.maps(nodes_UBH).unflatten(-1, (-1, self.heads, self.score_weight.shape[-1]))
        neighbour_UBAW, attending_UBAW = mapped[:, :, 0], mapped[:, :, -1]
        num_nodes, (neighbours_E, attending_E) = len(nodes_UBH), self.edges
        weight_UxAW = self.score_weight[self.head_of_node]
        if self.is_dynamic:
            pairs_EBAW = neighbour_UBAW.index_select(0, neighbours_E) + attending_UBAW.index_select(0, attending_E)
            weighted_EBAW = functional.leaky_relu(pairs_EBAW, _SLOPE) * weight_UxAW[attending_E]
            scores_EBA = weighted_EBAW.sum(-1)
        else:
            by_neighbour_UBA = (neighbour_UBAW * weight_UxAW[:, :1]).sum(-1)
            by_attending_UBA = (attending_UBAW * weight_UxAW[:, 1:]).sum(-1)
            pairs_EBA = by_neighbour_UBA.index_select(0, neighbours_E) + by_attending_UBA.index_select(0, attending_E)
            scores_EBA = functional.leaky_relu(pairs_EBA, _SLOPE)
        attention_EBA = self.dropout(softmax(scores_EBA, attending_E, num_nodes=num_nodes, dim=0))
        read_UBAW = self.propagate(self.edges, x=neighbour_UBAW, attention=attention_EBA, size=(num_nodes, num_nodes))
        bias_U1H = self.message_bias[self.head_of_node].unsqueeze(1)
        return torch.relu(nodes_UBH + read_UBAW.flatten(2) + bias_U1H)

    def message(self, x_j: Tensor, attention: Tensor) -> Tensor:
        """Weights the neighbour's state by its attention."""
        return attention.unsqueeze(-1) * x_j

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Adds whole rows; PyG's own sum adds element by element and takes three times as long."""
        return scatter_sum(dim_size, index, inputs)
