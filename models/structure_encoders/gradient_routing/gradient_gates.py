"""Gradient gates: autograd functions that decide in the backward pass which gradients may flow.

What a gradient may reach depends on gold labels, which only the loss sees, after the forward pass and before the
backward pass. So a value passes a `Route` forward unchanged, and the loss decides what may pass it backward.
"""

from typing import Any

import torch
from torch import Tensor

NUMERICS = {"gradient gates": 1}


class Route:
    """Gate for the gradients of one forward pass: which part of a document's gradient may pass; unset until opened."""

    def __init__(self) -> None:
        self._is_open_BD: Tensor | None = None

    def open(self, is_open_BD: Tensor) -> None:
        """Lets the gradient pass where (B, D) booleans are true."""
        self._is_open_BD = is_open_BD

    def passed(self, gradient: Tensor) -> Tensor:
        """Returns the part of a gradient that passes, (B, D) or (B, T, D): all tokens of a document alike."""
        assert self._is_open_BD is not None, "backward came before the loss that opens the way"
        is_open = self._is_open_BD if gradient.dim() == 2 else self._is_open_BD.unsqueeze(1)
        return gradient * is_open


def routed(values: Tensor, route: Route) -> Tensor:
    """Returns the values, (B, D) or (B, T, D), whose gradient will go through a route."""
    passed: Tensor = _Routed.apply(values, route)  # type: ignore[no-untyped-call]
    return passed


def values_of_first(first: Tensor, second: Tensor) -> Tensor:
    """Returns the first of two equal tensors; its gradient goes to both."""
    joined: Tensor = _Joined.apply(first, second)  # type: ignore[no-untyped-call]
    return joined


class _Routed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, route: Route) -> Tensor:
        ctx.route = route
        return values.view_as(values)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return ctx.route.passed(grad), None


class _Joined(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        return first.view_as(first)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return grad, grad
