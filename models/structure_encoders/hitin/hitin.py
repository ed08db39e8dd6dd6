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
first one's), and coding trees of hierarchies without edges, on which the published builder fails. A branch of
two levels is a star, whose own coding tree joins the hub and the leaves that come first; `tree: global` gives a
branch its part of the whole hierarchy's coding tree instead, and is the same without branches.
Published with BERT: RCV1-v2 86.71 / 69.95, NYT 79.65 / 69.31, and WOS 87.19 / 81.57, which is quoted from memory of
the paper, still to be checked.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from harness.core.registry import AtLeastTwo, Positive, Share
from models.head_spec import Member
from models.layers.batched_matmul import products
from models.layers.dropout import Dropout, drop, keep_mask
from models.layers.per_head import MemberBatchNorm, MemberLinear, RaggedLinear, member_of, sums_to, uniform
from models.structure_encoders.base import StructureEncoder
from models.structure_encoders.hitin.coding_tree import CodingTree, coding_tree

NUMERICS = {"hitin": 3}


class HiTIN(StructureEncoder):
    """Passes the text up every member's coding tree and reads logits off each level.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        tree_height: Height k of the coding trees, at least 2.
        tree: Of a branch: its own coding tree, or the part of the whole hierarchy's above its labels.
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
        tree: Literal["branch", "global"] = "branch",
        mlp_layers: Positive = 2,
        pooling: Literal["sum", "mean", "max", "root"] = "sum",
        leaf_mixing: Literal["linear", "affine"] = "linear",
        tree_dropout: Share = 0.1,
        final_dropout: Share = 0.5,
    ):
        super().__init__(members, text_width)
        trees = coding_trees(members, tree_height, tree)
        self.sizes = [[tree.sizes[level] for tree in trees] for level in range(tree_height + 1)]
        self.pooling = pooling
        self.project = nn.Linear(text_width, len(members) * node_width)
        self.leaves = Leaves(self.sizes[0], is_mixed=leaf_mixing == "linear", dropout=tree_dropout)
        self.layers = nn.ModuleList(Layer(sizes, node_width, mlp_layers) for sizes in self.sizes[1:])
        # The linear maps of the levels that are read, side by side: they are one map, and start as each of them would.
        num_read = 1 if pooling == "root" else tree_height + 1
        num_asked = [len(member.asked) for member in members]
        self.readout = RaggedLinear(
            [num_read * node_width] * len(members),
            num_asked,
            [member.asked_edges for member in members],
            has_bias=False,
        )
        bound = 1 / math.sqrt(node_width)
        nn.init.uniform_(self.readout.weight, -bound, bound)
        self.readout_bias = nn.Parameter(torch.empty(num_read, sum(num_asked)).uniform_(-bound, bound))
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
            sums_NBH = sums_to(sum(self.sizes[level + 1]), self.get_buffer(f"parents_{level}"), nodes_NBH)
            if self.pooling != "root":
                pooled.append(self._pool(level, nodes_NBH, sums_NBH))
            nodes_NBH = layer(sums_NBH)
        pooled.append(nodes_NBH)
        # Document by document, member by member, level by level.
        read = self.final_dropout(torch.stack(pooled)).permute(2, 1, 0, 3).flatten(1)
        logits_BC: Tensor = self.readout(read) + self.readout_bias.sum(0)
        return logits_BC

    def _pool(self, level: int, nodes_NBH: Tensor, sums_NBH: Tensor) -> Tensor:
        """Returns (M, B, H) of the members' nodes at a level, given their sums to the level above."""
        if self.pooling == "max":
            return torch.stack([nodes.amax(0) for nodes in nodes_NBH.split(self.sizes[level])])
        pooled_MBH = sums_to(len(self.members), self.get_buffer(f"member_{level + 1}"), sums_NBH)
        return pooled_MBH / self.get_buffer(f"size_{level}") if self.pooling == "mean" else pooled_MBH

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's rows towards its parents', in every level's linear map."""
        return self.readout.edge_penalty()


def coding_trees(members: Sequence[Member], height: int, tree: Literal["branch", "global"]) -> list[CodingTree]:
    """Returns each member's coding tree: built of the member, or cut out of that of the hierarchy it is part of."""
    sources = [member.part_of or member.hierarchy if tree == "global" else member.hierarchy for member in members]
    # Under masking all members are one hierarchy, and so are the sources of all branches: each is built once.
    different = {id(source): source for source in sources}
    built = {key: coding_tree(source, height) for key, source in different.items()}
    places = [
        np.array([source.index[label] for label in member.hierarchy.labels])
        for member, source in zip(members, sources, strict=True)
    ]
    return [built[id(source)].restrict(labels) for source, labels in zip(sources, places, strict=True)]


class Leaves(nn.Module):
    """Makes leaf states from copies of the projected text.

    Leaf i of a member with text t is, entry by entry, b_i + t times the sum over its leaves j of
    M_ij mask_j, the masks being those of the dropout on copy j: the copies differ in nothing else, so
    they are never made. A member's M is dense, or diagonal.

    Args:
        sizes: Labels of each member.
        is_mixed: Whether M is dense.
        dropout: Before and after mixing.
    """

    member: Tensor

    def __init__(self, sizes: Sequence[int], is_mixed: bool, dropout: float):
        super().__init__()
        self.is_mixed, self.dropout = is_mixed, dropout
        self.shapes = [(size, size) for size in sizes]
        self.weight = uniform([size**2 for size in sizes], sizes) if is_mixed else nn.Parameter(torch.ones(sum(sizes)))
        self.bias = uniform(sizes, sizes) if is_mixed else nn.Parameter(torch.zeros(sum(sizes)))
        self.register_buffer("member", member_of(sizes), persistent=False)

    def forward(self, text_MBH: Tensor) -> Tensor:
        """Returns the (U, B, H) leaf states."""
        text_UBH = text_MBH.index_select(0, self.member)
        states_UBH = torch.addcmul(self.bias[:, None, None], self._mixed_masks(text_UBH), text_UBH)
        return drop(states_UBH, self.dropout, self.training)

    def _mixed_masks(self, text_UBH: Tensor) -> Tensor:
        """Returns each leaf's sum of masks: per document and entry, or (U, 1, 1) where nothing is dropped."""
        is_dropping = self.training and self.dropout > 0
        shape = text_UBH.shape if is_dropping else torch.Size([len(text_UBH), 1, 1])
        masks = keep_mask(shape, self.dropout, text_UBH) if is_dropping else text_UBH.new_ones(shape)
        if self.is_mixed:
            return products(self.weight, masks.flatten(1), self.shapes).view(shape)
        return self.weight[:, None, None] * masks


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
