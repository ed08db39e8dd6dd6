"""Small hierarchies, random ones, and encoders for a list made of encoders for one hierarchy each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import LabelFacts, Member
from models.structure_encoders.base import StructureEncoder

WOS_BRANCHES = (18, 54, 12, 17, 10, 10, 20)


def hierarchy(num_labels: int, edges: Sequence[tuple[int, int]] = (), roots: Sequence[int] = ()) -> Hierarchy:
    return Hierarchy([f"label {i}" for i in range(num_labels)], edges, roots)


def whole(graph: Hierarchy, priors: Any = None) -> Member:
    """A hierarchy all of whose labels are asked for; its priors are zeros unless given."""
    return Member(graph, facts_of(graph, priors), np.arange(len(graph)))


def facts_of(graph: Hierarchy, priors: Any = None) -> LabelFacts:
    """Priors are zeros unless given; label i has i + 1 documents and is described by the word piece i."""
    priors = np.asarray(np.zeros(len(graph.edges)) if priors is None else priors, np.float32)
    return LabelFacts(priors, np.arange(1, len(graph) + 1), lambda write: list(np.arange(len(graph))[:, None]))


def member(num_labels: int, edges: Sequence[tuple[int, int]] = (), seed: int = 0) -> Member:
    built = hierarchy(num_labels, edges)
    return whole(built, np.random.default_rng(seed).random(len(built.edges)))


def stars(sizes: Sequence[int]) -> Hierarchy:
    """Branches of a root label with children, of these sizes, one after the other."""
    starts = np.cumsum([0, *sizes])
    edges = [(start, start + i) for start, size in zip(starts, sizes, strict=False) for i in range(1, size)]
    return hierarchy(sum(sizes), edges)


DAG = hierarchy(7, [(0, 2), (0, 3), (1, 3), (1, 4), (3, 5)])
"""Two branches {0 2 3 5} and {1 3 4 5}, that share 3 and 5, and a third of label 6 alone."""

UNLIKE = (
    member(4, [(0, 1), (0, 2), (1, 3)]),
    member(1),
    member(3, seed=1),
    member(4, [(0, 2), (1, 2), (2, 3)], seed=2),
    member(5, [(0, 1), (0, 2), (0, 3), (3, 4)], seed=3),
)
ALIKE = (member(4, [(0, 1), (0, 2), (0, 3)]), member(4, [(0, 1), (1, 2), (2, 3)], seed=1), member(4, seed=2))


@st.composite
def dags(draw: st.DrawFn, max_labels: int = 7) -> Hierarchy:
    """Any DAG, labels in any order; children of labels may be children of the root too."""
    num_labels = draw(st.integers(1, max_labels))
    order = draw(st.permutations(range(num_labels)))
    pairs = [(order[i], order[j]) for j in range(num_labels) for i in range(j)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return hierarchy(num_labels, edges, draw(st.sets(st.integers(0, num_labels - 1), max_size=2)))


@st.composite
def forests(draw: st.DrawFn, max_labels: int = 14) -> Hierarchy:
    """Any forest, labels in any order."""
    num_labels = draw(st.integers(1, max_labels))
    order = draw(st.permutations(range(num_labels)))
    above = [draw(st.integers(-1, i - 1)) for i in range(num_labels)]
    return hierarchy(num_labels, [(order[up], order[i]) for i, up in enumerate(above) if up >= 0])


Join = Callable[[Sequence[Tensor]], Tensor]


def columns(parts: Sequence[Tensor]) -> Tensor:
    """Joins a parameter whose members follow each other in its second dimension."""
    return torch.cat(list(parts), dim=1)


def halves(parts: Sequence[Tensor]) -> Tensor:
    """Joins a parameter that has the first half of all members before the second half of all."""
    return torch.cat([part.unflatten(0, (2, -1)) for part in parts], dim=1).flatten(0, 1)


def from_singles(
    kind: Any, members: Sequence[Member], text_width: int, joins: Mapping[str, Join] | None = None, **options: Any
) -> tuple[Any, list[Any]]:
    """Returns an encoder for the list and one per member that hold the same, random parameters.

    Args:
        kind: The class.
        members: The list.
        text_width: Width of the text vectors.
        joins: By the last part of their names, parameters in which members do not just follow each other.
        options: Of the class.
    """
    joint = kind(members, text_width, **options)
    singles = [kind([one], text_width, **options) for one in members]
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
    kind: Any, members: Sequence[Member], joins: Mapping[str, Join] | None = None, **options: Any
) -> None:
    """An encoder for the list says what one per member says: logits, their gradient in the text, the penalty."""
    joint, singles = from_singles(kind, members, 6, joins, **options)
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
    for members in (UNLIKE, ALIKE, UNLIKE[:1]):
        assert_side_by_side(kind, members, **options)
        assert_each_document_alone(kind(members, 4, **options))
    assert_gradients(kind([whole(DAG), UNLIKE[3]], 3, **options))
