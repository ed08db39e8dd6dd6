"""A branch of several roots is one head like any other."""

import pytest
import torch

from datasets.storage.hierarchy import Hierarchy
from models import STRUCTURE_ENCODERS
from models.branch_heads import BranchHeads
from tests.models.hierarchies import facts_of

GRAPH = Hierarchy(
    ["a", "b", "c", "d", "a1", "a2", "b1", "d1"], [(0, 4), (0, 5), (1, 6), (3, 7)]
)  # Branches of 3, 2, 1 and 2 labels.


@pytest.mark.parametrize("merge", ["masking", "projection"])
@pytest.mark.parametrize("model", ["flat", "hiagm", "hitin"])
def test_a_pooled_branch_is_one_head(model: str, merge: str) -> None:
    graph = GRAPH.pooled(3)
    kind = STRUCTURE_ENCODERS[model].load()
    heads = BranchHeads(
        graph,
        facts_of(graph),
        lambda heads: kind(heads, 6),
        merge=merge,  # type: ignore[arg-type]
        branch_reduction="mean_local",
    )
    # The first head has branch a, the second all others; each label is predicted once.
    assert heads.labels.tolist() == [0, 4, 5, 1, 2, 3, 6, 7]
    assert heads.weights.tolist() == pytest.approx([1 / 3] * 3 + [1 / 5] * 5)
    gold = torch.zeros(4, len(graph))
    gold[:, 2] = 1
    loss = heads.loss(heads(torch.randn(4, 6)), gold)
    loss.backward()
    assert torch.isfinite(loss) and any(p.grad is not None and p.grad.abs().sum() > 0 for p in heads.parameters())
