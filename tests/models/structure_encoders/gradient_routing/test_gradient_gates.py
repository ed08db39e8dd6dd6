"""Gates leave values as they are, and let pass of a gradient what the loss opened, document by document."""

import pytest
import torch

from models.structure_encoders.gradient_routing.gradient_gates import Route, routed, values_of_first

OPEN = torch.tensor([[True, False, True], [False, False, False]])


def test_gradients_pass_where_the_route_is_open() -> None:
    values, weights, route = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3), Route()
    passed = routed(values, route)
    assert torch.equal(passed, values)
    route.open(OPEN)
    (gradient,) = torch.autograd.grad((passed * weights).sum(), values)
    assert torch.equal(gradient, weights * OPEN)


def test_all_tokens_of_a_document_share_a_route() -> None:
    states, weights, route = torch.randn(2, 4, 3, requires_grad=True), torch.randn(2, 4, 3), Route()
    passed = routed(states, route)
    route.open(OPEN)
    (gradient,) = torch.autograd.grad((passed * weights).sum(), states)
    assert torch.equal(gradient, weights * OPEN[:, None])


def test_one_route_gates_every_value_that_passes_it() -> None:
    first, second, route = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True), Route()
    total = (routed(first, route) + routed(second, route)).sum()
    route.open(OPEN)
    gradients = torch.autograd.grad(total, [first, second])
    assert all(torch.equal(gradient, OPEN.float()) for gradient in gradients)


def test_backward_before_the_route_is_opened_is_a_fault() -> None:
    values = torch.randn(2, 3, requires_grad=True)
    with pytest.raises(AssertionError, match="before the loss"):
        routed(values, Route()).sum().backward()


def test_the_gradient_of_a_joined_value_goes_to_both() -> None:
    first = torch.randn(2, 3, requires_grad=True)
    second = first.detach().clone().requires_grad_()
    joined = values_of_first(first, second)
    assert torch.equal(joined, first)
    gradients = torch.autograd.grad(joined.square().sum(), [first, second])
    assert all(torch.equal(gradient, 2 * first) for gradient in gradients)
