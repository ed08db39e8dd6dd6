"""Splits other than the hierarchy's: random sets of the branches' sizes, and copies, with every model."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from datasets.storage.hierarchy import Hierarchy
from models import OBJECTIVES, STRUCTURE_ENCODERS
from models.branch_heads import BranchHeads, split_labels
from models.structure_encoders.flat import Flat
from models.text_encoders.base import States, TextEncoder, TokenBatch
from tests.models.hierarchies import DAG, facts_of, hierarchy, stars

GRAPH = Hierarchy([f"label {i}" for i in range(9)], [(0, 2), (0, 3), (2, 4), (1, 4), (1, 5), (5, 6), (6, 7)])
"""Branches {0 2 3 4}, {1 4 5 6 7} and {8}, of four levels."""


class OwnVectors(TextEncoder):
    """A fixed random state for each word token, and their mean; all documents are equally long."""

    def __init__(self, num: int, width: int):
        super().__init__(width)
        self.rows = torch.randn(num, width)

    def forward(self, tokens: TokenBatch) -> Tensor:
        return self.states(tokens).states_BTD.mean(1)

    @property
    def state_width(self) -> int:
        return self.width

    def states(self, tokens: TokenBatch) -> States:
        return States(self.rows[tokens.padded()[0]], tokens.lengths_B)


def heads_of(graph: Hierarchy, merge: Any, split: Any, kind: Any = Flat, **options: Any) -> BranchHeads:
    facts = facts_of(graph, np.linspace(0.1, 0.9, len(graph.edges)))
    options = {"branch_reduction": "mean_local", "recursive_penalty": 0.0} | options
    return BranchHeads(graph, facts, lambda heads: kind(heads, 6), merge=merge, split=split, **options)


def test_random_sets_see_the_edges_within_them_or_under_masking_all() -> None:
    projected = heads_of(GRAPH, "projection", "random").structure.heads
    masked = heads_of(GRAPH, "masking", "random").structure.heads
    sets = split_labels(9, GRAPH.branches(), "random")
    priors = dict(zip(map(tuple, GRAPH.edges.tolist()), np.linspace(0.1, 0.9, 7), strict=True))
    num_edges = 0
    for own, small, large in zip(sets, projected, masked, strict=True):
        within = [(p, c) for p, c in GRAPH.edges.tolist() if p in own and c in own]
        assert [(int(own[p]), int(own[c])) for p, c in small.hierarchy.edges.tolist()] == within
        assert small.facts.priors.tolist() == pytest.approx([priors[edge] for edge in within])
        assert small.predicted.tolist() == list(range(len(own))) and small.whole is GRAPH
        assert large.hierarchy is GRAPH and large.predicted.tolist() == own.tolist()
        num_edges += len(within)
    assert 0 < num_edges < 7, "a case with edges that are kept and edges that are lost"


@pytest.mark.parametrize("merge", ["masking", "projection"])
def test_copies_see_and_predict_everything(merge: Any) -> None:
    heads = heads_of(DAG, merge, "copies")
    assert all(one.hierarchy is DAG and one.predicted.tolist() == list(range(7)) for one in heads.structure.heads)
    assert heads.labels.tolist() == list(range(7)) * 3


@pytest.mark.parametrize("graph", [stars([4, 6, 1]), DAG], ids=["tree", "dag"])
@pytest.mark.parametrize("reduction", ["mean_local", "mean_global"])
@pytest.mark.parametrize("split", ["hierarchy", "random", "copies"])
def test_heads_weigh_together_what_branches_weigh(graph: Hierarchy, reduction: Any, split: Any) -> None:
    heads = heads_of(graph, "projection", split, branch_reduction=reduction)
    sizes = [len(branch) for branch in graph.branches()]
    shares = [1.0 if reduction == "mean_local" else size / len(graph) for size in sizes]
    if split == "copies":
        shares = [sum(shares) / 3] * 3
    own = [len(head.predicted) for head in heads.structure.heads]
    for weights, share in zip(heads.weights.split(own), shares, strict=True):
        torch.testing.assert_close(weights, torch.full_like(weights, share / len(weights)))


def test_equal_copies_are_the_base_model() -> None:
    copies, base = heads_of(DAG, "projection", "copies"), heads_of(DAG, "none", "hierarchy")
    with torch.no_grad():
        for name, parameter in copies.named_parameters():
            parameter.copy_(torch.cat([dict(base.named_parameters())[name]] * 3))
    text, gold = torch.randn(5, 6), (torch.rand(5, 7) < 0.4).float()
    for heads in (copies, base):
        heads.eval()
    torch.testing.assert_close(copies.probabilities(copies(text)), base.probabilities(base(text)))
    torch.testing.assert_close(copies.loss(copies(text), gold), 3 * base.loss(base(text), gold))


def test_flat_under_projection_is_flat_with_a_weight_per_branch() -> None:
    """So the flat control of branch-wise loss weights is the flat model, merge projection, reduction mean_local."""
    graph = stars([4, 6, 1])
    base, projected = heads_of(graph, "none", "hierarchy"), heads_of(graph, "projection", "hierarchy")
    base.load_state_dict(projected.state_dict())
    text, gold = torch.randn(5, 6), (torch.rand(5, 11) < 0.4).float()
    for heads in (base, projected):
        heads.eval()
    logits = base(text)
    by_branch = torch.tensor([1 / 4] * 4 + [1 / 6] * 6 + [1.0])
    terms: Tensor = functional.binary_cross_entropy_with_logits(logits, gold, reduction="none")
    torch.testing.assert_close(projected.loss(projected(text), gold), (terms @ by_branch).mean())
    torch.testing.assert_close(projected.probabilities(projected(text)), torch.sigmoid(logits))


@pytest.mark.parametrize("split", ["level", "random", "copies"])
@pytest.mark.parametrize("model", STRUCTURE_ENCODERS)
def test_every_model_learns_under_every_split(model: str, split: Any) -> None:
    component = STRUCTURE_ENCODERS[model]
    widths = {name: 4 for name in component.options.model_fields if name.endswith("width")}
    for merge in sorted({"masking", "projection"} - component.refuses.keys()):
        for graph in (GRAPH, hierarchy(4)):
            kind = component.load()
            heads = heads_of(
                graph,
                merge,
                split,
                lambda heads, width, kind=kind: kind(heads, width, **widths),
                objective=OBJECTIVES[component.default_objective].load(),
                recursive_penalty=0.1,
            )
            text = heads.structure.read(OwnVectors(40, 6), TokenBatch(torch.arange(40), torch.arange(0, 41, 5)))
            gold = (torch.rand(8, len(graph)) < 0.3).float() @ torch.from_numpy(graph.ancestors).float()
            optimizer = torch.optim.Adam(heads.parameters(), 0.05)
            losses = []
            for _ in range(15):
                optimizer.zero_grad()
                loss = heads.loss(heads(text), gold.clamp(max=1))
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            assert np.isfinite(losses).all() and np.mean(losses[-5:]) < np.mean(losses[:5])
            shown = heads.eval().probabilities(heads(text))
            assert shown.shape == gold.shape and ((shown >= 0) & (shown <= 1)).all()


@pytest.mark.parametrize("split", ["level", "random"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_works_without_descendants(objective: str, split: Any) -> None:
    component = OBJECTIVES[objective]
    for merge in sorted({"masking", "projection"} - component.refuses.keys()):
        heads = heads_of(GRAPH, merge, split, objective=component.load())
        text = torch.randn(4, 6, requires_grad=True)
        gold = torch.from_numpy(GRAPH.ancestors[[7, 4, 8, 3]]).float()
        loss = heads.loss(heads(text), gold)
        (gradient,) = torch.autograd.grad(loss, text)
        assert torch.isfinite(loss) and gradient.abs().sum() > 0
