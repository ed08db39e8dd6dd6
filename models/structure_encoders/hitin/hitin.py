"""HiTIN: structure encoder over a coding tree of the label hierarchy (Zhu et al. 2023).

Paper: Zhu et al., *HiTIN: Hierarchy-aware Tree Isomorphism Network for Hierarchical Text Classification*, ACL 2023,
section 4. Follows the published program:

* leaf states are copies of the projected text, with dropout on each copy, mixed by an N x N layer over the labels;
  without dropout they are one vector, scaled and shifted (`leaf_mixing: affine` keeps only that layer's diagonal);
* a layer sums the children, without the node itself, then MLP, batch norm, ReLU;
* logits are the sum of one linear map per tree level of that level's pooled states, so that all label identity passes
  through pooled vectors.

Differs: sums over parent indices replace dense block matrices; any batch size (the program caches the first one's);
coding trees of hierarchies without edges, on which the published builder fails.

*The order of labels.* The program numbers labels by their first appearance in the corpus, here they have the order of
the hierarchy. Ties of the coding tree go by it. A branch of two levels, such as all of Web of Science, is a star, whose
labels are alike: its own tree joins the hub and the first labels, whichever these are, and leaves the others alone.
Those clusters mean nothing. The whole hierarchies of Web of Science, RCV1-v2 and NYT have structure, and at height 2
their clusters do not depend on the order; nor do those of the branches of the latter two. `tree: global` gives a branch
its part of the whole hierarchy's tree instead, which joins all labels of a star, and changes nothing without branches:
`sweeps/controls.yaml` has both.

The batch norms of small trees see variances near 0, so that training in single precision cannot be followed step by
step beside the program; in double precision it can.

Published with BERT: RCV1-v2 86.71 / 69.95, NYT 79.65 / 69.31. A score on Web of Science could not be checked.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from harness.core.registry import AtLeastTwo, Positive, Share
from models.head_spec import HeadSpec
from models.layers.batched_matmul import products
from models.layers.dropout import Dropout, drop, keep_mask
from models.layers.per_head import (
    PerHeadBatchNorm,
    PerHeadLinear,
    head_of,
    label_readout,
    scatter_sum,
    uniform_like_linear,
)
from models.structure_encoders.base import StructureEncoder
from models.structure_encoders.hitin.coding_tree import CodingTree, coding_tree

NUMERICS = {"hitin": 3}


class HiTIN(StructureEncoder):
    """Passes the text up every head's coding tree and reads logits off each level.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        node_width: Width H of a node's state.
        tree_height: Height k of the coding trees, at least 2.
        tree: Coding tree of a branch: its own, or the part of the whole hierarchy's above its labels.
        mlp_layers: Number of linear maps per message-passing layer.
        pooling: Pooling of a level's nodes; `root` reads the top level only.
        leaf_mixing: Mixing of the leaves: the published N x N layer on dropped-out copies, or a scale and shift per
            leaf.
        tree_dropout: Dropout on the leaf states, before and after mixing.
        final_dropout: Dropout on the pooled states.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
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
        super().__init__(heads, text_width)
        trees = coding_trees(heads, tree_height, tree)
        self.sizes = [[tree.sizes[level] for tree in trees] for level in range(tree_height + 1)]
        self.pooling = pooling
        self.project = nn.Linear(text_width, len(heads) * node_width)
        self.leaves = Leaves(self.sizes[0], is_mixed=leaf_mixing == "linear", dropout=tree_dropout)
        self.layers = nn.ModuleList(Layer(sizes, node_width, mlp_layers) for sizes in self.sizes[1:])
        # The linear maps of the levels that are read are one map, side by side, initialised as each alone would be.
        num_read = 1 if pooling == "root" else tree_height + 1
        self.readout = label_readout(heads, [num_read * node_width] * len(heads), has_bias=False)
        num_rows = sum(len(head.rows) for head in heads)
        bound = 1 / math.sqrt(node_width)
        nn.init.uniform_(self.readout.weight, -bound, bound)
        self.readout_bias = nn.Parameter(torch.empty(num_read, num_rows).uniform_(-bound, bound))
        self.final_dropout = Dropout(final_dropout)
        for level in range(tree_height):
            offsets = np.cumsum([0, *self.sizes[level + 1][:-1]])
            parents = [tree.parents[level] + offset for tree, offset in zip(trees, offsets, strict=True)]
            for name, values in {
                f"parents_{level}": torch.from_numpy(np.concatenate(parents)),
                f"head_{level + 1}": head_of(self.sizes[level + 1]),
                f"size_{level}": torch.tensor(self.sizes[level], dtype=torch.float32)[:, None, None],
            }.items():
                self.register_buffer(name, values, persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        text_MBH = self.project(text_BD).unflatten(1, (len(self.heads), -1)).transpose(0, 1)
        nodes_UBH = self.leaves(text_MBH)
        pooled = []
        for level, layer in enumerate(self.layers):
            sums_UBH = scatter_sum(sum(self.sizes[level + 1]), self.get_buffer(f"parents_{level}"), nodes_UBH)
            if self.pooling != "root":
                pooled.append(self._pool(level, nodes_UBH, sums_UBH))
            nodes_UBH = layer(sums_UBH)
        pooled.append(nodes_UBH)
        # Document by document, head by head, level by level.
        read = self.final_dropout(torch.stack(pooled)).permute(2, 1, 0, 3).flatten(1)
        logits_BC: Tensor = self.readout(read) + self.readout.keep(self.readout_bias.sum(0))
        return logits_BC

    def _pool(self, level: int, nodes_UBH: Tensor, sums_UBH: Tensor) -> Tensor:
        """Returns (M, B, H), the heads' pooled nodes at a level, given their sums to the level above."""
        if self.pooling == "max":
            return torch.stack([nodes.amax(0) for nodes in nodes_UBH.split(self.sizes[level])])
        pooled_MBH = scatter_sum(len(self.heads), self.get_buffer(f"head_{level + 1}"), sums_UBH)
        return pooled_MBH / self.get_buffer(f"size_{level}") if self.pooling == "mean" else pooled_MBH

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's rows towards its parents', in every level's linear map."""
        return self.readout.edge_penalty()


def coding_trees(heads: Sequence[HeadSpec], height: int, tree: Literal["branch", "global"]) -> list[CodingTree]:
    """Returns each head's coding tree: built from its own hierarchy, or cut out of that of the whole hierarchy."""
    sources = [head.whole or head.hierarchy if tree == "global" else head.hierarchy for head in heads]
    # Under masking all heads share one hierarchy, and all branches have one source: each tree is built once.
    different = {id(source): source for source in sources}
    built = {key: coding_tree(source, height) for key, source in different.items()}
    places = [
        np.array([source.index[label] for label in head.hierarchy.labels])
        for head, source in zip(heads, sources, strict=True)
    ]
    return [built[id(source)].restrict(labels) for source, labels in zip(sources, places, strict=True)]


class Leaves(nn.Module):
    """Leaf states from copies of the projected text.

    Leaf i of a head with text t is, entry by entry, b_i + t times the sum over its leaves j of M_ij mask_j, where
    mask_j is the dropout mask of copy j: the copies differ in nothing else, so they are never made. A head's M is
    dense, or diagonal.

    Args:
        sizes: Number of labels of each head.
        is_mixed: Whether M is dense.
        dropout: Dropout before and after mixing.
    """

    head: Tensor

    def __init__(self, sizes: Sequence[int], is_mixed: bool, dropout: float):
        super().__init__()
        self.is_mixed, self.dropout = is_mixed, dropout
        self.shapes = [(size, size) for size in sizes]
        self.weight = (
            uniform_like_linear([size**2 for size in sizes], sizes)
            if is_mixed
            else nn.Parameter(torch.ones(sum(sizes)))
        )
        self.bias = uniform_like_linear(sizes, sizes) if is_mixed else nn.Parameter(torch.zeros(sum(sizes)))
        self.register_buffer("head", head_of(sizes), persistent=False)

    def forward(self, text_MBH: Tensor) -> Tensor:
        """Returns the (U, B, H) leaf states."""
        text_UBH = text_MBH.index_select(0, self.head)
        states_UBH = torch.addcmul(self.bias[:, None, None], self._mixed_masks(text_UBH), text_UBH)
        return drop(states_UBH, self.dropout, self.training)

    def _mixed_masks(self, text_UBH: Tensor) -> Tensor:
        """Returns each leaf's sum of masks: per document and entry, or (U, 1, 1) without dropout."""
        is_dropping = self.training and self.dropout > 0
        shape = text_UBH.shape if is_dropping else torch.Size([len(text_UBH), 1, 1])
        masks = keep_mask(shape, self.dropout, text_UBH) if is_dropping else text_UBH.new_ones(shape)
        if self.is_mixed:
            return products(self.weight, masks.flatten(1), self.shapes).view(shape)
        return self.weight[:, None, None] * masks


class Layer(nn.Module):
    """ReLU(BN(MLP(x))) with parameters for each head; the MLP is linear, BN, ReLU, ..., linear.

    Args:
        sizes: Number of nodes of each head at this level.
        width: Width H.
        mlp_layers: Number of linear maps.
    """

    def __init__(self, sizes: Sequence[int], width: int, mlp_layers: int):
        super().__init__()
        self.linears = nn.ModuleList(PerHeadLinear(sizes, width, width) for _ in range(mlp_layers))
        self.norms = nn.ModuleList(PerHeadBatchNorm(sizes, width) for _ in range(mlp_layers))

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the (U, B, H) states of the level's nodes."""
        for linear, norm in zip(self.linears, self.norms, strict=True):
            nodes_UBH = torch.relu(norm(linear(nodes_UBH)))
        return nodes_UBH
