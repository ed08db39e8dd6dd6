"""CHAMP: binary cross-entropy whose false positives cost more, the further they are from the gold labels.

Paper: Vaswani et al., *All Mistakes Are Not Equal: Comprehensive Hierarchy Aware Multi-label Predictions*, 2022, as
used by Plaud et al., CoNLL 2024. Gold labels keep the weight 1, false positives are weighted:

    - y log p - (1 - y) w log(1 - p)   with   w = 1 + beta ((1 + d / d_max)^2 - 1)

d is the number of edges from the label to the nearest gold label, d_max the largest such distance in the hierarchy.
Gold is closed under ancestors, so the way to the nearest gold label leads upwards: to the first gold ancestor or, if
none is gold, to the root and down to a gold child of the root, one edge further. The same holds in a branch without
gold, and d_max is that of the whole hierarchy: on trees, branches have the weights of the base model.

*On a DAG* d is the fewest edges up to a gold ancestor, or up to the root plus one, and at most d_max; ways that first
go down do not count. In a branch the labels outside it are not seen. A document without any gold label is treated as
one whose gold labels are in other branches.

*Ties.* The formula weighs a false positive once, which is `ties: once`, the default. The published program adds the
weight for every gold label at the least distance, which is `ties: each`. On a tree there are several only for a label
that has no gold ancestor: all gold labels below the root are equally far from it. So documents of one path have the
same loss either way; where k labels below the root are gold, such a label weighs k times as much in the program. A head
counts gold among the labels that it predicts, and one where there is none.

Differs: logarithms are computed from logits, where the program adds a small number. beta is 1e-4 in all of the authors'
configurations of this loss, and here; 0.2 is the default of their code. The papers' tables were not at hand, so no
score is quoted.
"""

from collections.abc import Sequence
from typing import Literal

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from harness.core.registry import Weight
from models.head_spec import HeadSpec
from models.objectives.base import Objective

NUMERICS = {"champ": 1}


class Champ(Objective):
    """Binary cross-entropy with distances as weights of false positives.

    Args:
        heads: Specification of each head.
        beta: A third of what the largest distance adds to the weight; 0 is plain cross-entropy, with `ties: once`.
        ties: Weight of a false positive that several gold labels are nearest to: once, the formula's; or each, the
            published program's, once for each of them.
    """

    below: Tensor
    above: Tensor
    steps: Tensor
    outside: Tensor
    farthest: Tensor
    top: Tensor
    head: Tensor

    def __init__(self, heads: Sequence[HeadSpec], *, beta: Weight = 1e-4, ties: Literal["once", "each"] = "once"):
        super().__init__(heads)
        self.beta, self.ties = beta, ties
        sizes = [len(head.predicted) for head in heads]
        starts = np.cumsum([0, *sizes[:-1]])
        ways = [_ways_up(head, int(start)) for head, start in zip(heads, starts, strict=True)]
        below, above, steps = np.concatenate([way[0] for way in ways], axis=1)
        farthest = np.repeat([(head.whole or head.hierarchy).diameter for head in heads], sizes)
        for name, values in {
            # Per pair of a label and an ancestor:
            "below": below,
            "above": above,
            "steps": steps.astype(np.float32),
            # Per label: the distance to a gold label in another branch, and the largest distance.
            "outside": np.minimum(np.concatenate([way[1] for way in ways]), farthest).astype(np.float32),
            "farthest": np.maximum(farthest, 1).astype(np.float32),
            # Per label: whether it is below the root, and its head.
            "top": np.concatenate([np.isin(head.predicted, head.hierarchy.roots) for head in heads]),
            "head": np.repeat(np.arange(len(heads)), sizes),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) weighted cross-entropies."""
        entropies_BC = functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")
        # A gold label is at distance 0 from itself, so its weight is 1.
        distances_BC = self.distances(gold_BC).to(logits_BC.dtype)
        weights_BC = 1 + self.beta * ((1 + distances_BC / self.farthest).square() - 1)
        return entropies_BC * (weights_BC * self.num_nearest(gold_BC) if self.ties == "each" else weights_BC)

    def distances(self, gold_BC: Tensor) -> Tensor:
        """Returns (B, C): the number of edges to the nearest gold label."""
        steps_BP = torch.where(gold_BC[:, self.above] > 0, self.steps, torch.inf)
        outside_BC = self.outside.expand_as(gold_BC)
        return outside_BC.scatter_reduce(1, self.below.expand_as(steps_BP), steps_BP, "amin")

    def num_nearest(self, gold_BC: Tensor) -> Tensor:
        """Returns (B, C): the number of gold labels at the least distance; 1 in a head without gold labels."""
        distances_BC = self.distances(gold_BC)
        is_outside_BC = self.outside == distances_BC
        nearest_BP = (gold_BC[:, self.above] > 0) & (self.steps == distances_BC[:, self.below])
        # Seen across the root all gold labels below it are equally near, those that are ancestors too.
        nearest_BP &= ~(is_outside_BC[:, self.below] & self.top[self.above])
        tops_BM = gold_BC.new_zeros(len(gold_BC), len(self.heads)).index_add(1, self.head, gold_BC * self.top)
        across_BC = torch.where(is_outside_BC, tops_BM[:, self.head], 0.0)
        return across_BC.index_add(1, self.below, nearest_BP.to(across_BC)).clamp(min=1)

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) sigmoids."""
        return torch.sigmoid(logits_BC)


def _ways_up(head: HeadSpec, offset: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the fewest edges upwards among the predicted labels.

    Args:
        head: Specification of one head.
        offset: Number of predicted labels of the heads before it.

    Returns:
        (3, pairs): a label, one of its ancestors or itself, the edges between them. (A,): edges up to the virtual root
        and down to another of its children.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(head.predicted)))
    graph.add_edges_from(head.predicted_edges.tolist())
    lengths = nx.all_pairs_shortest_path_length(graph)
    pairs = np.array([(down, up, num) for up, reached in lengths for down, num in reached.items()])
    is_top = np.isin(head.predicted, head.hierarchy.roots)[pairs[:, 1]]
    outside = np.full(len(head.predicted), len(head.predicted) + 2)
    np.minimum.at(outside, pairs[is_top, 0], pairs[is_top, 2] + 2)
    return pairs.T + [[offset], [offset], [0]], outside
