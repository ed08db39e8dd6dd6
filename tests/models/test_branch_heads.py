"""HiMTL's lists, masks, loss weights and combinations, by hand and against the flat head's closed forms."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads
from models.head_spec import HeadSpec, LabelFacts, label_priors
from models.layers.per_head import PerHeadReadout
from models.structure_encoders.base import StructureEncoder
from models.structure_encoders.flat import Flat
from models.structure_encoders.hiagm import HiAGM
from models.structure_encoders.hitin.hitin import HiTIN
from tests.models.hierarchies import DAG, dags, facts_of, head_on, hierarchy, stars

MERGES: tuple[Literal["none", "masking", "projection"], ...] = ("none", "masking", "projection")
LOG_2 = float(np.log(2))


class Bare(StructureEncoder):
    """Knows its heads and nothing else."""

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__(heads, 1)

    def recursive_penalty(self) -> Tensor:
        return torch.tensor(float(len(self.heads)))


def numbered(graph: Hierarchy, scale: float = 1.0) -> LabelFacts:
    """Edges, in order, have priors 1, 2, ..., times a scale."""
    return facts_of(graph, np.arange(1, len(graph.edges) + 1) * scale)


def papers(merge: Any) -> Any:
    """The loss's denominator in the paper."""
    return "mean_local" if merge == "projection" else "mean_global"


def bare(graph: Hierarchy, merge: Any, **options: Any) -> BranchHeads:
    options = {"recursive_penalty": 0.0, "branch_reduction": papers(merge)} | options
    return BranchHeads(graph, numbered(graph), Bare, merge=merge, **options)


def flat(graph: Hierarchy, merge: Any, **options: Any) -> BranchHeads:
    def build(heads: Sequence[HeadSpec]) -> StructureEncoder:
        return Flat(heads, 3)

    options = {"recursive_penalty": 0.0, "branch_reduction": papers(merge)} | options
    return BranchHeads(graph, numbered(graph), build, merge=merge, **options)


def gold_of(graph: Hierarchy, batch: int) -> Tensor:
    """Random label sets, closed under ancestors; the first document has none."""
    drawn = torch.rand(batch, len(graph)) < 0.3
    drawn[0] = False
    return ((drawn.float() @ torch.from_numpy(graph.ancestors).float()) > 0).float()


def test_the_lists() -> None:
    assert [len(one.hierarchy) for one in bare(DAG, "none").structure.heads] == [7]
    assert [len(one.hierarchy) for one in bare(DAG, "masking").structure.heads] == [7, 7, 7]
    projected = bare(DAG, "projection").structure.heads
    assert [[int(name.split()[1]) for name in one.hierarchy.labels] for one in projected] == [
        [0, 2, 3, 5],
        [1, 3, 4, 5],
        [6],
    ]
    # Edges of the whole, in order, have priors 1 to 5: 0>2, 0>3, 1>3, 1>4, 3>5.
    assert [one.facts.priors.tolist() for one in projected] == [[1, 2, 5], [3, 4, 5], []]
    assert projected[1].hierarchy.edges.tolist() == [[0, 1], [0, 2], [1, 3]]


@given(dags())
def test_a_branch_has_the_priors_of_its_own_edges(graph: Hierarchy) -> None:
    by_names = {(graph.labels[p], graph.labels[c]): i + 1 for i, (p, c) in enumerate(graph.edges.tolist())}
    for one in bare(graph, "projection").structure.heads:
        names = one.hierarchy.labels
        assert one.facts.priors.tolist() == [by_names[names[p], names[c]] for p, c in one.hierarchy.edges.tolist()]


def test_projection_weighs_a_branch_two_and_a_half_times_as_much_as_masking() -> None:
    graph = stars([4, 6])
    gold = torch.zeros(3, 10)
    logits = torch.randn(3, 4)
    results = []
    for merge in ("projection", "masking"):
        heads = bare(graph, merge)
        own = logits.clone().requires_grad_()
        # The other branch's labels are certain and right.
        loss = heads.loss(torch.cat([own, torch.full((3, 6), -200.0)], dim=1), gold)
        results.append((loss.item(), torch.autograd.grad(loss, own)[0]))
    assert results[0][0] == pytest.approx(2.5 * results[1][0])
    torch.testing.assert_close(results[0][1], 2.5 * results[1][1])


def test_masking_multiplies_probabilities_so_that_foreign_labels_count_nothing() -> None:
    heads = bare(DAG, "masking")
    full_BU, gold_BL = torch.randn(5, 21), gold_of(DAG, 5)
    literal = torch.zeros(())
    shown_BL = torch.zeros(5, 7)
    for i, branch in enumerate(DAG.branches()):
        mask_L = torch.zeros(7)
        mask_L[branch] = 1
        masked_BL = torch.sigmoid(full_BU[:, 7 * i : 7 * i + 7]) * mask_L
        literal = literal + functional.binary_cross_entropy(masked_BL, gold_BL * mask_L)
        shown_BL = torch.maximum(shown_BL, masked_BL)
    logits_BC = full_BU[:, np.concatenate([branch + 7 * i for i, branch in enumerate(DAG.branches())])]
    torch.testing.assert_close(heads.loss(logits_BC, gold_BL), literal)
    torch.testing.assert_close(heads.probabilities(logits_BC), shown_BL)


