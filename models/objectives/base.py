"""Base class of objectives: how logits become a loss, and how they become probabilities.

Published programs sum over labels; here every objective is weighted, a label by one over the number of labels. Adam
does not feel this constant factor, but gradient clipping and the recursive regularisation do.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from models.head_spec import HeadSpec

NUMERICS = {"objective": 1}


class Objective(nn.Module):
    """Loss of one logit per predicted label, and the probabilities that it trains.

    A subclass takes `(heads, *, options)`: its keyword-only parameters are the options that a sweep file may set. It
    sees the predicted labels head by head and knows no model.

    Args:
        heads: Specification of each head.
    """

    meaning: Literal["probabilities", "scores"] = "probabilities"
    """What `probabilities` returns: such, or other values in [0, 1] that are predictions above 0.5."""

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__()
        self.heads = tuple(heads)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C): each label's contribution to a document's loss, before labels are weighted.

        Args:
            logits_BC: Logits of the predicted labels, one head after the other.
            gold_BC: 0 or 1, closed under ancestors.
        """
        raise NotImplementedError

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) probabilities of the same labels."""
        raise NotImplementedError
