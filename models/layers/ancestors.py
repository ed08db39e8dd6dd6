"""Ancestor closure: all pairs of a label and an ancestor, for maxima over descendants and sums over ancestors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.layers.per_head import concat_edges

NUMERICS = {"ancestors": 1}


class Closure(nn.Module):
    """Pairs of each label and each of its ancestors, itself included, for hierarchies side by side.

    Args:
        reaches: (A, A) booleans per hierarchy: [v, a] is true where a is v itself or an ancestor of v.
    """

    below: Tensor
    above: Tensor

    def __init__(self, reaches: Sequence[npt.NDArray[np.bool_]]):
        super().__init__()
        below, above = concat_edges([np.argwhere(reach) for reach in reaches], [len(reach) for reach in reaches])
        self.register_buffer("below", below, persistent=False)
        self.register_buffer("above", above, persistent=False)

    def max_below(self, values_BC: Tensor) -> Tensor:
        """Returns, for each label, the largest value among its descendants, its own included."""
        places = self.above.expand(len(values_BC), -1)
        return torch.full_like(values_BC, -torch.inf).scatter_reduce(1, places, values_BC[:, self.below], "amax")

    def sum_above(self, values_BC: Tensor) -> Tensor:
        """Returns, for each label, the sum of the values of its ancestors, its own included."""
        return torch.zeros_like(values_BC).index_add(1, self.below, values_BC[:, self.above])