def test_each_branch_has_its_own_mean() -> None:
    gold = torch.zeros(2, 7)
    sizes = [4, 4, 1]
    for i, size in enumerate(sizes):
        logits = torch.full((2, 9), -200.0)
        logits[:, sum(sizes[:i]) : sum(sizes[: i + 1])] = 0.0
        assert bare(DAG, "projection").loss(logits, gold).item() == pytest.approx(LOG_2)
        over_all = bare(DAG, "projection", branch_reduction="mean_global").loss(logits, gold)
        assert over_all.item() == pytest.approx(LOG_2 * size / 7)


@pytest.mark.parametrize("reduction", ["mean_local", "mean_global"])
@pytest.mark.parametrize("combine", ["max", "sum", "mean"])
def test_masking_is_projection_for_the_flat_head(reduction: Any, combine: Any) -> None:
    masked = flat(DAG, "masking", branch_reduction=reduction, combine=combine)
    projected = flat(DAG, "projection", branch_reduction=reduction, combine=combine)
    projected.load_state_dict(masked.state_dict())
    gold_BL, losses, gradients = gold_of(DAG, 6), [], []
    text = torch.randn(6, 3, requires_grad=True)
    for heads in (masked, projected):
        losses.append(heads.loss(heads(text), gold_BL))
        output = heads.structure.output
        gradients.append(torch.autograd.grad(losses[-1], [text, output.weight, output.bias]))
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(gradients[0], gradients[1])
    torch.testing.assert_close(masked.probabilities(masked(text)), projected.probabilities(projected(text)))


def test_the_flat_head_with_one_mean_over_all_labels_is_the_flat_head_without_branches() -> None:
    graph = stars([4, 6, 1])
    none, projected = flat(graph, "none"), flat(graph, "projection", branch_reduction="mean_global")
    projected.load_state_dict(none.state_dict())
    text_BD, gold_BL = torch.randn(6, 3), gold_of(graph, 6)
    torch.testing.assert_close(projected.loss(projected(text_BD), gold_BL), none.loss(none(text_BD), gold_BL))
    torch.testing.assert_close(projected.probabilities(projected(text_BD)), torch.sigmoid(none(text_BD)))


@pytest.mark.parametrize("merge", MERGES)
def test_combinations_are_equal_on_trees(merge: Any) -> None:
    graph = stars([4, 6, 1])
    logits_BC = torch.randn(5, 11)
    results = [bare(graph, merge, combine=how).probabilities(logits_BC) for how in ("max", "sum", "mean")]
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_combinations_on_a_dag() -> None:
    # Branches {0 2 3 5}, {1 3 4 5}, {6}: labels 3 and 5 are in two.
    logits_BC = torch.logit(torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.6, 0.8, 0.7]]))
    expected = {
        "max": [0.1, 0.5, 0.2, 0.9, 0.6, 0.8, 0.7],
        "sum": [0.1, 0.5, 0.2, 1.0, 0.6, 1.0, 0.7],
        "mean": [0.1, 0.5, 0.2, 0.6, 0.6, 0.6, 0.7],
    }
    for combine, probabilities in expected.items():
        combined = bare(DAG, "projection", combine=combine).probabilities(logits_BC)
        torch.testing.assert_close(combined, torch.tensor([probabilities]))


