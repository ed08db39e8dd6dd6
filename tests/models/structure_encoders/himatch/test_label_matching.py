"""HiMatch's samples against the hierarchy, drawn evenly, and its losses against the published numbers."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from models.head_spec import HeadSpec
from models.structure_encoders.himatch.label_matching import (
    OTHER_MARGIN,
    SIBLING_MARGIN,
    LabelSampler,
    Sample,
    inter_loss,
    intra_loss,
)
from tests.models.hierarchies import DAG, dags, facts_of, head_on, hierarchy, stars


def vectors(*rows: tuple[float, float]) -> list[Tensor]:
    return [torch.tensor(row, dtype=torch.double) for row in rows]


def test_the_originals_losses() -> None:
    text, gold, parent, sibling, other = vectors((1, 0), (0, 1), (1, 1), (-1, 0), (0, -1))
    assert inter_loss(text, gold, parent).item() == pytest.approx(1.495)
    parts = [
        intra_loss(text, gold, sibling, SIBLING_MARGIN, is_published=True).item(),
        intra_loss(text, gold, other, OTHER_MARGIN, is_published=True).item(),
    ]
    assert parts == pytest.approx([0.0, 0.2])


def test_published_margins_are_never_met_by_vectors_of_length_one_and_the_others_are() -> None:
    text = torch.nn.functional.normalize(torch.randn(500, 200, dtype=torch.double), dim=-1)
    # The best there is: the gold label where the text is, the other one opposite. 0.02 nearer, of 0.1 and 0.2.
    for margin, least in ((SIBLING_MARGIN, 0.08), (OTHER_MARGIN, 0.18)):
        best = intra_loss(text, text, -text, margin, is_published=True)
        torch.testing.assert_close(best, torch.full_like(best, least))
        assert intra_loss(text, text.roll(1, 0), text.roll(2, 0), margin, is_published=True).min() > least
        assert not intra_loss(text, text, -text, margin, is_published=False).any()
        # Not met: 0.05 of a squared distance short of the margin, over the width.
        near = torch.tensor([[0.0, 0.0]], dtype=torch.double)
        farther = torch.tensor([[(margin - 0.05) ** 0.5, 0.0]], dtype=torch.double)
        short = intra_loss(near, near, farther, margin, is_published=False)
        assert short.item() == pytest.approx(0.05 / 2)


def heads_of(graph: Hierarchy) -> dict[str, list[HeadSpec]]:
    facts, branches = facts_of(graph), graph.branches()
    return {
        "none": [head_on(graph)],
        "masking": [HeadSpec(graph, facts, predicted=branch) for branch in branches],
        "projection": [HeadSpec(graph.sub(b), facts.of(graph, b), np.arange(len(b)), graph) for b in branches],
    }


def gold_of(graph: Hierarchy, batch: int) -> Tensor:
    drawn = (torch.rand(batch, len(graph)) < 0.25).float() @ torch.from_numpy(graph.ancestors).float()
    return (drawn > 0).float()


def choices(graph: Hierarchy, labels: list[int], gold: set[int], label: int) -> tuple[set[int], set[int], set[int]]:
    """Parents, siblings and others that may be drawn for a gold label within some labels, by definition."""
    others = set(labels) - gold
    parents = {p for p in graph.graph.predecessors(label) if p in labels}
    if parents:
        family = {child for parent in parents for child in graph.graph.successors(parent) if child in labels}
    else:
        above = {one: set(graph.graph.predecessors(one)) & set(labels) for one in labels}
        family = {one for one in labels if one in graph.roots or not above[one]}
    return parents or {label}, (family - {label}) or others, others


@given(dags(), st.sampled_from(["none", "masking", "projection"]), st.integers(0, 2**31))
def test_what_is_drawn_is_what_may_be_drawn_on_any_dag(graph: Hierarchy, merge: str, seed: int) -> None:
    torch.manual_seed(seed)
    heads = heads_of(graph)[merge]
    branches = [np.arange(len(graph))] if merge == "none" else graph.branches()
    gold_BL = gold_of(graph, 6)
    labels_C = np.concatenate(branches)
    sample = Sample(*(part.numpy() for part in LabelSampler(heads)(gold_BL[:, labels_C])))
    for document, row in enumerate(gold_BL.bool().numpy()):
        for number, branch in enumerate(branches):
            place = document, number
            gold = set(branch[row[branch]].tolist())
            assert sample.has_gold[place] == bool(gold)
            if not gold:
                assert not sample.has_sibling[place] and not sample.has_other[place]
                continue
            label = int(labels_C[sample.gold[place]])
            parents, siblings, others = choices(graph, branch.tolist(), gold, label)
            assert label in gold and int(labels_C[sample.parent[place]]) in parents
            assert sample.has_sibling[place] == bool(siblings) and sample.has_other[place] == bool(others)
            if siblings:
                assert int(labels_C[sample.sibling[place]]) in siblings
            if others:
                assert int(labels_C[sample.other[place]]) in others


def test_masking_draws_what_projection_draws() -> None:
    gold = gold_of(DAG, 200)[:, np.concatenate(DAG.branches())]
    samples = []
    for merge in ("masking", "projection"):
        torch.manual_seed(1)
        samples.append(LabelSampler(heads_of(DAG)[merge])(gold))
    assert all(torch.equal(one, other) for one, other in zip(*samples, strict=True))


def assert_even(drawn: Tensor, expected: dict[int, float]) -> None:
    counts = Counter(drawn.flatten().tolist())
    assert set(counts) == set(expected)
    for label, share in expected.items():
        deviation = 5 * (share * (1 - share) / drawn.numel()) ** 0.5
        assert counts[label] / drawn.numel() == pytest.approx(share, abs=deviation + 1e-12)


def test_draws_are_even() -> None:
    # 0 > 1 2 3, 4 > 5 6; gold 0, 1, 2.
    graph = hierarchy(7, [(0, 1), (0, 2), (0, 3), (4, 5), (4, 6)])
    gold = torch.zeros(20_000, 7)
    gold[:, [0, 1, 2]] = 1
    sample = LabelSampler([head_on(graph)])(gold)
    assert_even(sample.gold, {0: 1 / 3, 1: 1 / 3, 2: 1 / 3})
    assert_even(sample.other, dict.fromkeys([3, 4, 5, 6], 1 / 4))
    of = {label: sample.sibling[sample.gold == label] for label in (0, 1, 2)}
    assert_even(of[0], {4: 1.0})
    assert_even(of[1], {2: 0.5, 3: 0.5})
    assert_even(of[2], {1: 0.5, 3: 0.5})
    assert_even(sample.parent[sample.gold == 1], {0: 1.0})
    two_parents = torch.zeros(20_000, 7)
    two_parents[:, [0, 1, 3]] = 1
    drawn = LabelSampler([head_on(DAG)])(two_parents)
    assert_even(drawn.parent[drawn.gold == 3], {0: 0.5, 1: 0.5})
    assert_even(drawn.sibling[drawn.gold == 3], {2: 0.5, 4: 0.5})


def test_a_branch_without_a_label_that_is_not_gold_compares_with_none() -> None:
    graph = stars([1, 2])
    gold = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    sample = LabelSampler(heads_of(graph)["projection"])(gold)
    assert sample.has_gold.tolist() == [[True, True], [False, True]]
    assert sample.has_other.tolist() == [[False, True], [False, False]]
    # The branch's top label has no sibling there; its child has none either.
    assert sample.has_sibling.tolist() == [[False, True], [False, False]]
    assert sample.sibling[0, 1].item() == 2 and sample.parent[:, 1].tolist() == [1, 1]
