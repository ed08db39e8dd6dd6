"""Building blocks with one set of parameters per member of a list of hierarchies.

Members of equal shape are stacked and computed in one batched product, so a list costs what its
arithmetic costs. With one member each block is its PyTorch namesake.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.structure import Member

Edges = npt.NDArray[np.int64]


class RaggedLinear(nn.Module):
    """M independent linear maps, side by side.

    Args:
        in_sizes: Features that each member reads.
        out_sizes: Features that each member writes.
        edges: Per member (E, 2) pairs of output features that `edge_penalty` pulls together.
    """

    def __init__(self, in_sizes: Sequence[int], out_sizes: Sequence[int], edges: Sequence[Edges] | None = None):
        super().__init__()
        self.in_sizes, self.out_sizes = list(in_sizes), list(out_sizes)
        self.groups = group_equal(list(zip(in_sizes, out_sizes, strict=True)))
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for number, places in enumerate(self.groups):
            num_in, num_out = in_sizes[places[0]], out_sizes[places[0]]
            bound = 1 / math.sqrt(num_in)
            self.weights.append(nn.Parameter(torch.empty(len(places), num_out, num_in).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(len(places), num_out).uniform_(-bound, bound)))
            if edges is not None:
                pairs = np.concatenate([edges[place] + i * num_out for i, place in enumerate(places)])
                self.register_buffer(f"edges_{number}", torch.from_numpy(pairs), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, sum of in_sizes) to (B, sum of out_sizes)."""
        parts = x.split(self.in_sizes, dim=-1)
        written: list[Tensor] = [x] * len(parts)
        for places, weight, bias in zip(self.groups, self.weights, self.biases, strict=True):
            stacked = torch.stack([parts[place] for place in places])
            product = torch.baddbmm(bias[:, None], stacked, weight.transpose(1, 2))
            for place, one in zip(places, product.unbind(), strict=True):
                written[place] = one
        return torch.cat(written, dim=-1)

    def edge_penalty(self) -> Tensor:
        """Returns half the sum over edges of the squared distance of the two features' weight rows."""
        total = self.weights[0].new_zeros(())
        for number, weight in enumerate(self.weights):
            parents, children = self.get_buffer(f"edges_{number}").unbind(1)
            rows = weight.flatten(0, 1)
            total = total + 0.5 * (rows[parents] - rows[children]).pow(2).sum()
        return total


class MemberLinear(nn.Module):
    """One linear map per member, shared by all the member's rows.

    Args:
        sizes: Rows of each member.
        width_in: Features read.
        width_out: Features written.
        has_bias: Whether a bias is added.
    """

    def __init__(self, sizes: Sequence[int], width_in: int, width_out: int, has_bias: bool = True):
        super().__init__()
        self.sizes = list(sizes)
        self.groups = group_equal(self.sizes)
        bound = 1 / math.sqrt(width_in)
        self.weight = nn.Parameter(torch.empty(len(sizes), width_in, width_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(sizes), width_out).uniform_(-bound, bound)) if has_bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, sum of sizes, width_in) to (B, sum of sizes, width_out)."""
        batch = x.shape[0]
        parts = x.split(self.sizes, dim=1)
        written: list[Tensor] = [x] * len(parts)
        for places in self.groups:
            stacked = torch.stack([parts[place].flatten(0, 1) for place in places])
            product = torch.bmm(stacked, self.weight[places])
            if self.bias is not None:
                product = product + self.bias[places, None]
            for place, one in zip(places, product.unbind(), strict=True):
                written[place] = one.view(batch, self.sizes[place], -1)
        return torch.cat(written, dim=1)


class MemberBatchNorm(nn.Module):
    """Batch normalisation per member, over documents and the member's rows.

    Equal to one `BatchNorm1d` per member. In training a member with a single value per feature has
    no variance; it is normalised by the running statistics and leaves them alone.

    Args:
        sizes: Rows of each member.
        width: Features.
    """

    running_mean: Tensor
    running_var: Tensor
    member: Tensor
    sizes: Tensor

    def __init__(self, sizes: Sequence[int], width: int, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(len(sizes), width))
        self.bias = nn.Parameter(torch.zeros(len(sizes), width))
        self.register_buffer("running_mean", torch.zeros(len(sizes), width))
        self.register_buffer("running_var", torch.ones(len(sizes), width))
        counts = torch.tensor(sizes)
        self.register_buffer("member", torch.repeat_interleave(counts), persistent=False)
        self.register_buffer("sizes", counts, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalises (B, sum of sizes, width)."""
        mean, var = self._batch_statistics(x) if self.training else (self.running_mean, self.running_var)
        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - mean * scale
        return x * scale[self.member] + shift[self.member]

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        count = self.sizes[:, None] * x.shape[0]
        mean = self._sum_by_member(x.sum(0)) / count
        var = self._sum_by_member((x - mean[self.member]).pow(2).sum(0)) / count
        enough = count > 1
        with torch.no_grad():
            unbiased = var * count / (count - 1).clamp(min=1)
            self.running_mean.lerp_(torch.where(enough, mean, self.running_mean), self.momentum)
            self.running_var.lerp_(torch.where(enough, unbiased, self.running_var), self.momentum)
        return torch.where(enough, mean, self.running_mean), torch.where(enough, var, self.running_var)

    def _sum_by_member(self, x: Tensor) -> Tensor:
        return x.new_zeros(len(self.sizes), x.shape[-1]).index_add(0, self.member, x)


def group_equal(shapes: Sequence[object]) -> list[list[int]]:
    """Returns the places of equal entries, grouped, in order of first appearance."""
    groups: dict[object, list[int]] = {}
    for place, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(place)
    return list(groups.values())


def union_edges(members: Sequence[Member]) -> Tensor:
    """Returns (2, E) the members' edges in one disjoint union, nodes numbered on from member to member."""
    offsets = np.cumsum([0, *(len(member.hierarchy) for member in members)])
    edges = [member.hierarchy.edges + offset for member, offset in zip(members, offsets, strict=False)]
    return torch.from_numpy(np.concatenate(edges).T.copy())
