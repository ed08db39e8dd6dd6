"""Building blocks that give every member of a list of hierarchies its own parameters in one computation.

Members of equal shape are a group: their parameters are one tensor and their products one batched
product, so that a list costs what its arithmetic costs, and at worst one call per member, never one
per label. With a single member every block equals the torch layer of its name.

Node states are laid out node by node, (U, B, H), so that a member's nodes are contiguous and sums over
neighbours add whole rows.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.structure import Member

NUMERICS = 2

Edges = npt.NDArray[np.int64]


def union_edges(members: Sequence[Member]) -> Tensor:
    """Returns (2, E) parents and children of the members' edges, nodes numbered on from member to member."""
    return join([member.hierarchy.edges for member in members], [len(member.hierarchy) for member in members])


def join(edges: Sequence[Edges], sizes: Sequence[int]) -> Tensor:
    """Returns (2, E) edges of graphs of these sizes, nodes numbered on from graph to graph."""
    offsets = np.cumsum([0, *sizes[:-1]])
    pairs = np.concatenate([own + offset for own, offset in zip(edges, offsets, strict=True)])
    return torch.from_numpy(pairs.T.copy())


def member_of(sizes: Sequence[int]) -> Tensor:
    """Returns for each of the U nodes the place of its member."""
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))


def edge_penalty(weight: Tensor, edges: Tensor) -> Tensor:
    """Returns half the sum over edges of the squared distance of the two rows.

    Args:
        weight: (..., features); the dimensions before the last one make the rows.
        edges: (2, E) pairs of rows.
    """
    penalty: Tensor = _EdgePenalty.apply(weight, edges)  # type: ignore[no-untyped-call]
    return penalty


class _EdgePenalty(torch.autograd.Function):
    """Written out because automatic differentiation goes over the weights three times as often."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, edges: Tensor) -> Tensor:
        rows = weight.flatten(0, -2)
        difference = rows.index_select(0, edges[0])
        difference -= rows.index_select(0, edges[1])
        ctx.save_for_backward(difference, edges)
        ctx.shape = weight.shape
        # Not an inner product: that adds up in one run and loses digits.
        return 0.5 * difference.pow(2).sum()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        difference, edges = ctx.saved_tensors
        # A tensor of its own in the weight's shape, so that the other gradient is added in place.
        gradient = difference.new_zeros(ctx.shape)
        rows = gradient.flatten(0, -2)
        rows.index_add_(0, edges[0], difference).index_add_(0, edges[1], difference, alpha=-1)
        return gradient.mul_(grad), None


class Grouped(nn.Module):
    """Takes a tensor apart into members along a dimension, stacked by group, and puts it together again.

    Args:
        shapes: Per member; members of equal shape are a group, groups in the order of first members.
        sizes: What each member takes of the dimension.
        dim: The dimension.
    """

    def __init__(self, shapes: Sequence[Hashable], sizes: Sequence[int], dim: int):
        super().__init__()
        by_shape: dict[Hashable, list[int]] = {}
        for member, shape in enumerate(shapes):
            by_shape.setdefault(shape, []).append(member)
        self.groups = list(by_shape.values())
        self.sizes, self.dim = list(sizes), dim

    def apart(self, joined: Tensor) -> list[Tensor]:
        """Returns each group's members stacked along a new first dimension."""
        if len(self.groups) == 1:
            return [joined.unflatten(self.dim, (len(self.sizes), -1)).movedim(self.dim, 0)]
        parts = joined.split(self.sizes, self.dim)
        return [
            torch.stack([parts[member] for member in group]) if len(group) > 1 else parts[group[0]].unsqueeze(0)
            for group in self.groups
        ]

    def together(self, stacks: Sequence[Tensor]) -> Tensor:
        """Returns the members of all groups in their order, along the dimension."""
        if len(self.groups) == 1:
            return stacks[0].movedim(0, self.dim).flatten(self.dim, self.dim + 1)
        parts: dict[int, Tensor] = {}
        for group, stack in zip(self.groups, stacks, strict=True):
            parts.update(zip(group, stack.unbind(), strict=True))
        return torch.cat([parts[member] for member in range(len(self.sizes))], self.dim)


