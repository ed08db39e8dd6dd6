"""Layers with parameters for each head, computed for all heads at once: linear maps, batch norm, sums over edges.

The heads' states are stored one after the other in one tensor, and so are their parameters. Element-wise operations run
over all of them at once; a matrix product is one call per head, from slice to slice, so a list of any sizes costs what
its arithmetic costs. With a single head every block equals the torch layer of its name.

Node states are stored node by node, (U, B, H), so that a head's nodes are contiguous and sums over neighbours add whole
rows.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.head_spec import HeadSpec
from models.layers.batched_matmul import Shape, matrices, products

NUMERICS = {"per-head layers": 3}

Edges = npt.NDArray[np.int64]


def union_edges(heads: Sequence[HeadSpec]) -> Tensor:
    """Returns (2, E) parents and children of the heads' edges, with nodes numbered from head to head."""
    return concat_edges([head.hierarchy.edges for head in heads], [len(head.hierarchy) for head in heads])


def predicted_union_edges(heads: Sequence[HeadSpec]) -> Tensor:
    """Returns (2, E) parents and children of the edges between predicted labels, as places among all C of them."""
    return concat_edges([head.predicted_edges for head in heads], [len(head.predicted) for head in heads])


def row_union_edges(heads: Sequence[HeadSpec]) -> Tensor:
    """Returns (2, E) parents and children of the edges between classifier rows, numbered from head to head."""
    return concat_edges([head.row_edges for head in heads], [len(head.rows) for head in heads])


def predicted_rows(heads: Sequence[HeadSpec]) -> Tensor | None:
    """Returns (C,) the place of each predicted label among the classifier rows of all heads; None if they are all."""
    if not any(head.foreign_rows for head in heads):
        return None
    ends = np.cumsum([len(head.rows) for head in heads])
    own = [head.predicted if head.foreign_rows else np.arange(len(head.predicted)) for head in heads]
    places = [places + end - len(head.rows) for head, places, end in zip(heads, own, ends, strict=True)]
    return torch.from_numpy(np.concatenate(places))


def concat_edges(edges: Sequence[Edges], sizes: Sequence[int]) -> Tensor:
    """Returns (2, E) edges of graphs with these numbers of nodes, with nodes numbered from graph to graph."""
    offsets = np.cumsum([0, *sizes[:-1]])
    pairs = np.concatenate([own + offset for own, offset in zip(edges, offsets, strict=True)])
    return torch.from_numpy(pairs.T.copy())


def head_of(sizes: Sequence[int]) -> Tensor:
    """Returns (U,) the index of each node's head."""
    return torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes))


def map_rows(weight: Tensor, rows: Tensor, shapes: Sequence[Shape], counts: Sequence[int]) -> Tensor:
    """Maps (rows, B, in) to (rows, B, out): the first `counts[0]` rows by the first head's matrix, and so on."""
    num_documents = rows.shape[1]
    columns = [count * num_documents for count in counts]
    return products(weight, rows.flatten(0, 1).t(), shapes, columns).t().unflatten(0, (-1, num_documents))


def scatter_sum(num: int, places: Tensor, rows: Tensor) -> Tensor:
    """Returns (num, ...): the sums of the rows that have the same place."""
    return rows.new_zeros(num, *rows.shape[1:]).index_add_(0, places, rows)


def uniform_like_linear(sizes: Sequence[int], fan_ins: Sequence[int]) -> nn.Parameter:
    """Returns random parameters, flat, drawn as `nn.Linear` initialises its weights and biases.

    Args:
        sizes: Number of parameters of each head.
        fan_ins: Number of features that each head reads.
    """
    parameter = torch.empty(sum(sizes))
    for part, fan_in in zip(parameter.split(list(sizes)), fan_ins, strict=True):
        bound = 1 / math.sqrt(fan_in)
        part.uniform_(-bound, bound)
    return nn.Parameter(parameter)


def edge_penalty(weight: Tensor, edges: Tensor) -> Tensor:
    """Returns half the sum over edges of the squared distance between the two rows.

    Args:
        weight: (rows, features).
        edges: (2, E) pairs of rows.
    """
    penalty: Tensor = _EdgePenalty.apply(weight, edges)  # type: ignore[no-untyped-call]
    return penalty


