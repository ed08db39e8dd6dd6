"""What models with one classifier per level of the hierarchy share: levels, and how their losses are weighted.

A level is the longest distance from the virtual root, so that on a DAG every parent is on an earlier level. In a
branch levels are counted within the branch: its root is level 1.

Such a model's loss is a mean over all labels for its global output and, for its local ones, a sum over levels of
the mean over a level's labels. The weights that a label is given in the loss are for a mean over all labels of its
member. A local term is therefore multiplied by the member's number of labels over its level's: of a whole hierarchy
this is the papers' loss, of a branch whose loss is the mean over its own labels the papers' loss of that branch, and
where a branch counts for its share of all labels (`mean_global`) that share of it. Of labels that are not asked for,
as those of other branches under masking, nothing is counted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import Member

NUMERICS = {"level losses": 1}


def asked_levels(member: Member) -> npt.NDArray[np.int64]:
    """Returns (A,) the level of each asked label."""
    levels: npt.NDArray[np.int64] = member.hierarchy.levels[member.asked]
    return levels


def level_factors(members: Sequence[Member]) -> Tensor:
    """Returns (C,) what turns a mean over a member's asked labels into the sum of the means over its levels'."""
    factors = []
    for member in members:
        _, places, counts = np.unique(asked_levels(member), return_inverse=True, return_counts=True)
        factors.append(len(member.asked) / counts[places])
    return torch.from_numpy(np.concatenate(factors).astype(np.float32))


def cross_entropy(logits_2BC: Tensor, gold_BC: Tensor, local_weights_C: Tensor, global_weights_C: Tensor) -> Tensor:
    """Returns (B,) the weighted sums over labels of both outputs' binary cross-entropies.

    Args:
        logits_2BC: The local ones, then the global ones.
        gold_BC: 0 or 1.
        local_weights_C: Weights of the local terms.
        global_weights_C: Weights of the global terms.
    """
    terms_2BC = functional.binary_cross_entropy_with_logits(logits_2BC, gold_BC.expand_as(logits_2BC), reduction="none")
    weighted_B: Tensor = terms_2BC[0] @ local_weights_C + terms_2BC[1] @ global_weights_C
    return weighted_B
