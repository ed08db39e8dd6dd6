"""Coherence of what branches combine to, under every merge and combination."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datasets.storage.hierarchy import Hierarchy
from models.branch_heads import BranchHeads
from models.objectives.max_constraint import MaxConstraint
from models.structure_encoders.flat import Flat
from tests.models.hierarchies import DAG, dags, facts_of, stars


def heads(graph: Hierarchy, merge: Any, **options: Any) -> BranchHeads:
    return BranchHeads(
        graph,
        facts_of(graph),
        lambda heads: Flat(heads, 3),
        merge=merge,
        branch_reduction="mean_local",
        **options,
    )


@given(
    dags(),
    st.sampled_from(["none", "masking", "projection"]),
    st.sampled_from(["max", "sum", "mean"]),
    st.integers(0, 2**16),
)
def test_a_label_becomes_as_probable_as_its_likeliest_descendant(
    graph: Hierarchy, merge: Any, combine: Any, seed: int
) -> None:
    torch.manual_seed(seed)
    plain = heads(graph, merge, combine=combine)
    coherent = heads(graph, merge, combine=combine, coherence="max_constraint")
    coherent.load_state_dict(plain.state_dict())
    text_BD = torch.randn(4, 3)
    before, after = (one.probabilities(one(text_BD)).detach().numpy() for one in (plain, coherent))
    for label in range(len(graph)):
        np.testing.assert_array_equal(after[:, label], before[:, graph.ancestors[:, label]].max(1))
    assert all((after[:, child] <= after[:, parent]).all() for parent, child in graph.edges)
    gold_BL = torch.zeros(4, len(graph))
    assert coherent.loss(coherent(text_BD), gold_BL) == plain.loss(plain(text_BD), gold_BL)


@pytest.mark.parametrize("combine", ["max", "mean"])
def test_coherent_branches_may_combine_to_what_is_not(combine: Any) -> None:
    # Branches {0 2 3 5} and {1 3 4 5}: the second head holds 1, 3 and 5 for probable, the first holds nothing so.
    logits_BC = torch.logit(torch.tensor([[0.2, 0.1, 0.1, 0.1, 0.9, 0.9, 0.1, 0.9, 0.1]]))
    for coherence, wanted in (("none", False), ("max_constraint", True)):
        built = heads(DAG, "projection", combine=combine, objective=MaxConstraint, coherence=coherence)
        shown = built.probabilities(logits_BC)[0]
        assert bool(shown[3] <= shown[0]) is wanted
        assert shown[3].item() == pytest.approx({"max": 0.9, "mean": 0.5}[combine])


def test_on_a_tree_coherent_branches_stay_as_they_are() -> None:
    graph = stars([4, 6, 1])
    both = ("none", "max_constraint")
    plain, again = (heads(graph, "projection", objective=MaxConstraint, coherence=one) for one in both)
    logits_BC = torch.randn(5, 11)
    assert torch.equal(plain.probabilities(logits_BC), again.probabilities(logits_BC))
