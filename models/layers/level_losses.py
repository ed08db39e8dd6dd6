"""Losses of models with one classifier per level of the hierarchy: levels, weights, and cross-entropies.

A level is the longest distance from the virtual root, so that on a DAG every parent is on an earlier level. In a branch
levels are counted within the branch: its top label is on level 1.

Such a model's loss is a mean over all labels for its global output plus, for the local outputs, a sum over levels of
the mean over the level's labels. A label's weight in the loss makes a mean over all labels of its head, so a local term
is multiplied by the head's number of labels over its level's. For a whole hierarchy this is the papers' loss; for a
branch with a mean of its own it is the papers' loss of that branch; under `mean_global` it is the branch's share of
that. Labels that a head does not predict, such as those of other branches under masking, are not counted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import HeadSpec

NUMERICS = {"level losses": 1}


def predicted_levels(head: HeadSpec) -> npt.NDArray[np.int64]:
    """Returns (A,) the level of each predicted label."""
    levels: npt.NDArray[np.int64] = head.hierarchy.levels[head.predicted]
    return levels


def level_factors(heads: Sequence[HeadSpec]) -> Tensor:
    """Returns (C,) factors that turn a mean over a head's labels into a sum over its levels of means over theirs."""
    factors = []
    for head in heads:
        _, places, counts = np.unique(predicted_levels(head), return_inverse=True, return_counts=True)
        factors.append(len(head.predicted) / counts[places])
    return torch.from_numpy(np.concatenate(factors).astype(np.float32))


def cross_entropy(logits_2BC: Tensor, gold_BC: Tensor, local_weights_C: Tensor, global_weights_C: Tensor) -> Tensor:
    """Returns (B,) weighted sums over labels of the binary cross-entropies of local and global logits.

    Args:
        logits_2BC: Local logits, then global ones.
        gold_BC: 0 or 1.
        local_weights_C: Weights of the local terms.
        global_weights_C: Weights of the global terms.
    """
    terms_2BC = functional.binary_cross_entropy_with_logits(logits_2BC, gold_BC.expand_as(logits_2BC), reduction="none")
    weighted_B: Tensor = terms_2BC[0] @ local_weights_C + terms_2BC[1] @ global_weights_C
    return weighted_B
