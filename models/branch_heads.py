"""HiMTL: one structure encoder per branch of the hierarchy behind one shared text encoder.

The paper trains n heads, one per child of the root, and adds their losses. Base model, projection and
masking are one computation on three lists of hierarchies: the whole one once, the n branches, the
whole one n times. This file makes the list, and owns the masks, the index maps, the loss weights and the
combination; it knows no model, and no model knows merges.

*Projection*: head i sees and predicts the labels V_i of its branch, trained by the mean over V_i. *Masking*:
head i sees all labels V, and the probabilities of foreign ones are multiplied by 0, so that they add
exactly 0 to the loss, which is the mean over V. Paper: equations 3 to 5. With equal logits the first
gradient is |V| / |V_i| times the second; `branch_reduction` puts both on either footing. A plain sum would be |V|
times the latter, a constant that Adam does not feel. Corpora are closed under all parents, so what a label of several
branches is gold through need not be asked: its ancestors in each of them are gold too.

What a masked head would predict for foreign labels is used nowhere, so the rows of its classifier for them
are not built. They would learn nothing: the loss does not reach them, and weight decay and the recursive
regularisation, which on a DAG also ties them to the branch's own rows, would only shrink them.

*Coherence* is that no label is less probable than one of its descendants. Few models see to it, and on a DAG the
combination can break it even where every branch is coherent, as a label may lie in more branches than its ancestor. The
max constraint of C-HMCNN (Giunchiglia and Lukasiewicz 2020, see `models/objectives/max_constraint.py`), taken over the
combined probabilities, gives it to any model.

Two other splits are controls, for what of a gain is due to the hierarchy. *Random*: a permutation of the labels,
drawn from `SPLIT_SEED` and so the same for all trials of a corpus, is cut into sets of the branches' sizes; where
branches overlap, and their sizes add up to more than there are labels, the cutting goes on from its start, so that
every label is in at least one set and in none twice. A projected head then sees the edges within its set; priors keep
their values, though some siblings are elsewhere. *Copies*: as many heads as branches, each seeing and predicting all
labels, whose probabilities are combined like those of a label in all branches. A copy counts in the loss for as much
as a branch does on average: all together for n under `mean_local`, and for 1 under `mean_global` on a tree.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from models import Coherence, Merge, Split
from models.head_spec import LabelFacts, Member
from models.layers.ancestors import Closure
from models.objectives.base import Objective
from models.objectives.bce import BCE
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"branch heads": 2}
SPLIT_SEED = 20_250_115
"""Of the random split, which is the same for every trial seed."""

Labels = npt.NDArray[np.int64]


class BranchHeads(nn.Module):
    """Wraps a structure encoder of any kind.

    A document outside a branch is a negative example for that branch's head. A label in several
    branches (on a DAG) is a label of each of them, and its probabilities are combined.

    Args:
        hierarchy: L labels.
        facts: What the counted documents say about them.
        build: Makes the structure encoder for a list of hierarchies.
        merge: The list: the whole hierarchy, its branches, or the whole hierarchy once per branch.
        split: What the heads are for: the branches, or one of the controls; without meaning for one head.
        objective: Makes the objective for the same list.
        combine: Of a label's probabilities over branches: the largest, the sum cut at 1, or the mean
            over the branches that hold the label. All are equal on trees.
        branch_reduction: A branch's loss is the mean over its own labels, or its sum over the number
            of all labels. The paper has the former under projection and the latter under masking.
        coherence: Whether a label's combined probability is raised to the largest among its descendants.
        recursive_penalty: Weight of the structure encoder's recursive regularisation.
    """

    labels: Tensor
    weights: Tensor
    multiplicity: Tensor

    def __init__(
        self,
        hierarchy: Hierarchy,
        facts: LabelFacts,
        build: Callable[[Sequence[Member]], StructureEncoder],
        *,
        merge: Merge,
        split: Split = "hierarchy",
        objective: Callable[[Sequence[Member]], Objective] = BCE,
        combine: Literal["max", "sum", "mean"] = "max",
        branch_reduction: Literal["mean_local", "mean_global"],
        coherence: Coherence = "none",
        recursive_penalty: float = 1e-6,
    ):
        super().__init__()
        size = len(hierarchy)
        branches = [np.arange(size)] if merge == "none" else hierarchy.branches()
        sets = split_labels(size, branches, split)
        if merge == "projection" and split != "copies":
            members = [_restrict(hierarchy, facts, labels) for labels in sets]
        else:
            members = [Member(hierarchy, facts, asked=labels) for labels in sets]
        self.encoder = build(members)
        self.objective = objective(members)
        labels = np.concatenate(sets)
        if branch_reduction == "mean_local":
            divisors = np.repeat([len(own) for own in sets], [len(own) for own in sets])
        else:
            # All labels, of whichever branch; copies have more labels than the branches, and count for no more.
            divisors = np.full(len(labels), size * (len(labels) / sum(map(len, branches))))
        self.combine = combine
        self.closure = Closure([hierarchy.ancestors]) if coherence == "max_constraint" else None
        self.recursive_penalty = recursive_penalty
        self.num_labels = len(hierarchy)
        for name, values in {
            "labels": labels,  # (C,) the label that each logit is of.
            "weights": (1 / divisors).astype(np.float32),
            "multiplicity": np.bincount(labels, minlength=len(hierarchy)).astype(np.float32),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, text: Any) -> Any:
        """Returns the structure encoder's output for what it read of the text: logits_BC of every head's own labels."""
        return self.encoder(text)

    def loss(self, output: Any, gold_BL: Tensor) -> Tensor:
        """Returns the objective summed over branches, each a mean over labels, plus the regularisation.

        Args:
            output: From `forward`.
            gold_BL: 0 or 1, closed under ancestors.
        """
        loss = self.encoder.loss(output, gold_BL.index_select(1, self.labels), self.weights, self.objective)
        if self.recursive_penalty:
            loss = loss + self.recursive_penalty * self.encoder.recursive_penalty()
        return loss

    def probabilities(self, output: Any) -> Tensor:
        """Returns (B, L) probabilities, combined over the branches that hold a label, and coherent if so asked."""
        combined_BL = self._combined(self.encoder.probabilities(output, self.objective))
        return combined_BL if self.closure is None else self.closure.max_below(combined_BL)

    def _combined(self, probabilities_BC: Tensor) -> Tensor:
        combined_BL = probabilities_BC.new_zeros(len(probabilities_BC), self.num_labels)
        if self.combine == "max":
            return combined_BL.scatter_reduce(1, self.labels.expand_as(probabilities_BC), probabilities_BC, "amax")
        combined_BL.index_add_(1, self.labels, probabilities_BC)
        return combined_BL.clamp(max=1) if self.combine == "sum" else combined_BL / self.multiplicity


def split_labels(size: int, branches: Sequence[Labels], split: Split) -> list[Labels]:
    """Returns the sorted labels of each head: as many heads as branches.

    Args:
        size: Number of all labels.
        branches: Sorted labels of each branch; every label is in at least one.
        split: See `BranchHeads`.
    """
    if split == "copies":
        return [np.arange(size) for _ in branches]
    if split == "random":
        order = np.random.RandomState(SPLIT_SEED).permutation(size)
        ends = np.cumsum([len(branch) for branch in branches])
        return [np.sort(order[np.arange(end - len(own), end) % size]) for own, end in zip(branches, ends, strict=True)]
    return list(branches)


def _restrict(hierarchy: Hierarchy, facts: LabelFacts, labels: Labels) -> Member:
    """Returns the hierarchy of some labels, with what is said about them and the edges between them."""
    asked = np.arange(len(labels))
    return Member(hierarchy.sub(labels), facts.of(hierarchy, labels), asked, part_of=hierarchy)
