"""HiTIN: a coding tree over the labels by least structural entropy, and message passing up that tree.

Paper: Zhu et al., *HiTIN: Hierarchy-aware Tree Isomorphism Network for Hierarchical Text Classification*,
ACL 2023, section 4. Follows the published program:

* leaf states are copies of the projected text, dropped out one by one and mixed by an N x N layer over
  the labels; with dropout off they are one vector, scaled and shifted (`leaf_mixing: affine` keeps only
  the diagonal of that layer: 2N parameters);
* a layer sums the children, without the node itself, then MLP, batch norm, ReLU;
* logits are the sum of one linear map per tree level of that level's pooled states, so that all label
  identity passes through pooled vectors.

Differs: sums over parent indices instead of dense block matrices, any batch size (the program caches the
first one's), and coding trees of hierarchies without edges, on which the published builder fails.
Published with BERT: WOS 87.19 / 81.57, RCV1-v2 86.71 / 69.95, NYT 79.65 / 69.31.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from harness.registry import AtLeastTwo, Positive, Share
from models.coding_tree import coding_tree
from models.dropout import Dropout, drop, keep_mask
from models.members import Grouped, MemberBatchNorm, MemberLinear, RaggedLinear, member_of, uniform
from models.structure import Member, StructureEncoder

NUMERICS = 2


class HiTIN(StructureEncoder):
    """Passes the text up every member's coding tree and reads logits off each level.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        tree_height: Height k of the coding trees, at least 2.
        mlp_layers: Linear maps per message-passing layer.
        pooling: Of a level's nodes; root reads the top level only.
        leaf_mixing: The published N x N layer on dropped-out copies, or a scale and shift per leaf.
        tree_dropout: Dropout on the leaf states, before and after mixing.
        final_dropout: Dropout on the pooled states.
    """

    def __init__(
        self,
        members: Sequence[Member],
        text_width: int,
        *,
        node_width: Positive = 768,
        tree_height: AtLeastTwo = 2,
        mlp_layers: Positive = 2,
        pooling: Literal["sum", "mean", "max", "root"] = "sum",
        leaf_mixing: Literal["linear", "affine"] = "linear",
        tree_dropout: Share = 0.1,
        final_dropout: Share = 0.5,
    ):
        super().__init__(members, text_width)
        different = {id(member.hierarchy): member.hierarchy for member in members}
        built = {key: coding_tree(hierarchy, tree_height) for key, hierarchy in different.items()}
        trees = [built[id(member.hierarchy)] for member in members]
        self.sizes = [[tree.sizes[level] for tree in trees] for level in range(tree_height + 1)]
        self.pooling = pooling
        self.project = nn.Linear(text_width, len(members) * node_width)
        self.leaves = Leaves(self.sizes[0], is_mixed=leaf_mixing == "linear", dropout=tree_dropout)
        self.layers = nn.ModuleList(Layer(sizes, node_width, mlp_layers) for sizes in self.sizes[1:])
        # Every level that is read counts as a list of members of its own: one product for all levels.
        self.num_read = 1 if pooling == "root" else tree_height + 1
        self.readout = RaggedLinear(
            [node_width] * (self.num_read * len(members)),
            [len(member.asked) for member in members] * self.num_read,
            [member.asked_edges for member in members] * self.num_read,
        )
        self.final_dropout = Dropout(final_dropout)
        for level in range(tree_height):
            offsets = np.cumsum([0, *self.sizes[level + 1][:-1]])
            parents = [tree.parents[level] + offset for tree, offset in zip(trees, offsets, strict=True)]
            for name, values in {
                f"parents_{level}": torch.from_numpy(np.concatenate(parents)),
                f"member_{level + 1}": member_of(self.sizes[level + 1]),
                f"size_{level}": torch.tensor(self.sizes[level], dtype=torch.float32)[:, None, None],
            }.items():
                self.register_buffer(name, values, persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        text_MBH = self.project(text_BD).unflatten(1, (len(self.members), -1)).transpose(0, 1)
        nodes_NBH = self.leaves(text_MBH)
        pooled = []
        for level, layer in enumerate(self.layers):
            sums_NBH = _sum_to(self.sizes[level + 1], self.get_buffer(f"parents_{level}"), nodes_NBH)
            if self.pooling != "root":
                pooled.append(self._pool(level, nodes_NBH, sums_NBH))
            nodes_NBH = layer(sums_NBH)
        pooled.append(nodes_NBH)
        read = self.final_dropout(torch.cat(pooled)).transpose(0, 1).flatten(1)
        logits_BC: Tensor = self.readout(read).unflatten(1, (self.num_read, -1)).sum(1)
        return logits_BC

    def _pool(self, level: int, nodes_NBH: Tensor, sums_NBH: Tensor) -> Tensor:
        """Returns (M, B, H) of the members' nodes at a level, given their sums to the level above."""
        if self.pooling == "max":
            return torch.stack([nodes.amax(0) for nodes in nodes_NBH.split(self.sizes[level])])
        pooled_MBH = _sum_to([1] * len(self.members), self.get_buffer(f"member_{level + 1}"), sums_NBH)
        return pooled_MBH / self.get_buffer(f"size_{level}") if self.pooling == "mean" else pooled_MBH

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's rows towards its parents', in every level's linear map."""
        return self.readout.edge_penalty()


