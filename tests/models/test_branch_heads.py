"""HiMTL's lists, masks, loss weights and combinations, by hand and against the flat head's closed forms."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads, levels, split_labels
from models.head_spec import HeadSpec, LabelFacts
from models.structure_encoders.base import StructureEncoder
from models.structure_encoders.flat import Flat
from tests.models.hierarchies import DAG, dags, facts_of, forests, stars

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


@given(dags())
def test_random_sets_have_the_sizes_of_the_branches_and_every_label(graph: Hierarchy) -> None:
    branches = graph.branches()
    sets = split_labels(len(graph), branches, "random")
    assert [len(own) for own in sets] == [len(branch) for branch in branches]
    assert all((np.diff(own) > 0).all() for own in sets), "sorted, and none twice"
    counts = Counter(np.concatenate(sets).tolist())
    assert counts.keys() == set(range(len(graph)))
    assert max(counts.values()) - min(counts.values()) <= 1, "where sets overlap they share labels evenly"


@given(forests())
def test_random_sets_of_a_tree_are_a_partition(graph: Hierarchy) -> None:
    sets = split_labels(len(graph), graph.branches(), "random")
    assert sorted(np.concatenate(sets).tolist()) == list(range(len(graph)))


def test_the_random_split_is_fixed_and_is_not_the_hierarchys() -> None:
    graph = stars([18, 54, 12, 17, 10, 10, 20])
    branches = graph.branches()
    sets = split_labels(len(graph), branches, "random")
    np.random.seed(7)
    torch.manual_seed(7)
    assert all(map(np.array_equal, sets, split_labels(len(graph), branches, "random")))
    # By chance a set of size s has s^2 / 141 labels of the branch of its place: 37 of 141 in all.
    kept = sum(len(np.intersect1d(own, branch)) for own, branch in zip(sets, branches, strict=True))
    assert 20 < kept < 55


@given(dags())
def test_levels_are_longest_distances_and_no_edge_joins_two_labels_of_one(graph: Hierarchy) -> None:
    def longest(label: int) -> int:
        return 1 + max((longest(above) for above in graph.graph.predecessors(label)), default=0)

    sets = levels(graph)
    assert {label: i for i, own in enumerate(sets, start=1) for label in own.tolist()} == {
        label: longest(label) for label in range(len(graph))
    }
    heads = bare(graph, "projection", split="level")
    assert [one.hierarchy.labels for one in heads.structure.heads] == [
        tuple(graph.labels[label] for label in own) for own in sets
    ]
    assert not any(len(one.hierarchy.edges) for one in heads.structure.heads)


def test_a_level_is_a_masked_head_on_the_whole_hierarchy_and_is_not_seen_without_heads() -> None:
    # Of 0>2, 0>3, 1>3, 1>4, 3>5 and 6 alone.
    sets = [[0, 1, 6], [2, 3, 4], [5]]
    masked = bare(DAG, "masking", split="level").structure.heads
    assert [one.predicted.tolist() for one in masked] == sets and all(one.hierarchy is DAG for one in masked)
    assert [one.predicted.tolist() for one in bare(DAG, "none", split="level").structure.heads] == [list(range(7))]


@pytest.mark.parametrize("merge", ["masking", "projection"])
def test_flat_levels_with_one_mean_over_all_labels_are_the_flat_head(merge: Any) -> None:
    none, split = flat(DAG, "none"), flat(DAG, merge, split="level", branch_reduction="mean_global")
    order = split.labels
    with torch.no_grad():
        split.structure.output.weight.copy_(none.structure.output.weight[order])
        split.structure.output.bias.copy_(none.structure.output.bias[order])
    text_BD, gold_BL = torch.randn(6, 3), gold_of(DAG, 6)
    torch.testing.assert_close(split.loss(split(text_BD), gold_BL), none.loss(none(text_BD), gold_BL))
    torch.testing.assert_close(split.probabilities(split(text_BD)), torch.sigmoid(none(text_BD)))


def test_losses_of_the_heads_add_up_to_the_loss_and_each_reads_its_own_logits() -> None:
    heads = bare(DAG, "projection")
    logits_BC, gold_BL = torch.randn(5, 9, requires_grad=True), gold_of(DAG, 5)
    losses = heads.branch_losses(logits_BC, gold_BL)
    torch.testing.assert_close(torch.stack(losses).sum(), heads.loss(logits_BC, gold_BL))
    for loss, own in zip(losses, ([0, 1, 2, 3], [4, 5, 6, 7], [8]), strict=True):
        (gradient,) = torch.autograd.grad(loss, logits_BC)
        assert gradient.abs().sum(0).nonzero().flatten().tolist() == own