def uniform(*shape: int, fan_in: int) -> nn.Parameter:
    """Returns a parameter with the initial distribution of `nn.Linear`."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class RaggedLinear(Grouped):
    """M linear maps side by side, from in_i to out_i features.

    Args:
        in_sizes: Features that each member reads.
        out_sizes: Features that each member writes.
        edges: Per member (E, 2) pairs of output features that `edge_penalty` pulls together.
    """

    def __init__(self, in_sizes: Sequence[int], out_sizes: Sequence[int], edges: Sequence[Edges]):
        super().__init__(list(zip(in_sizes, out_sizes, strict=True)), in_sizes, dim=1)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for number, group in enumerate(self.groups):
            num_in, num_out = in_sizes[group[0]], out_sizes[group[0]]
            self.weights.append(uniform(len(group), num_out, num_in, fan_in=num_in))
            self.biases.append(uniform(len(group), num_out, fan_in=num_in))
            union = join([edges[member] for member in group], [num_out] * len(group))
            self.register_buffer(f"edges_{number}", union, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Maps (B, sum of in_sizes) to (B, sum of out_sizes)."""
        # Weights on the left, so that their gradient comes out in their own layout.
        return self.together(
            [
                torch.baddbmm(bias.unsqueeze(2), weight, stack.transpose(1, 2)).transpose(1, 2)
                for stack, weight, bias in zip(self.apart(features), self.weights, self.biases, strict=True)
            ]
        )

    def edge_penalty(self) -> Tensor:
        """Returns half the sum over edges of the squared distance of the two features' weight rows."""
        terms = [edge_penalty(weight, self.get_buffer(f"edges_{number}")) for number, weight in enumerate(self.weights)]
        return torch.stack(terms).sum()


class MemberLinear(Grouped):
    """One linear map per member, shared by all nodes of the member.

    Args:
        sizes: Nodes of each member.
        width_in: Features read.
        width_out: Features written.
        has_bias: Whether a bias is added.
    """

    def __init__(self, sizes: Sequence[int], width_in: int, width_out: int, has_bias: bool = True):
        super().__init__(sizes, sizes, dim=0)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for group in self.groups:
            self.weights.append(uniform(len(group), width_out, width_in, fan_in=width_in))
            if has_bias:
                self.biases.append(uniform(len(group), width_out, fan_in=width_in))

    def forward(self, nodes: Tensor) -> Tensor:
        """Maps (U, B, width_in) to (U, B, width_out)."""
        mapped = []
        for number, (stack, weight) in enumerate(zip(self.apart(nodes), self.weights, strict=True)):
            rows, transposed = stack.flatten(1, 2), weight.transpose(1, 2)
            if len(self.biases):
                product = torch.baddbmm(self.biases[number].unsqueeze(1), rows, transposed)
            else:
                product = torch.bmm(rows, transposed)
            mapped.append(product.unflatten(1, stack.shape[1:3]))
        return self.together(mapped)


class MemberBatchNorm(Grouped):
    """Batch normalisation of each member over documents and its nodes: one `nn.BatchNorm1d` per member.

    In training a member with one node and one document has no variance: it is normalised by its running
    statistics and leaves them as they are.

    Args:
        sizes: Nodes of each member.
        width: Features.
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5

    def __init__(self, sizes: Sequence[int], width: int):
        super().__init__(sizes, sizes, dim=0)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for number, group in enumerate(self.groups):
            self.weights.append(torch.ones(len(group), width))
            self.biases.append(torch.zeros(len(group), width))
            self.register_buffer(f"running_mean_{number}", torch.zeros(len(group), width))
            self.register_buffer(f"running_var_{number}", torch.ones(len(group), width))

    def forward(self, nodes: Tensor) -> Tensor:
        """Normalises (U, B, width)."""
        return self.together([self._normalise(number, stack) for number, stack in enumerate(self.apart(nodes))])

    def _normalise(self, number: int, stack: Tensor) -> Tensor:
        """Normalises (members of the group, nodes, B, width), members side by side as channels."""
        rows = stack.flatten(1, 2).transpose(0, 1)
        normal = functional.batch_norm(
            rows.flatten(1),
            self.get_buffer(f"running_mean_{number}").view(-1),
            self.get_buffer(f"running_var_{number}").view(-1),
            self.weights[number].view(-1),
            self.biases[number].view(-1),
            training=self.training and len(rows) > 1,
            momentum=self.MOMENTUM,
            eps=self.EPSILON,
        )
        return normal.view(rows.shape).transpose(0, 1).unflatten(1, stack.shape[1:3])
