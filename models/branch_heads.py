"""HiMTL branch heads: one structure encoder per branch of the label hierarchy behind one shared text encoder.

The paper trains n heads, one per child of the root, and adds their losses. Base model, projection and masking are one
computation on three lists of hierarchies: the whole one once, the n branches, the whole one n times. This file makes
the list and owns the masks, the index maps, the loss weights and the combination; it knows no model, and no model knows
merges.

*Projection*: head i sees and predicts the labels V_i of its branch, trained by the mean over V_i. *Masking*: head i
sees all labels V; probabilities of foreign labels are multiplied by 0 and add exactly 0 to the loss, which is the mean
over V (equations 3 to 5). With equal logits the first gradient is |V| / |V_i| times the second; `branch_reduction` puts
both on either footing. A plain sum would be |V| times the latter, a constant that Adam does not feel. Corpora are
closed under all parents, so a label of several branches is gold together with its ancestors in each of them.

A masked head's classifier has no rows for foreign labels, whose predictions are never used: the loss does not reach
such rows, and weight decay and the recursive regularisation only shrink them. The paper builds them. `foreign_rows`
does too, at the paper's cost in parameters, time and regularisation; with the same weights no prediction changes.

*Coherence*: no label is less probable than one of its descendants. Few models ensure it, and on a DAG the combination
can break it even where every branch is coherent, as a label may lie in more branches than its ancestor. The max
constraint (`models/objectives/max_constraint.py`) over the combined probabilities gives it to any model.

Three other splits are controls that tell how much of a gain is due to the hierarchy. *Level*: the horizontal split of
the paper's figure 1, a head for all labels at the same longest distance from the root. No edge joins two labels of a
level, so that under projection a head has no edges, and its structure encoder passes nothing on; under masking it has
the whole hierarchy. *Random*: a permutation of the labels, drawn from `SPLIT_SEED`, is cut into sets of the branches'
sizes. Where branches overlap, and their sizes add up to more than the number of labels, the cutting starts again from
the beginning: every label is in at least one set and in no set twice. A projected head then sees the edges within its
set; priors keep their values, though some siblings are elsewhere. *Copies*: as many heads as branches, each for all
labels, combined like a label that lies in all branches. A copy counts in the loss as much as a branch does on average:
all together n under `mean_local`, and 1 under `mean_global` on a tree.

*Conflict*: the paper's mechanism is that branches share a text encoder. Whether they pull it one way is told by the
cosines between the gradients of their losses: `branch_losses`, and `models/branch_cosines.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import Meaning
from models import BranchReduction, Coherence, Combine, HeadSplit, Merge
from models.head_spec import HeadSpec, LabelFacts
from models.layers.ancestors import Closure
from models.objectives.base import Objective
from models.objectives.bce import BCE
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"branch heads": 2}
SPLIT_SEED = 20_250_115
"""Seed of the random split, the same in trials of every seed."""

Labels = npt.NDArray[np.int64]


class BranchHeads(nn.Module):
    """Branch heads around a structure encoder of any kind.

    A document outside a branch is a negative example for that branch's head. A label in several branches (on a DAG) is
    a label of each of them, and its probabilities are combined.

    Args:
        hierarchy: L labels.
        facts: Counts of documents for these labels.
        build: Constructor of the structure encoder for a list of heads.
        merge: List of hierarchies: the whole one, its branches, or the whole one once per branch.
        split: Labels of each head: its branch, or one of the controls; without effect for a single head.
        objective: Constructor of the objective for the same list.
        combine: Combination of a label's probabilities over the branches that hold it: the largest, the sum capped at
            1, or the mean. All three are equal on trees.
        branch_reduction: Divisor of a branch's loss: the number of its own labels (the paper's choice under projection)
            or of all labels (under masking).
        coherence: Whether a label's combined probability is raised to the largest among its descendants.
        recursive_penalty: Weight of the structure encoder's recursive regularisation.
        foreign_rows: Whether the classifier of a masked head also has rows for the labels that it does not predict.
    """

    labels: Tensor
    weights: Tensor
    head: Tensor
    multiplicity: Tensor

    def __init__(
        self,
        hierarchy: Hierarchy,
        facts: LabelFacts,
        build: Callable[[Sequence[HeadSpec]], StructureEncoder],
        *,
        merge: Merge,
        split: HeadSplit = "hierarchy",
        objective: Callable[[Sequence[HeadSpec]], Objective] = BCE,
        combine: Combine = "max",
        branch_reduction: BranchReduction,
        coherence: Coherence = "none",
        recursive_penalty: float = 1e-6,
        foreign_rows: bool = False,
    ):
        super().__init__()
        size = len(hierarchy)
        if merge == "none":
            branches = [np.arange(size)]
        else:
            branches = levels(hierarchy) if split == "level" else hierarchy.branches()
        sets = split_labels(size, branches, split)
        if merge == "projection" and split != "copies":
            heads = [_restrict(hierarchy, facts, labels) for labels in sets]
        else:
            heads = [HeadSpec(hierarchy, facts, predicted=labels, foreign_rows=foreign_rows) for labels in sets]
        self.structure = build(heads)
        self.objective = objective(heads)
        labels = np.concatenate(sets)
        if branch_reduction == "mean_local":
            divisors = np.repeat([len(own) for own in sets], [len(own) for own in sets])
        else:
            # Number of all labels; copies have more labels than the branches, and count for no more.
            divisors = np.full(len(labels), size * (len(labels) / sum(map(len, branches))))
        self.combine = combine
        self.closure = Closure([hierarchy.ancestors]) if coherence == "max_constraint" else None
        self.recursive_penalty = recursive_penalty
        self.num_labels = len(hierarchy)
        for name, values in {
            "labels": labels,  # (C,) the label of each logit.
            "weights": (1 / divisors).astype(np.float32),
            "head": np.repeat(np.arange(len(sets)), [len(own) for own in sets]),
            "multiplicity": np.bincount(labels, minlength=len(hierarchy)).astype(np.float32),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, text: Any) -> Any:
        """Returns the structure encoder's output for a text: for most models logits_BC of the labels of every head."""
        return self.structure(text)

    @property
    def meaning(self) -> Meaning:
        """What the probabilities are: the structure encoder's labels, or what the objective makes of logits."""
        return "labels" if self.structure.meaning == "labels" else self.objective.meaning

    def loss(self, output: Any, gold_BL: Tensor) -> Tensor:
        """Returns the objective summed over branches, each a mean over labels, plus the regularisation.

        Args:
            output: Output of `forward`.
            gold_BL: 0 or 1, closed under ancestors.
        """
        loss = self._weighted(output, gold_BL, self.weights)
        if self.recursive_penalty:
            loss = loss + self.recursive_penalty * self.structure.recursive_penalty()
        return loss

    def branch_losses(self, output: Any, gold_BL: Tensor) -> list[Tensor]:
        """Returns each head's part of the loss, without the regularisation; arguments as in `loss`."""
        num_heads = len(self.structure.heads)
        return [self._weighted(output, gold_BL, self.weights * (self.head == i)) for i in range(num_heads)]

    def _weighted(self, output: Any, gold_BL: Tensor, weights_C: Tensor) -> Tensor:
        return self.structure.loss(output, gold_BL.index_select(1, self.labels), weights_C, self.objective)

    def probabilities(self, output: Any) -> Tensor:
        """Returns (B, L) probabilities, combined over the branches of a label, and coherent if `coherence` says so."""
        combined_BL = self._combined(self.structure.probabilities(output, self.objective))
        return combined_BL if self.closure is None else self.closure.max_below(combined_BL)

    def _combined(self, probabilities_BC: Tensor) -> Tensor:
        combined_BL = probabilities_BC.new_zeros(len(probabilities_BC), self.num_labels)
        if self.combine == "max":
            return combined_BL.scatter_reduce(1, self.labels.expand_as(probabilities_BC), probabilities_BC, "amax")
        combined_BL.index_add_(1, self.labels, probabilities_BC)
        return combined_BL.clamp(max=1) if self.combine == "sum" else combined_BL / self.multiplicity