@given(dags(), st.sampled_from(MERGES), st.sampled_from(["max", "sum", "mean"]), st.integers(0, 2**31))
def test_loss_and_combination_label_by_label_on_any_dag(graph: Hierarchy, merge: Any, combine: Any, seed: int) -> None:
    torch.manual_seed(seed)
    heads = bare(graph, merge, combine=combine)
    branches = [np.arange(len(graph))] if merge == "none" else graph.branches()
    gold_BL = gold_of(graph, 3)
    rows, terms = [], []
    found: dict[int, list[Tensor]] = {label: [] for label in range(len(graph))}
    for branch in branches:
        logits = torch.randn(3, len(branch))
        rows.append(logits)
        for column, label in zip(logits.T, branch.tolist(), strict=True):
            found[label].append(torch.sigmoid(column))
            mean = len(branch) if merge == "projection" else len(graph)
            terms.append(functional.binary_cross_entropy_with_logits(column, gold_BL[:, label]) / mean)
    how = {"max": lambda p: p.amax(0), "sum": lambda p: p.sum(0).clamp(max=1), "mean": lambda p: p.mean(0)}[combine]
    logits_BC = torch.cat(rows, dim=1)
    torch.testing.assert_close(heads.loss(logits_BC, gold_BL), torch.stack(terms).sum())
    expected = torch.stack([how(torch.stack(found[label])) for label in range(len(graph))], dim=1)
    torch.testing.assert_close(heads.probabilities(logits_BC), expected)


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
def test_asking_for_a_branch_only_leaves_its_logits_and_their_gradients_as_they_are(kind: Any) -> None:
    branches = DAG.branches()
    everything = kind([head_on(DAG)] * 3, 3).eval()
    asked = kind([dataclasses.replace(head_on(DAG), predicted=branch) for branch in branches], 3).eval()
    places = torch.from_numpy(np.concatenate([branch + 7 * i for i, branch in enumerate(branches)]))
    with torch.no_grad():
        if kind is Flat:
            asked.output.weight.copy_(everything.output.weight[places])
            asked.output.bias.copy_(everything.output.bias[places])
        else:
            classifier = "classifier" if kind is HiAGM else "readout"
            others = {n: v for n, v in everything.state_dict().items() if not n.startswith(classifier)}
            asked.load_state_dict(others, strict=False)
            _copy_rows(getattr(asked, classifier), getattr(everything, classifier), places)
            if kind is HiTIN:
                asked.readout_bias.copy_(everything.readout_bias[:, places])
    text = torch.randn(4, 3, requires_grad=True)
    logits_BC, full_BC = asked(text), everything(text)[:, places]
    torch.testing.assert_close(logits_BC, full_BC)
    gradients = [torch.autograd.grad(one.sin().sum(), text)[0] for one in (logits_BC, full_BC)]
    torch.testing.assert_close(*gradients)


def _copy_rows(asked: PerHeadReadout, full: PerHeadReadout, places: Tensor) -> None:
    """Takes over some of the rows of heads that read equally many features."""
    (_, num_in), *_ = full.shapes
    asked.weight.copy_(full.weight.view(-1, num_in)[places].flatten())
    if full.bias is not None:
        asked.bias.copy_(full.bias[places])


def test_edges_between_labels_that_are_asked_for() -> None:
    # Of the edges 0>2, 0>3, 1>3, 1>4 and 3>5, as places in 5, 3, 1.
    asked = dataclasses.replace(head_on(DAG), predicted=np.array([5, 3, 1]))
    assert asked.predicted_edges.tolist() == [[2, 1], [1, 0]]
    assert head_on(DAG).predicted_edges.tolist() == DAG.edges.tolist()


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


def test_gradient_of_a_document_without_labels() -> None:
    heads = flat(stars([1, 3]), "projection")
    text_BD = torch.randn(2, 3)
    logits_BC = heads(text_BD).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(heads.loss(logits_BC, torch.zeros(2, 4)), logits_BC)
    torch.testing.assert_close(gradient, torch.sigmoid(logits_BC) / 2 / torch.tensor([1.0, 3.0, 3.0, 3.0]))


def test_the_penalty_is_weighted_and_counts_every_head() -> None:
    logits_BC, gold_BL = torch.randn(2, 9), torch.zeros(2, 7)
    without, heads = bare(DAG, "masking"), bare(DAG, "masking", recursive_penalty=0.25)
    assert (heads.loss(logits_BC, gold_BL) - without.loss(logits_BC, gold_BL)).item() == pytest.approx(0.75, rel=1e-5)


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


def test_priors_are_shares_among_siblings() -> None:
    # Children 1 and 2 of 0; 3 of 1; 4 and 5 share no documents with their parent 2.
    graph = hierarchy(6, [(0, 1), (0, 2), (1, 3), (2, 4), (2, 5)])
    documents = [[0, 1], [0, 1, 3], [0, 1, 2], [0, 2], [4], [0]]
    gold = np.zeros((6, 6), bool)
    for row, labels in enumerate(documents):
        gold[row, labels] = True
    # A document with both children counts for both: 3 and 2 of 5, though 3 of 5 documents have the first.
    np.testing.assert_allclose(label_priors(graph, scipy.sparse.csr_array(gold)), [0.6, 0.4, 1.0, 0.0, 0.0])


def test_priors_without_edges() -> None:
    assert label_priors(hierarchy(2), scipy.sparse.csr_array(np.ones((3, 2), bool))).shape == (0,)


@given(dags(), st.integers(0, 2**31))
def test_priors_of_any_dag(graph: Hierarchy, seed: int) -> None:
    gold = np.random.default_rng(seed).random((20, len(graph))) < 0.3
    priors = label_priors(graph, scipy.sparse.csr_array(gold))
    assert priors.dtype == np.float32
    for parent in range(len(graph)):
        children = [int(c) for p, c in graph.edges if p == parent]
        together = [int((gold[:, parent] & gold[:, child]).sum()) for child in children]
        expected = [one / max(sum(together), 1) for one in together]
        found = [float(f) for f, (p, _) in zip(priors, graph.edges, strict=True) if p == parent]
        assert found == pytest.approx(expected, rel=1e-6)
