"""Models under every merge: one branch, odd branches, and heads that predict a part of their labels."""

import dataclasses
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads
from models.head_spec import LabelFacts
from models.layers.per_head import PerHeadReadout
from models.structure_encoders.flat import Flat
from models.structure_encoders.hiagm import HiAGM
from models.structure_encoders.hitin.hitin import HiTIN
from tests.models.hierarchies import DAG, facts_of, head_on, hierarchy, stars

MERGES: tuple[Literal["none", "masking", "projection"], ...] = ("none", "masking", "projection")


def numbered(graph: Hierarchy, scale: float = 1.0) -> LabelFacts:
    """Edges, in order, have priors 1, 2, ..., times a scale."""
    return facts_of(graph, np.arange(1, len(graph.edges) + 1) * scale)


def papers(merge: Any) -> Any:
    """The loss's denominator in the paper."""
    return "mean_local" if merge == "projection" else "mean_global"


def gold_of(graph: Hierarchy, batch: int) -> Tensor:
    """Random label sets, closed under ancestors; the first document has none."""
    drawn = torch.rand(batch, len(graph)) < 0.3
    drawn[0] = False
    return ((drawn.float() @ torch.from_numpy(graph.ancestors).float()) > 0).float()


@pytest.mark.parametrize("kind", [Flat, HiAGM, HiTIN])
def test_one_branch_is_the_base_model_under_any_merge(kind: Any) -> None:
    graph = hierarchy(4, [(0, 1), (0, 2), (1, 3)])
    results = []
    for merge in MERGES:
        torch.manual_seed(1)
        heads = BranchHeads(
            graph, numbered(graph), lambda heads: kind(heads, 3), merge=merge, branch_reduction=papers(merge)
        )
        text_BD = torch.randn(5, 3)
        gold_BL = gold_of(graph, 5)
        logits_BC = heads(text_BD)
        results.append(torch.cat([heads.loss(logits_BC, gold_BL)[None], heads.probabilities(logits_BC).flatten()]))
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


@pytest.mark.parametrize("kind", [Flat, HiAGM, HiTIN])
def test_predicting_a_branch_only_leaves_its_logits_and_their_gradients_as_they_are(kind: Any) -> None:
    branches = DAG.branches()
    everything = kind([head_on(DAG)] * 3, 3).eval()
    part = kind([dataclasses.replace(head_on(DAG), predicted=branch) for branch in branches], 3).eval()
    places = torch.from_numpy(np.concatenate([branch + 7 * i for i, branch in enumerate(branches)]))
    with torch.no_grad():
        if kind is Flat:
            part.output.weight.copy_(everything.output.weight[places])
            part.output.bias.copy_(everything.output.bias[places])
        else:
            classifier = "classifier" if kind is HiAGM else "readout"
            others = {n: v for n, v in everything.state_dict().items() if not n.startswith(classifier)}
            part.load_state_dict(others, strict=False)
            _copy_rows(getattr(part, classifier), getattr(everything, classifier), places)
            if kind is HiTIN:
                part.readout_bias.copy_(everything.readout_bias[:, places])
    text = torch.randn(4, 3, requires_grad=True)
    logits_BC, full_BC = part(text), everything(text)[:, places]
    torch.testing.assert_close(logits_BC, full_BC)
    gradients = [torch.autograd.grad(one.sin().sum(), text)[0] for one in (logits_BC, full_BC)]
    torch.testing.assert_close(*gradients)


def _copy_rows(part: PerHeadReadout, full: PerHeadReadout, places: Tensor) -> None:
    """Takes over some of the rows of heads that read equally many features."""
    (_, num_in), *_ = full.shapes
    part.weight.copy_(full.weight.view(-1, num_in)[places].flatten())
    if full.bias is not None:
        part.bias.copy_(full.bias[places])


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("kind", [Flat, HiAGM, HiTIN])
def test_odd_branches_and_documents_without_labels_have_finite_gradients(kind: Any, merge: Any) -> None:
    # A branch of one label, one of two, one of five, and in the last case no edge at all.
    for graph in (stars([1, 2, 5]), DAG, hierarchy(4)):
        facts = facts_of(graph)
        heads = BranchHeads(graph, facts, lambda m: kind(m, 3), merge=merge, branch_reduction=papers(merge))
        text = torch.randn(4, 3, requires_grad=True)
        heads.loss(heads(text), torch.zeros(4, len(graph))).backward()
        gradients = [text.grad, *(parameter.grad for parameter in heads.parameters())]
        assert all(torch.isfinite(gradient).all() for gradient in gradients if gradient is not None)
        assert text.grad is not None and text.grad.abs().sum() > 0


@pytest.mark.parametrize("merge", MERGES)
def test_gradients_by_finite_differences_from_text_to_loss(merge: Any) -> None:
    options = {"text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}
    heads = BranchHeads(
        DAG,
        numbered(DAG, 1 / 9),
        lambda heads: HiAGM(heads, 3, node_width=2, **options),
        merge=merge,
        branch_reduction=papers(merge),
        recursive_penalty=0.1,
    ).double()
    text = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    gold_BL = gold_of(DAG, 2).double()
    parameters = tuple(heads.parameters())
    assert torch.autograd.gradcheck(lambda text, *_: heads.loss(heads(text), gold_BL), (text, *parameters))
