"""Building blocks that give every member of a list of hierarchies its own parameters in one computation.

The members' states lie one after the other in one tensor, and so do their parameters. What adds or
multiplies element by element goes over all of them at once; a matrix product is one call per member,
straight from its slice into its slice, so that a list of any sizes costs what its arithmetic costs. With a
single member every block equals the torch layer of its name.

Node states are laid out node by node, (U, B, H), so that a member's nodes are contiguous and sums over
neighbours add whole rows.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.head_spec import Member
from models.layers.batched_matmul import Shape, matrices, products

NUMERICS = {"per-head layers": 3}

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
    return torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes))


def sums_to(num: int, places: Tensor, rows: Tensor) -> Tensor:
    """Returns (num, ...): the sums of the rows that have the same place."""
    return rows.new_zeros(num, *rows.shape[1:]).index_add_(0, places, rows)


def uniform(sizes: Sequence[int], fan_ins: Sequence[int]) -> nn.Parameter:
    """Returns so many numbers for each member, flat, as `nn.Linear` draws its first weights and biases."""
    parameter = torch.empty(sum(sizes))
    for part, fan_in in zip(parameter.split(list(sizes)), fan_ins, strict=True):
        bound = 1 / math.sqrt(fan_in)
        part.uniform_(-bound, bound)
    return nn.Parameter(parameter)


def edge_penalty(weight: Tensor, edges: Tensor) -> Tensor:
    """Returns half the sum over edges of the squared distance of the two rows.

    Args:
        weight: (rows, features).
        edges: (2, E) pairs of rows.
    """
    penalty: Tensor = _EdgePenalty.apply(weight, edges)  # type: ignore[no-untyped-call]
    return penalty


class _EdgePenalty(torch.autograd.Function):
    """Written out because automatic differentiation goes over the weights three times as often."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, edges: Tensor) -> Tensor:
        difference = weight.index_select(0, edges[0])
        difference -= weight.index_select(0, edges[1])
        ctx.save_for_backward(difference, edges)
        ctx.num_rows = len(weight)
        # Not an inner product: that adds up in one run and loses digits.
        return 0.5 * difference.pow(2).sum()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        difference, edges = ctx.saved_tensors
        gradient = sums_to(ctx.num_rows, edges[0], difference)
        return gradient.index_add_(0, edges[1], difference, alpha=-1).mul_(grad), None


class RaggedLinear(nn.Module):
    """M linear maps side by side, from in_i to out_i features.

    Args:
        in_sizes: Features that each member reads.
        out_sizes: Features that each member writes.
        edges: Per member (E, 2) pairs of output features that `edge_penalty` pulls together; none if left out.
        has_bias: Whether a bias is added.
    """

    def __init__(
        self, in_sizes: Sequence[int], out_sizes: Sequence[int], edges: Sequence[Edges] = (), has_bias: bool = True
    ):
        super().__init__()
        self.shapes = list(zip(out_sizes, in_sizes, strict=True))
        self.weight = uniform([rows * columns for rows, columns in self.shapes], in_sizes)
        self.bias = uniform(out_sizes, in_sizes) if has_bias else None
        # Neighbours that read equally many features are one matrix, as far as its rows are concerned.
        self.runs: list[Shape] = []
        for width, run in groupby(range(len(edges)), key=lambda member: in_sizes[member]):
            members = list(run)
            rows = [out_sizes[member] for member in members]
            self.register_buffer(f"edges_{len(self.runs)}", join([edges[m] for m in members], rows), persistent=False)
            self.runs.append((sum(rows), width))

    def forward(self, features: Tensor) -> Tensor:
        """Maps (B, sum of in_sizes) to (B, sum of out_sizes)."""
        mapped = products(self.weight, features.t(), self.shapes).t()
        return mapped if self.bias is None else mapped + self.bias

    def edge_penalty(self) -> Tensor:
        """Returns half the sum over edges of the squared distance of the two features' weight rows."""
        runs = enumerate(matrices(self.weight, self.runs))
        return torch.stack([edge_penalty(rows, self.get_buffer(f"edges_{number}")) for number, rows in runs]).sum()


