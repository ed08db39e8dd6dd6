"""Matrix products for many heads as one autograd operation.

Each product reads its slice in place and writes its result in place. Slicing, stacking and concatenating through
autograd, call by call, would take longer than the products of a branch's size.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

NUMERICS = {"batched matmul": 1}

Shape = tuple[int, int]


def matrices(weight: Tensor, shapes: Sequence[Shape]) -> list[Tensor]:
    """Returns the matrices that are stored one after the other in a flat tensor."""
    parts = weight.split([rows * columns for rows, columns in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def products(weight: Tensor, states: Tensor, shapes: Sequence[Shape], columns: Sequence[int] | None = None) -> Tensor:
    """Returns the products W_i X_i for a list of matrices W_i, sliced from one tensor and written into one.

    Args:
        weight: Matrices W_i, one after the other, flat.
        states: Matrices X_i, one below the other, or side by side.
        shapes: Rows and columns of each W_i.
        columns: Number of columns of each X_i if they are side by side, else None.
    """
    device = states.device.type
    if torch.is_autocast_enabled(device):
        half = torch.get_autocast_dtype(device)
        weight, states = weight.to(half), states.to(half)
    product: Tensor = _Products.apply(weight, states, shapes, columns)  # type: ignore[no-untyped-call]
    return product


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, states: Tensor, shapes: Sequence[Shape], columns: Sequence[int] | None
    ) -> Tensor:
        ctx.save_for_backward(weight, states)
        ctx.cuts = shapes, columns
        num_rows = sum(rows for rows, _ in shapes) if columns is None else shapes[0][0]
        # The products have the layout of the states, which are transposed if documents come first.
        is_transposed = states.stride(0) == 1
        product = states.new_empty((states.shape[1], num_rows) if is_transposed else (num_rows, states.shape[1]))
        product = product.t() if is_transposed else product
        for matrix, read, written in _cut(weight, states, product, *ctx.cuts):
            torch.mm(matrix, read, out=written)
        return product

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None, None]:  # type: ignore[override]
        weight, states = ctx.saved_tensors
        weight_grad, states_grad = torch.empty_like(weight), None
        for own, read, given in _cut(weight_grad, states, grad, *ctx.cuts):
            torch.mm(given, read.t(), out=own)
        if ctx.needs_input_grad[1]:
            states_grad = torch.empty_like(states)
            for matrix, own, given in _cut(weight, states_grad, grad, *ctx.cuts):
                torch.mm(matrix.t(), given, out=own)
        return weight_grad, states_grad, None, None


def _cut(
    weight: Tensor, states: Tensor, product: Tensor, shapes: Sequence[Shape], columns: Sequence[int] | None
) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
    """Returns W_i, X_i and W_i X_i as views."""
    if columns is not None:
        return zip(matrices(weight, shapes), states.split(columns, 1), product.split(columns, 1), strict=True)
    read, written = [num for _, num in shapes], [num for num, _ in shapes]
    return zip(matrices(weight, shapes), states.split(read), product.split(written), strict=True)
