"""Products for many heads against one matrix product after the other, with gradients, in every layout."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.layers.batched_matmul import Shape, matrices, products

SIZES = st.integers(1, 4)


def looped(weight: Tensor, parts: list[Tensor], shapes: list[Shape]) -> list[Tensor]:
    return [matrix @ part for matrix, part in zip(matrices(weight, shapes), parts, strict=True)]


def weight_of(shapes: list[Shape]) -> Tensor:
    return torch.randn(sum(rows * columns for rows, columns in shapes), dtype=torch.double, requires_grad=True)


def assert_same(found: Tensor, expected: Tensor, inputs: tuple[Tensor, Tensor]) -> None:
    torch.testing.assert_close(found, expected)
    gradients = [torch.autograd.grad(one.sin().sum(), inputs) for one in (found, expected)]
    torch.testing.assert_close(*gradients)


def test_matrices_are_views_one_after_the_other() -> None:
    flat = torch.arange(10.0)
    first, second = matrices(flat, [(2, 3), (1, 4)])
    assert first.tolist() == [[0, 1, 2], [3, 4, 5]] and second.tolist() == [[6, 7, 8, 9]]
    assert first.data_ptr() == flat.data_ptr()


@given(st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=4), SIZES, st.booleans())
def test_states_below_each_other(shapes: list[Shape], num_documents: int, is_transposed: bool) -> None:
    weight, height = weight_of(shapes), sum(columns for _, columns in shapes)
    states = torch.randn(num_documents, height, dtype=torch.double, requires_grad=True)
    read = states.t() if is_transposed else states.t().contiguous()
    expected = torch.cat(looped(weight, list(read.split([columns for _, columns in shapes])), shapes))
    assert_same(products(weight, read, shapes), expected, (weight, states))


@given(st.lists(SIZES, min_size=1, max_size=4), SIZES, SIZES, st.booleans())
def test_states_side_by_side(columns: list[int], rows: int, width: int, is_transposed: bool) -> None:
    shapes = [(rows, width)] * len(columns)
    weight = weight_of(shapes)
    states = torch.randn(sum(columns), width, dtype=torch.double, requires_grad=True)
    read = states.t() if is_transposed else states.t().contiguous()
    expected = torch.cat(looped(weight, list(read.split(columns, 1)), shapes), 1)
    assert_same(products(weight, read, shapes, columns), expected, (weight, states))


def test_a_head_without_columns_gives_none() -> None:
    shapes, columns = [(2, 3)] * 3, [2, 0, 1]
    weight, states = weight_of(shapes), torch.randn(3, 3, dtype=torch.double)
    found = products(weight, states, shapes, columns)
    torch.testing.assert_close(found, torch.cat(looped(weight, list(states.split(columns, 1)), shapes), 1))
    (gradient,) = torch.autograd.grad(found.sum(), weight)
    assert not matrices(gradient, shapes)[1].any()


def test_the_layout_of_the_states_is_that_of_the_products() -> None:
    weight = weight_of([(2, 3), (4, 2)])
    states = torch.randn(7, 5, dtype=torch.double)
    assert products(weight, states.t(), [(2, 3), (4, 2)]).t().is_contiguous()
    assert products(weight, states.t().contiguous(), [(2, 3), (4, 2)]).is_contiguous()


@pytest.mark.parametrize("is_half", [False, True])
def test_autocast_computes_in_half_precision_and_gradients_come_back_in_full(is_half: bool) -> None:
    shapes = [(2, 3), (1, 2)]
    weight, states = torch.randn(8, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
        found = products(weight, states, shapes)
    assert found.dtype == (torch.bfloat16 if is_half else torch.float32)
    exact = torch.cat(looped(weight, list(states.split([3, 2])), shapes))
    torch.testing.assert_close(found.float(), exact, rtol=0.05, atol=0.05)
    assert {one.dtype for one in torch.autograd.grad(found.float().sum(), (weight, states))} == {torch.float32}
