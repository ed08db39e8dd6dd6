"""The reconstruction of the hybrid loss: HMCN-F's outputs, mixed otherwise."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.branch_heads import BranchHeads
from models.objectives.bce import BCE
from models.structure_encoders.hmcn import HMCN
from models.structure_encoders.hybrid_loss import HybridLoss
from tests.models.encoder_checks import assert_side_by_side
from tests.models.hierarchies import DAG, UNLIKE, facts_of, head_on, hierarchy

GRAPHS = {
    "dag": (DAG, [[0, 1, 6], [2, 3, 4], [5]]),
    "tree": (hierarchy(4, [(0, 1), (0, 2)]), [[0, 3], [1, 2]]),
    "no edges": (hierarchy(3), [[0, 1, 2]]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_loss_of_a_whole_hierarchy(name: str) -> None:
    graph, levels = GRAPHS[name]
    encoder = HybridLoss([head_on(graph)], 3, alpha=0.2, violation=3.0)
    logits, gold = torch.randn(2, 5, len(graph)), (torch.rand(5, len(graph)) < 0.4).float()
    bce = functional.binary_cross_entropy_with_logits
    local = torch.stack([bce(logits[0][:, labels], gold[:, labels]) for labels in levels]).mean()
    mixed = 0.8 * torch.sigmoid(logits[0]) + 0.2 * torch.sigmoid(logits[1])
    violations = [torch.relu(mixed[:, c] - mixed[:, p]).square().mean() for p, c in graph.edges.tolist()]
    expected = 0.2 * bce(logits[1], gold) + 0.8 * local + 3 * sum(violations, torch.zeros(()))
    found = encoder.loss(logits, gold, torch.full((len(graph),), 1 / len(graph)), BCE(encoder.heads))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(encoder.probabilities(logits, BCE(encoder.heads)), mixed)


def test_outputs_are_those_of_hmcn_f() -> None:
    mine, theirs = HybridLoss(UNLIKE, 3, width=4).eval(), HMCN(UNLIKE, 3, width=4).eval()
    mine.load_state_dict(theirs.state_dict())
    text = torch.randn(4, 3)
    assert torch.equal(mine(text), theirs(text))


@pytest.mark.parametrize("merge", ["masking", "projection"])
def test_local_and_global_losses_of_branches_add_up_to_one_each(merge: Any) -> None:
    # All logits are 0 and lambda too: every cross-entropy is ln 2, and a branch's mixture is a mean of such.
    heads = BranchHeads(
        DAG,
        facts_of(DAG),
        lambda heads: HybridLoss(heads, 3, alpha=0.2, violation=0.0),
        merge=merge,
        branch_reduction="mean_local",
        recursive_penalty=0.0,
    )
    loss = heads.loss(torch.zeros(2, 4, 9), torch.zeros(4, 7))
    assert loss.item() == pytest.approx(3 * torch.log(torch.tensor(2.0)).item())


def test_a_list_is_its_heads_side_by_side() -> None:
    assert_side_by_side(HybridLoss, UNLIKE, width=4, dropout=0.0)


def test_gradients_by_finite_differences_on_a_dag() -> None:
    heads = [head_on(DAG), UNLIKE[1]]
    encoder = HybridLoss(heads, 3, width=2, violation=1.0, dropout=0.0).double()
    gold, weights = (torch.rand(4, 8) < 0.4).double(), torch.rand(8).double()

    def loss(text: Tensor, *_: Tensor) -> Tensor:
        return encoder.loss(encoder(text), gold, weights, BCE(heads))

    text = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (text, *encoder.parameters()))
