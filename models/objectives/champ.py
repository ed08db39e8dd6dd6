"""CHAMP: a label that is wrongly predicted costs the more the further it is from what is right.

Paper: Vaswani et al., *All Mistakes Are Not Equal: Comprehensive Hierarchy Aware Multi-label Predictions*, 2022, as
used by Plaud et al., CoNLL 2024. Binary cross-entropy whose false positives are weighted; gold labels keep the weight
1:

    - y log p - (1 - y) w log(1 - p)   with   w = 1 + beta ((1 + d / d_max)^2 - 1)

d is the number of edges from the label to the nearest gold label, d_max the largest such distance in the hierarchy.
Gold is closed under ancestors, so the way to the nearest gold label leads upwards: to the first ancestor that holds,
or, where none does, to the root and down to a gold label beside it, one edge further. So also in a branch without
gold, whose distances are then those of the whole hierarchy, as its d_max is: on trees branches have the weights of
the base model.

*On a DAG* d is the fewest edges up to an ancestor that holds, or up to the root and one more, and no more than d_max;
ways that go down first do not count. In a branch the labels outside it are not seen. A document without any gold
label is treated as one whose gold is in other branches.

Differs: the published program adds up over labels; here a label has its weight in the loss, one over the number of
labels, as with every objective: a constant factor, which Adam does not feel, while the gradients' clipping and the
recursive regularisation do. Where several gold labels are equally near, the program counts a label once for each, the
formula and this file once. It adds a small number within logarithms; here they are taken of logits. Both values of
beta occur in the authors' configurations, 0.2, which is the default, and 1e-4. No score is quoted: the papers' tables
were not at hand.
"""

from collections.abc import Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from harness.core.registry import Weight
from models.head_spec import Member
from models.objectives.base import Objective

NUMERICS = {"champ": 1}


class Champ(Objective):
    """Binary cross-entropy with distances for weights of false positives.

    Args:
        members: The list of hierarchies.
        beta: A third of what the largest distance adds to the weight; 0 is plain cross-entropy.
    """

    below: Tensor
    above: Tensor
    steps: Tensor
    outside: Tensor
    farthest: Tensor

    def __init__(self, members: Sequence[Member], *, beta: Weight = 0.2):
        super().__init__(members)
        self.beta = beta
        sizes = [len(member.asked) for member in members]
        starts = np.cumsum([0, *sizes[:-1]])
        ways = [_ways_up(member, int(start)) for member, start in zip(members, starts, strict=True)]
        below, above, steps = np.concatenate([way[0] for way in ways], axis=1)
        farthest = np.repeat([(member.part_of or member.hierarchy).diameter for member in members], sizes)
        for name, values in {
            # Of pairs of a label and an ancestor:
            "below": below,
            "above": above,
            "steps": steps.astype(np.float32),
            # Of labels: to a gold label in another branch, and the largest distance.
            "outside": np.minimum(np.concatenate([way[1] for way in ways]), farthest).astype(np.float32),
            "farthest": np.maximum(farthest, 1).astype(np.float32),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) weighted cross-entropies."""
        entropies_BC = functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")
        # At no distance from itself, a gold label has the weight 1.
        distances_BC = self.distances(gold_BC).to(logits_BC.dtype)
        return entropies_BC * (1 + self.beta * ((1 + distances_BC / self.farthest).square() - 1))

    def distances(self, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) edges to the nearest gold label."""
        steps_BP = torch.where(gold_BC[:, self.above] > 0, self.steps, torch.inf)
        outside_BC = self.outside.expand_as(gold_BC)
        return outside_BC.scatter_reduce(1, self.below.expand_as(steps_BP), steps_BP, "amin")

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) sigmoids."""
        return torch.sigmoid(logits_BC)


def _ways_up(member: Member, offset: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the fewest edges upwards, within the labels that are asked for.

    Args:
        member: One hierarchy.
        offset: Added to the places of its labels.

    Returns:
        (3, pairs): a label, one of its ancestors or itself, the edges between them. (A,): edges up to the virtual
        root and down to another of its children.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(member.asked)))
    graph.add_edges_from(member.asked_edges.tolist())
    lengths = nx.all_pairs_shortest_path_length(graph)
    pairs = np.array([(down, up, num) for up, reached in lengths for down, num in reached.items()])
    is_top = np.isin(member.asked, member.hierarchy.roots)[pairs[:, 1]]
    outside = np.full(len(member.asked), len(member.asked) + 2)
    np.minimum.at(outside, pairs[is_top, 0], pairs[is_top, 2] + 2)
    return pairs.T + [[offset], [offset], [0]], outside
