"""Reconstruction of HMGDN: a classifier per level, and a linear map from their predictions to the global ones.

Liu, Hu, Bai and Lin, 2024. Neither text nor program of the paper could be had. All that is known comes from HiMTL's
paper: separate classifiers for each level, and a linear operation from their joined predictions to the global one. This
file is one reading of that sentence; its scores are not scores of HMGDN.

    q = sigmoid(W t + b), level by level; the text encoder has the dropout on t
    z = M q + c, the prediction is sigmoid(z)
    loss = BCE(sigmoid(z)) + sum over levels of BCE(q of the level)

Ours: M starts as 4 times the identity and c at -2, so that at first a label's global prediction rises with its local
one and is one half where the local one is. `models/layers/level_losses.py` defines the means over labels, also under
branches. Local rows and M exist for predicted labels only, so that on a tree a masked head differs from a projected one
only in loss weights. The recursive regularisation pulls the rows of W. No scores of this reading are published.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.head_spec import HeadSpec
from models.layers.batched_matmul import matrices
from models.layers.level_losses import cross_entropy, level_factors
from models.layers.per_head import PerHeadReadout
from models.objectives.base import Objective
from models.structure_encoders.flat import Flat

NUMERICS = {"hmgdn": 1}
REFUSES = {"objective": "it adds the cross-entropies of a global output and of each level's local one"}
RECONSTRUCTION = "built from one sentence in another paper, since neither its text nor its program could be had"


class HMGDN(Flat):
    """Classifies each level from the text, as a flat layer, and all labels of a head from its levels' predictions.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
    """

    local_factors: Tensor

    def __init__(self, heads: Sequence[HeadSpec], text_width: int):
        super().__init__(heads, text_width)
        counts = [len(head.predicted) for head in heads]
        self.combine = PerHeadReadout(counts, counts, ())
        assert self.combine.bias is not None
        with torch.no_grad():
            self.combine.bias.fill_(-2)
            for matrix in matrices(self.combine.weight, self.combine.shapes):
                matrix.zero_().fill_diagonal_(4)
        self.register_buffer("local_factors", level_factors(heads), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_2BC, local ones first, then global ones."""
        local_BC = super().forward(text_BD)
        return torch.stack([local_BC, self.combine(torch.sigmoid(local_BC))])

    def loss(self, output: Tensor, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the cross-entropies of both outputs; the objective is not used."""
        return cross_entropy(output, gold_BC, self.local_factors * weights_C, weights_C).mean()

    def probabilities(self, output: Tensor, objective: Objective) -> Tensor:
        """Returns (B, C) global probabilities."""
        return torch.sigmoid(output[1])
