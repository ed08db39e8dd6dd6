"""Squared hinge loss: each label's logit is trained as the margin of a linear SVM.

Paper: Tang, *Deep Learning using Linear Support Vector Machines*, ICML workshop on representation learning 2013; the
loss of LIBLINEAR's linear SVM (Fan et al., JMLR 2008):

    max(0, 1 - y z)^2   with   y = 1 for gold labels, -1 for all others

Documents beyond their margin have no gradient, so that a rare label is not held down by the many that do not have it.
Meant for multi-label decisions at 0.5: a value is the logistic function of 4 z. It is no probability, but 0.5 is where
the margin is 0. The hierarchy plays no part in it.
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.objectives.base import Objective

NUMERICS = {"squared_hinge": 1}
READS_HIERARCHY = False
STEEPNESS = 4.0
"""What margins are multiplied by before the logistic function, as in `models.systems.one_vs_rest`."""


class SquaredHinge(Objective):
    """Squared hinge loss of each label.

    Args:
        heads: Specification of each head.
    """

    meaning = "scores"

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) squared distances from the margin, 0 beyond it."""
        return functional.relu(1 - (2 * gold_BC - 1) * logits_BC) ** 2

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) logistic functions of four times the logits."""
        return torch.sigmoid(STEEPNESS * logits_BC)
