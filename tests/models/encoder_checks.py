"""Checks that hold for every structure encoder, and an encoder for a list of heads made of one encoder per head."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.head_spec import HeadSpec
from models.structure_encoders.base import StructureEncoder
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, head_on

Join = Callable[[Sequence[Tensor]], Tensor]


def columns(parts: Sequence[Tensor]) -> Tensor:
    """Joins a parameter whose heads follow each other in its second dimension."""
    return torch.cat(list(parts), dim=1)


def halves(parts: Sequence[Tensor]) -> Tensor:
    """Joins a parameter that has the first half of all heads before the second half of all."""
    return torch.cat([part.unflatten(0, (2, -1)) for part in parts], dim=1).flatten(0, 1)


def from_singles(
    kind: Any, specs: Sequence[HeadSpec], text_width: int, joins: Mapping[str, Join] | None = None, **options: Any
) -> tuple[Any, list[Any]]:
    """Returns an encoder for the list and one per head that hold the same, random parameters.

    Args:
        kind: The class.
        specs: What each head is built for.
        text_width: Width of the text vectors.
        joins: By the last part of their names, parameters in which heads do not just follow each other.
        options: Of the class.
    """
    joint = kind(specs, text_width, **options)
    singles = [kind([one], text_width, **options) for one in specs]
    for single in singles:
        for parameter in single.parameters():
            nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        parts = [dict(single.named_parameters()) for single in singles]
        for name, parameter in joint.named_parameters():
            join = (joins or {}).get(name.rpartition(".")[2], lambda found: torch.cat(list(found)))
            parameter.copy_(join([named[name] for named in parts if name in named]))
    return joint, singles


def assert_side_by_side(
    kind: Any, specs: Sequence[HeadSpec], joins: Mapping[str, Join] | None = None, **options: Any
) -> None:
    """An encoder for the list says what one per head says: logits, their gradient in the text, the penalty."""
    joint, singles = from_singles(kind, specs, 6, joins, **options)
    text = torch.randn(7, 6, requires_grad=True)
    looped = torch.cat([single(text) for single in singles], dim=-1)
    torch.testing.assert_close(joint(text), looped, rtol=1e-4, atol=1e-4)
    gradient, looped_gradient = (torch.autograd.grad(z.sin().sum(), text)[0] for z in (joint(text), looped))
    torch.testing.assert_close(gradient, looped_gradient, rtol=1e-3, atol=1e-3)
    penalty = torch.stack([single.recursive_penalty() for single in singles]).sum()
    torch.testing.assert_close(joint.recursive_penalty(), penalty)


def assert_gradients(encoder: StructureEncoder, num_documents: int = 2) -> None:
    """Gradients of logits and penalty, in the text and in every parameter, are finite differences'."""
    encoder = encoder.double()
    text = torch.randn(num_documents, encoder.text_width, dtype=torch.double, requires_grad=True)

    def loss(*_: Tensor) -> Tensor:
        total: Tensor = encoder(text).sin().sum() + encoder.recursive_penalty()
        return total

    assert torch.autograd.gradcheck(loss, (text, *encoder.parameters()))


def assert_each_document_alone(encoder: StructureEncoder) -> None:
    """In evaluation a document's logits are the same bits again, and do not depend on its batch."""
    encoder = encoder.eval()
    text = torch.randn(3, encoder.text_width)
    assert torch.equal(encoder(text), encoder(text))
    torch.testing.assert_close(encoder(text[1:2]), encoder(text)[1:2])


def assert_model(kind: Any, **options: Any) -> None:
    """What every structure encoder of one vector a document must be: see each of the checks.

    Args:
        kind: The class.
        options: Without dropout, and small.
    """
    for heads in (UNLIKE, ALIKE, UNLIKE[:1]):
        assert_side_by_side(kind, heads, **options)
        assert_each_document_alone(kind(heads, 4, **options))
    assert_gradients(kind([head_on(DAG), UNLIKE[3]], 3, **options))