class MemberLinear(nn.Module):
    """One linear map per member, shared by all nodes of the member.

    Args:
        sizes: Nodes of each member.
        width_in: Features read.
        width_out: Features written.
        has_bias: Whether a bias is added.
    """

    member: Tensor

    def __init__(self, sizes: Sequence[int], width_in: int, width_out: int, has_bias: bool = True):
        super().__init__()
        fan_ins = [width_in] * len(sizes)
        self.sizes, self.shapes = sizes, [(width_out, width_in)] * len(sizes)
        self.weight = uniform([width_out * width_in] * len(sizes), fan_ins)
        self.bias = uniform([width_out] * len(sizes), fan_ins) if has_bias else None
        self.register_buffer("member", member_of(sizes), persistent=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """Maps (U, B, width_in) to (U, B, width_out)."""
        num_documents = nodes.shape[1]
        columns = [size * num_documents for size in self.sizes]
        mapped = products(self.weight, nodes.flatten(0, 1).t(), self.shapes, columns).t()
        mapped = mapped.unflatten(0, (-1, num_documents))
        if self.bias is None:
            return mapped
        return mapped + self.bias.view(len(self.sizes), -1)[self.member].unsqueeze(1)


class MemberBatchNorm(nn.Module):
    """Batch normalisation of each member over documents and its nodes: one `nn.BatchNorm1d` per member.

    A lone value, of a member with one node when there is one document, is its own mean and becomes 0.

    Args:
        sizes: Nodes of each member.
        width: Features.
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5
    member: Tensor
    nodes: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, sizes: Sequence[int], width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(len(sizes), width))
        self.bias = nn.Parameter(torch.zeros(len(sizes), width))
        self.register_buffer("running_mean", torch.zeros(len(sizes), width))
        self.register_buffer("running_var", torch.ones(len(sizes), width))
        self.register_buffer("member", member_of(sizes), persistent=False)
        self.register_buffer("nodes", torch.tensor(sizes, dtype=torch.float32)[:, None], persistent=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """Normalises (U, B, width), in the precision of the statistics."""
        nodes = nodes.to(self.weight.dtype)
        if self.training:
            counts = self.nodes * nodes.shape[1]
            normal, mean, variance = _Normalise.apply(nodes, self.weight, self.bias, self.member, counts, self.EPSILON)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.MOMENTUM)
                self.running_var.lerp_(variance * (counts / (counts - 1).clamp(min=1)), self.MOMENTUM)
            return normal
        scale = self.weight * (self.running_var + self.EPSILON).rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift[self.member].unsqueeze(1), nodes, scale[self.member].unsqueeze(1))


class _Normalise(torch.autograd.Function):
    """Written out because torch's own takes one member at a time, and autograd saves every step in between."""

    @staticmethod
    def forward(
        ctx: Any, nodes: Tensor, weight: Tensor, bias: Tensor, member: Tensor, counts: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = sums_to(len(counts), member, nodes.sum(1)) / counts
        normal = nodes - mean[member].unsqueeze(1)
        variance = sums_to(len(counts), member, normal.square().sum(1)) / counts
        scale = (variance + epsilon).rsqrt()
        normal *= scale[member].unsqueeze(1)
        ctx.save_for_backward(normal, weight * scale, member, counts)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias[member].unsqueeze(1), normal, weight[member].unsqueeze(1)), mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        normal, scale, member, counts = ctx.saved_tensors
        bias_grad = sums_to(len(counts), member, grad.sum(1))
        weight_grad = sums_to(len(counts), member, (grad * normal).sum(1))
        nodes_grad = torch.addcmul(grad, normal, (weight_grad / counts)[member].unsqueeze(1), value=-1)
        nodes_grad -= (bias_grad / counts)[member].unsqueeze(1)
        nodes_grad *= scale[member].unsqueeze(1)
        return nodes_grad, weight_grad, bias_grad, None, None, None
