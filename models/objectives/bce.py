"""Binary cross-entropy: every label is a decision of its own, as in HiAGM, HiTIN and HiMTL.

- y log p - (1 - y) log(1 - p) with p = sigmoid(z), label by label; the hierarchy plays no part in it.
(The published evaluation of Plaud et al., CoNLL 2024, also lowers a label's probability to its parent's; nothing here
does.)
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.objectives.base import Objective

NUMERICS = {"bce": 1}
READS_HIERARCHY = False


class BCE(Objective):
    """Sigmoid and binary cross-entropy of each label.

    Args:
        heads: Specification of each head.
    """

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) cross-entropies."""
        return functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) sigmoids."""
        return torch.sigmoid(logits_BC)
