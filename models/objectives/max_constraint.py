"""MCLoss and the max constraint of C-HMCNN: a label is at least as probable as each of its descendants.

Paper: Giunchiglia and Lukasiewicz, *Coherent Hierarchical Multi-Label Classification Networks*, NeurIPS 2020, equations
1 to 3. With D(A) the descendants of A, A included, and h the sigmoids of the logits:

    MCM_A = max over B in D(A) of h_B
    MCLoss_A = - y_A ln(max over B in D(A) of y_B h_B) - (1 - y_A) ln(1 - MCM_A)

so that a gold label is credited with a descendant's probability only where that descendant is gold too. Trees and DAGs
are alike: D comes from the closure. In a branch D is complete, since a branch holds all descendants of its labels; in
the sets of a random split D has the descendants that edges within the set lead to, or under masking all of the set.
Branches that share labels, on a DAG, may each be coherent and together not: `coherence: max_constraint`, the default
with this objective, takes the maximum once more over the combined probabilities.

Maxima are taken over logits, where they are at the same labels as those of the sigmoids: exact, without the double
precision that the published program needs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import HeadSpec
from models.layers.ancestors import Closure
from models.objectives.base import Objective

NUMERICS = {"max_constraint": 1}
COHERENCE = "max_constraint"
REFUSES_OPTIONS = {"logit_dropout": "what is dropped is a probability of a half, and would often be the maximum"}


class MaxConstraint(Objective):
    """Binary cross-entropy through the max constraint.

    Args:
        heads: Specification of each head.
    """

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__(heads)
        self.closure = Closure([head.predicted_ancestors for head in heads])

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) MCLoss of each label."""
        held_BC = self.closure.max_below(logits_BC.masked_fill(gold_BC == 0, -torch.inf))
        constrained_BC = torch.where(gold_BC > 0, held_BC, self.closure.max_below(logits_BC))
        return functional.binary_cross_entropy_with_logits(constrained_BC, gold_BC, reduction="none")

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) MCM: no label is below one of its descendants."""
        return torch.sigmoid(self.closure.max_below(logits_BC))
