"""Reconstruction of the hybrid loss: a mixture of local and global cross-entropies on the body of HMCN-F.

Qi and Chelmis, IEEE BigData 2023, pages 819 to 828. Neither text nor program of the paper could be had. All that is
known comes from HiMTL's paper: it combines local and global predictions. This file is one reading of that; its scores
are not scores of the paper. On the states and classifiers of HMCN-F (`models/structure_encoders/hmcn.py`)

    P = alpha P_G + (1 - alpha) P^l
    loss = alpha BCE(P_G) + (1 - alpha) x mean over levels l of BCE(P^l)
           + lambda x sum over edges from p to q of max(0, P_q - P_p)^2

with alpha 0.5 and lambda 0.1. It differs from HMCN-F in the weight of the local terms: the deeper the hierarchy, the
smaller. Means over labels, also under branches, are those of HMCN-F; levels without predicted labels do not count. No
scores of this reading are published.
"""

from collections.abc import Sequence

import torch

from harness.core.registry import Positive, Share, Weight
from models.head_spec import HeadSpec
from models.layers.level_losses import predicted_levels
from models.structure_encoders.hmcn import HMCN

NUMERICS = {"hybrid_loss": 1}
REFUSES = {"objective": "it is a mixture of a global and of local cross-entropies"}
RECONSTRUCTION = "built from one sentence in another paper, since neither its text nor its program could be had"


class HybridLoss(HMCN):
    """HMCN-F with the mean over levels in place of the sum.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        alpha: Share of the global output, in the loss and in the prediction.
        width: Width of each layer.
        violation: Weight lambda of the penalty on labels that are more probable than their parents.
        dropout: Dropout on the states and on the local classifiers' hidden layers.
    """

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        alpha: Share = 0.5,
        width: Positive = 384,
        violation: Weight = 0.1,
        dropout: Share = 0.6,
    ):
        super().__init__(heads, text_width, width=width, beta=1 - alpha, violation=violation, dropout=dropout)
        num_levels = torch.tensor([len(set(predicted_levels(head).tolist())) for head in heads])
        self.global_factor = alpha
        self.local_factors = (1 - alpha) * self.local_factors / num_levels[self.head]
