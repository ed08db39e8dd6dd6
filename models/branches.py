"""HiMTL: one structure encoder per branch of the hierarchy behind one shared text encoder.

The paper trains n heads, one per child of the root, and adds their losses. Base model, projection and
masking are one computation on three lists of hierarchies: the whole one once, the n branches, the
whole one n times. This file makes the list, and owns the masks, the index maps, the loss weights and the
combination; it knows no model, and no model knows merges.

*Projection*: head i sees and predicts the labels V_i of its branch, trained by the mean over V_i. *Masking*:
head i sees all labels V, and the probabilities of foreign ones are multiplied by 0, so that they add
exactly 0 to the loss, which is the mean over V. Paper: equations 3 to 5. With equal logits the first
gradient is |V| / |V_i| times the second; `branch_reduction` puts both on either footing.

What a masked head would predict for foreign labels is used nowhere, so the rows of its classifier for them
are not built. They would learn nothing: the loss does not reach them, and weight decay and the recursive
regularisation, which on a DAG also ties them to the branch's own rows, would only shrink them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from datasets.hierarchy import Hierarchy
from models import Merge
from models.bce import BCE
from models.labels import LabelFacts, Member
from models.objective import Objective
from models.structure import StructureEncoder

NUMERICS = 2


class BranchHeads(nn.Module):
    """Wraps a structure encoder of any kind.

    A document outside a branch is a negative example for that branch's head. A label in several
    branches (on a DAG) is a label of each of them, and its probabilities are combined.

    Args:
        hierarchy: L labels.
        facts: What the counted documents say about them.
        build: Makes the structure encoder for a list of hierarchies.
        merge: The list: the whole hierarchy, its branches, or the whole hierarchy once per branch.
        objective: Makes the objective for the same list.
        combine: Of a label's probabilities over branches: the largest, the sum cut at 1, or the mean
            over the branches that hold the label. All are equal on trees.
        branch_reduction: A branch's loss is the mean over its own labels, or its sum over the number
            of all labels. The paper has the former under projection and the latter under masking.
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
        objective: Callable[[Sequence[Member]], Objective] = BCE,
        combine: Literal["max", "sum", "mean"] = "max",
        branch_reduction: Literal["mean_local", "mean_global"],
        recursive_penalty: float = 1e-6,
    ):
        super().__init__()
        everything = np.arange(len(hierarchy))
        branches = [everything] if merge == "none" else hierarchy.branches()
        if merge == "projection":
            members = [_restrict(hierarchy, facts, branch) for branch in branches]
        else:
            members = [Member(hierarchy, facts, asked=branch) for branch in branches]
        self.encoder = build(members)
        self.objective = objective(members)
        is_local = branch_reduction == "mean_local"
        divisors = [len(branch) if is_local else len(hierarchy) for branch in branches]
        weights = np.concatenate([np.full(len(b), 1 / d) for b, d in zip(branches, divisors, strict=True)])
        labels = np.concatenate(branches)
        self.combine = combine
        self.recursive_penalty = recursive_penalty
        self.num_labels = len(hierarchy)
        for name, values in {
            "labels": labels,  # (C,) the label that each logit is of.
            "weights": weights.astype(np.float32),
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
        """Returns (B, L) probabilities, combined over the branches that hold a label."""
        probabilities_BC = self.encoder.probabilities(output, self.objective)
        combined_BL = probabilities_BC.new_zeros(len(probabilities_BC), self.num_labels)
        if self.combine == "max":
            return combined_BL.scatter_reduce(1, self.labels.expand_as(probabilities_BC), probabilities_BC, "amax")
        combined_BL.index_add_(1, self.labels, probabilities_BC)
        return combined_BL.clamp(max=1) if self.combine == "sum" else combined_BL / self.multiplicity


def _restrict(hierarchy: Hierarchy, facts: LabelFacts, branch: npt.NDArray[np.int64]) -> Member:
    """Returns the branch, with what is said about its own labels and edges."""
    asked = np.arange(len(branch))
    return Member(hierarchy.sub(branch), facts.of(hierarchy, branch), asked, part_of=hierarchy)