def levels(hierarchy: Hierarchy) -> list[Labels]:
    """Returns the sorted labels of each level: those at the same longest distance from the root, the top ones first."""
    return [np.flatnonzero(hierarchy.levels == level) for level in np.unique(hierarchy.levels)]


def split_labels(size: int, branches: Sequence[Labels], split: HeadSplit) -> list[Labels]:
    """Returns the sorted labels of each head: as many heads as branches, or levels.

    Args:
        size: Number of all labels.
        branches: Sorted labels of each branch, or level; every label is in at least one.
        split: Kind of split, see `BranchHeads`.
    """
    if split == "copies":
        return [np.arange(size) for _ in branches]
    if split == "random":
        order = np.random.RandomState(SPLIT_SEED).permutation(size)
        ends = np.cumsum([len(branch) for branch in branches])
        return [np.sort(order[np.arange(end - len(own), end) % size]) for own, end in zip(branches, ends, strict=True)]
    return list(branches)


def _restrict(hierarchy: Hierarchy, facts: LabelFacts, labels: Labels) -> HeadSpec:
    """Returns the head of a set of labels, with the edges between them and their counts."""
    predicted = np.arange(len(labels))
    return HeadSpec(hierarchy.sub(labels), facts.of(hierarchy, labels), predicted, whole=hierarchy)
