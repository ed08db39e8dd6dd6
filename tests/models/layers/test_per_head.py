"""Blocks for lists of heads against one torch layer per head."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.layers.batched_matmul import matrices
from models.layers.per_head import (
    PerHeadBatchNorm,
    PerHeadLinear,
    PerHeadReadout,
    edge_penalty,
    head_of,
    label_readout,
    predicted_union_edges,
    scatter_sum,
    union_edges,
)
from tests.models.hierarchies import DAG, UNLIKE, head_on

SIZE_LISTS = [[3], [2, 2, 2], [3, 1, 2, 3, 1]]


def gradients(output: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(7), dtype=output.dtype)
    return list(torch.autograd.grad((output * weights).sum(), inputs))


def assert_same(first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
    torch.testing.assert_close(list(first), list(second), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("ins", "outs"), [([3], [2]), ([2, 2], [4, 4]), ([3, 2, 3, 2, 3], [1, 4, 2, 4, 1])])
def test_per_head_readout_is_one_linear_layer_per_head(ins: list[int], outs: list[int]) -> None:
    block = PerHeadReadout(ins, outs, [np.zeros((0, 2), np.int64)] * len(ins))
    x = torch.randn(5, sum(ins), requires_grad=True)
    rows, biases = matrices(block.weight, list(zip(outs, ins, strict=True))), block.bias.split(outs)
    parts = zip(x.split(ins, dim=1), rows, biases, strict=True)
    looped = torch.cat([nn.functional.linear(*part) for part in parts], dim=1)
    everything = [x, *block.parameters()]
    assert_same([block(x), *gradients(block(x), everything)], [looped, *gradients(looped, everything)])


@pytest.mark.parametrize("sizes", SIZE_LISTS)
@pytest.mark.parametrize("has_bias", [True, False])
def test_per_head_linear_is_one_linear_layer_per_head(sizes: list[int], has_bias: bool) -> None:
    block = PerHeadLinear(sizes, 3, 2, has_bias)
    x = torch.randn(sum(sizes), 4, 3, requires_grad=True)
    weights = block.weight.view(len(sizes), 2, 3)
    biases = block.bias.view(len(sizes), 2) if has_bias else [None] * len(sizes)
    looped = torch.cat([nn.functional.linear(*part) for part in zip(x.split(sizes), weights, biases, strict=True)])
    everything = [x, *block.parameters()]
    assert_same([block(x), *gradients(block(x), everything)], [looped, *gradients(looped, everything)])


@pytest.mark.parametrize("sizes", SIZE_LISTS)
def test_per_head_batch_norm_is_one_batch_norm_per_head(sizes: list[int]) -> None:
    block = PerHeadBatchNorm(sizes, 3)
    norms = [nn.BatchNorm1d(3) for _ in sizes]
    with torch.no_grad():
        for i, norm in enumerate(norms):
            block.weight[i], block.bias[i] = norm.weight.normal_(), norm.bias.normal_()

    def loop(x: Tensor) -> Tensor:
        parts = x.split(sizes)
        return torch.cat([n(part.flatten(0, 1)).view(part.shape) for n, part in zip(norms, parts, strict=True)])

    for step in range(3):
        x = (torch.randn(sum(sizes), 4, 3) * (step + 1) + step).requires_grad_()
        mine, theirs = block(x), loop(x)
        own = [parameter for norm in norms for parameter in (norm.weight, norm.bias)]
        in_x, *of_norms = gradients(theirs, [x, *own])
        expected = [theirs, in_x, torch.stack(of_norms[::2]), torch.stack(of_norms[1::2])]
        assert_same([mine, *gradients(mine, [x, block.weight, block.bias])], expected)
    assert_same([block.running_mean], [torch.stack([norm.running_mean for norm in norms])])
    assert_same([block.running_var], [torch.stack([norm.running_var for norm in norms])])
    block.eval()
    [norm.eval() for norm in norms]
    assert_same([block(x)], [loop(x)])


def test_a_lone_value_becomes_the_bias() -> None:
    block = PerHeadBatchNorm([1, 2], 2)
    nn.init.normal_(block.bias)
    x = torch.tensor([[3.0, 5.0], [0.0, 1.0], [2.0, 5.0]]).unsqueeze(1)
    torch.testing.assert_close(block(x)[0, 0], block.bias[0])
    torch.testing.assert_close(block(x)[1:, 0] - block.bias[1], torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
    # Twice momentum 0.1 from 0 and 1, towards the means (3, 5) and (1, 3) and the unbiased variances (0, 0) and (2, 8).
    torch.testing.assert_close(block.running_mean, torch.tensor([[0.57, 0.95], [0.19, 0.57]]))
    torch.testing.assert_close(block.running_var, torch.tensor([[0.81, 0.81], [1.19, 2.33]]))


def test_the_penalty_of_the_published_example() -> None:
    weight = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    assert edge_penalty(weight, torch.tensor([[0, 0], [1, 2]])).item() == 5.0


def test_the_gradient_of_the_penalty() -> None:
    weight = torch.randn(5, 3, dtype=torch.double, requires_grad=True)
    edges = torch.tensor([[0, 0, 1, 2, 2], [1, 2, 3, 3, 4]])
    assert torch.autograd.gradcheck(edge_penalty, (weight, edges))


def test_the_penalty_of_a_list_is_the_sum_over_heads_and_their_edges() -> None:
    sizes = [len(one.hierarchy) for one in UNLIKE]
    block = PerHeadReadout([2 * size for size in sizes], sizes, [one.hierarchy.edges for one in UNLIKE])
    by_hand = 0.0
    for one, rows in zip(UNLIKE, matrices(block.weight.detach(), block.shapes), strict=True):
        by_hand += sum(0.5 * float((rows[p] - rows[c]).pow(2).sum()) for p, c in one.hierarchy.edges)
    assert block.edge_penalty().item() == pytest.approx(by_hand, rel=1e-5)


def test_nodes_are_numbered_on_from_head_to_head() -> None:
    assert union_edges(UNLIKE).T.tolist() == [
        *[[0, 1], [0, 2], [1, 3]],
        *[[8, 10], [9, 10], [10, 11]],
        *[[12, 13], [12, 14], [12, 15], [15, 16]],
    ]
    assert head_of([2, 1, 3]).tolist() == [0, 0, 1, 2, 2, 2]


PART = dataclasses.replace(head_on(DAG), predicted=np.array([5, 3, 1]))
"""Of the edges 0>2, 0>3, 1>3, 1>4 and 3>5 it predicts both ends of 1>3 and 3>5, at the places 2>1 and 1>0."""


def test_edges_between_predicted_labels_are_numbered_on_from_head_to_head() -> None:
    assert predicted_union_edges([PART, PART]).T.tolist() == [[2, 1], [1, 0], [5, 4], [4, 3]]
    assert torch.equal(predicted_union_edges(UNLIKE), union_edges(UNLIKE))


def test_a_label_readout_has_a_row_for_each_predicted_label_and_pulls_neighbours_together() -> None:
    readout = label_readout([PART, head_on(DAG)], [2, 4], has_bias=False)
    assert readout.shapes == [(3, 2), (7, 4)] and readout.bias is None
    part, whole = (rows.detach() for rows in matrices(readout.weight, readout.shapes))
    squares = [(part[2] - part[1]).square().sum(), (part[1] - part[0]).square().sum()]
    squares += [(whole[p] - whole[c]).square().sum() for p, c in DAG.edges.tolist()]
    assert readout.edge_penalty().item() == pytest.approx(0.5 * float(sum(squares)), rel=1e-5)


def test_a_label_readout_computes_and_pulls_foreign_rows_and_returns_the_others() -> None:
    part = dataclasses.replace(PART, foreign_rows=True)
    readout = label_readout([part, head_on(DAG)], [2, 4])
    assert readout.shapes == [(7, 2), (7, 4)] and readout.bias is not None
    first, second = (rows.detach() for rows in matrices(readout.weight, readout.shapes))
    features = torch.randn(3, 6)
    every = torch.cat([features[:, :2] @ first.T, features[:, 2:] @ second.T], 1) + readout.bias
    torch.testing.assert_close(readout(features), every[:, [5, 3, 1, *range(7, 14)]])
    squares = [(rows[p] - rows[c]).square().sum() for rows in (first, second) for p, c in DAG.edges.tolist()]
    assert readout.edge_penalty().item() == pytest.approx(0.5 * float(sum(squares)), rel=1e-5)


def test_rows_of_one_place_are_added() -> None:
    sums = scatter_sum(3, torch.tensor([2, 0, 2]), torch.tensor([[1.0, 2], [3, 4], [5, 6]]))
    assert sums.tolist() == [[3, 4], [0, 0], [6, 8]]


def test_weights_start_like_those_of_a_linear_layer() -> None:
    block = PerHeadLinear([1, 1, 2], 64, 200)
    for parameter in block.parameters():
        assert parameter.abs().max().item() <= 1 / 8
        assert parameter.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)