def _sum_to(sizes: Sequence[int], places: Tensor, nodes_NBH: Tensor) -> Tensor:
    """Returns the sums of nodes that have the same place among new ones."""
    return nodes_NBH.new_zeros(sum(sizes), *nodes_NBH.shape[1:]).index_add_(0, places, nodes_NBH)


class Leaves(Grouped):
    """Makes leaf states from copies of the projected text.

    Leaf i of a member with text t is, entry by entry, b_i + t times the sum over its leaves j of
    M_ij mask_j, the masks being those of the dropout on copy j: the copies differ in nothing else, so
    they are never made. A member's M is dense, or diagonal.

    Args:
        sizes: Labels of each member.
        is_mixed: Whether M is dense.
        dropout: Before and after mixing.
    """

    def __init__(self, sizes: Sequence[int], is_mixed: bool, dropout: float):
        super().__init__(sizes, sizes, dim=0)
        self.is_mixed, self.dropout = is_mixed, dropout
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for group in self.groups:
            shape = (len(group), sizes[group[0]])
            self.weights.append(uniform(*shape, shape[1], fan_in=shape[1]) if is_mixed else torch.ones(shape))
            self.biases.append(uniform(*shape, fan_in=shape[1]) if is_mixed else torch.zeros(shape))

    def forward(self, text_MBH: Tensor) -> Tensor:
        """Returns the (U, B, H) leaf states."""
        stacks = []
        for group, weight, bias in zip(self.groups, self.weights, self.biases, strict=True):
            text = text_MBH[group].unsqueeze(1)
            stacks.append(torch.addcmul(bias[..., None, None], self._mixed_masks(weight, text), text))
        return drop(self.together(stacks), self.dropout, self.training)

    def _mixed_masks(self, weight: Tensor, text: Tensor) -> Tensor:
        """Returns the sums of masks of a group's (members, N) leaves: per document and entry, or (..., 1, 1)."""
        is_dropping = self.training and self.dropout > 0
        shape = torch.Size([*weight.shape[:2], *(text.shape[2:] if is_dropping else (1, 1))])
        masks = keep_mask(shape, self.dropout, text) if is_dropping else text.new_ones(shape)
        return torch.bmm(weight, masks.flatten(2)).view(shape) if self.is_mixed else weight[..., None, None] * masks


class Layer(nn.Module):
    """ReLU(BN(MLP(x))) with parameters per member; the MLP is linear, BN, ReLU, ..., linear.

    Args:
        sizes: Nodes of each member at this level.
        width: Width H.
        mlp_layers: Linear maps.
    """

    def __init__(self, sizes: Sequence[int], width: int, mlp_layers: int):
        super().__init__()
        self.linears = nn.ModuleList(MemberLinear(sizes, width, width) for _ in range(mlp_layers))
        self.norms = nn.ModuleList(MemberBatchNorm(sizes, width) for _ in range(mlp_layers))

    def forward(self, nodes_NBH: Tensor) -> Tensor:
        """Returns the (N, B, H) states of the level's nodes."""
        for linear, norm in zip(self.linears, self.norms, strict=True):
            nodes_NBH = torch.relu(norm(linear(nodes_NBH)))
        return nodes_NBH