class _EdgePenalty(torch.autograd.Function):
    """Written out, since automatic differentiation reads the weights three times as often."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, edges: Tensor) -> Tensor:
        difference = weight.index_select(0, edges[0])
        difference -= weight.index_select(0, edges[1])
        ctx.save_for_backward(difference, edges)
        ctx.num_rows = len(weight)
        # Not an inner product: that sums in a single run and loses digits.
        return 0.5 * difference.pow(2).sum()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        difference, edges = ctx.saved_tensors
        gradient = scatter_sum(ctx.num_rows, edges[0], difference)
        return gradient.index_add_(0, edges[1], difference, alpha=-1).mul_(grad), None


class PerHeadReadout(nn.Module):
    """One linear map per head, from the head's own number of features to its own number of outputs.

    Args:
        in_sizes: Number of features that each head reads.
        out_sizes: Number of features that each head writes.
        edges: (E, 2) pairs of output features per head that `edge_penalty` pulls together; empty for no penalty.
        has_bias: Whether a bias is added.
        kept: (C,) output features that are returned, out of those of all heads; None for all.
    """

    kept: Tensor | None

    def __init__(
        self,
        in_sizes: Sequence[int],
        out_sizes: Sequence[int],
        edges: Sequence[Edges] = (),
        has_bias: bool = True,
        kept: Tensor | None = None,
    ):
        super().__init__()
        self.register_buffer("kept", kept, persistent=False)
        self.shapes = list(zip(out_sizes, in_sizes, strict=True))
        self.weight = uniform_like_linear([rows * columns for rows, columns in self.shapes], in_sizes)
        self.bias = uniform_like_linear(out_sizes, in_sizes) if has_bias else None
        # Consecutive heads that read equally many features form one matrix, as far as its rows are concerned.
        self.runs: list[Shape] = []
        for width, run in groupby(range(len(edges)), key=lambda head: in_sizes[head]):
            heads = list(run)
            rows = [out_sizes[head] for head in heads]
            pairs = concat_edges([edges[head] for head in heads], rows)
            self.register_buffer(f"edges_{len(self.runs)}", pairs, persistent=False)
            self.runs.append((sum(rows), width))

    def forward(self, features: Tensor) -> Tensor:
        """Maps (B, sum of in_sizes) to (B, sum of out_sizes), or to (B, C)."""
        mapped = products(self.weight, features.t(), self.shapes).t()
        return self.keep(mapped if self.bias is None else mapped + self.bias)

    def keep(self, mapped: Tensor) -> Tensor:
        """Returns what is kept of the output features, which are the last dimension."""
        return mapped if self.kept is None else mapped.index_select(-1, self.kept)

    def edge_penalty(self) -> Tensor:
        """Returns half the sum over edges of the squared distance between the weight rows of the two features."""
        runs = enumerate(matrices(self.weight, self.runs))
        return torch.stack([edge_penalty(rows, self.get_buffer(f"edges_{number}")) for number, rows in runs]).sum()


def label_readout(heads: Sequence[HeadSpec], widths: Sequence[int], has_bias: bool = True) -> PerHeadReadout:
    """Returns a classifier per head, from this number of features to its predicted labels, with a penalty on edges.

    Foreign rows, where a head has them, are computed and penalised like any, and not returned.
    """
    sizes, edges = [len(head.rows) for head in heads], [head.row_edges for head in heads]
    return PerHeadReadout(widths, sizes, edges, has_bias, predicted_rows(heads))


class PerHeadLinear(nn.Module):
    """One linear map per head, shared by all nodes of the head.

    Args:
        sizes: Number of nodes of each head.
        width_in: Number of features read.
        width_out: Number of features written.
        has_bias: Whether a bias is added.
    """

    head: Tensor

    def __init__(self, sizes: Sequence[int], width_in: int, width_out: int, has_bias: bool = True):
        super().__init__()
        fan_ins = [width_in] * len(sizes)
        self.sizes, self.shapes = sizes, [(width_out, width_in)] * len(sizes)
        self.weight = uniform_like_linear([width_out * width_in] * len(sizes), fan_ins)
        self.bias = uniform_like_linear([width_out] * len(sizes), fan_ins) if has_bias else None
        self.register_buffer("head", head_of(sizes), persistent=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """Maps (U, B, width_in) to (U, B, width_out)."""
        mapped = map_rows(self.weight, nodes, self.shapes, self.sizes)
        if self.bias is None:
            return mapped
        return mapped + self.bias.view(len(self.sizes), -1)[self.head].unsqueeze(1)


class PerHeadBatchNorm(nn.Module):
    """Batch normalisation per head over documents and the head's nodes: one `nn.BatchNorm1d` per head.

    A lone value, in a head with one node and a batch of one document, is its own mean and becomes 0.

    Args:
        sizes: Number of nodes of each head.
        width: Number of features.
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5
    head: Tensor
    nodes: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, sizes: Sequence[int], width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(len(sizes), width))
        self.bias = nn.Parameter(torch.zeros(len(sizes), width))
        self.register_buffer("running_mean", torch.zeros(len(sizes), width))
        self.register_buffer("running_var", torch.ones(len(sizes), width))
        self.register_buffer("head", head_of(sizes), persistent=False)
        self.register_buffer("nodes", torch.tensor(sizes, dtype=torch.float32)[:, None], persistent=False)

    def forward(self, nodes: Tensor) -> Tensor:
        """Normalises (U, B, width), in the precision of the statistics."""
        nodes = nodes.to(self.weight.dtype)
        if self.training:
            counts = self.nodes * nodes.shape[1]
            normal, mean, variance = _Normalise.apply(nodes, self.weight, self.bias, self.head, counts, self.EPSILON)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.MOMENTUM)
                self.running_var.lerp_(variance * (counts / (counts - 1).clamp(min=1)), self.MOMENTUM)
            return normal
        scale = self.weight * (self.running_var + self.EPSILON).rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift[self.head].unsqueeze(1), nodes, scale[self.head].unsqueeze(1))


class _Normalise(torch.autograd.Function):
    """Written out, since torch's own takes one head at a time and autograd saves every intermediate result."""

    @staticmethod
    def forward(
        ctx: Any, nodes: Tensor, weight: Tensor, bias: Tensor, head: Tensor, counts: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean = scatter_sum(len(counts), head, nodes.sum(1)) / counts
        normal = nodes - mean[head].unsqueeze(1)
        variance = scatter_sum(len(counts), head, normal.square().sum(1)) / counts
        scale = (variance + epsilon).rsqrt()
        normal *= scale[head].unsqueeze(1)
        ctx.save_for_backward(normal, weight * scale, head, counts)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias[head].unsqueeze(1), normal, weight[head].unsqueeze(1)), mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        normal, scale, head, counts = ctx.saved_tensors
        bias_grad = scatter_sum(len(counts), head, grad.sum(1))
        weight_grad = scatter_sum(len(counts), head, (grad * normal).sum(1))
        nodes_grad = torch.addcmul(grad, normal, (weight_grad / counts)[head].unsqueeze(1), value=-1)
        nodes_grad -= (bias_grad / counts)[head].unsqueeze(1)
        nodes_grad *= scale[head].unsqueeze(1)
        return nodes_grad, weight_grad, bias_grad, None, None, None
