"""The reconstruction of HMGDN: local and global outputs by hand, the start, and one encoder per head."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import HeadSpec
from models.objectives.bce import BCE
from models.structure_encoders.hmgdn import HMGDN
from tests.models.encoder_checks import assert_side_by_side
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, head_on


def test_global_logits_are_a_linear_map_of_the_local_probabilities() -> None:
    encoder = HMGDN([head_on(DAG)], 3).eval()
    torch.nn.init.normal_(encoder.combine.weight)
    text = torch.randn(5, 3)
    local = text @ encoder.output.weight.T + encoder.output.bias
    expected = torch.sigmoid(local) @ encoder.combine.weight.view(7, 7).T + encoder.combine.bias
    torch.testing.assert_close(encoder(text), torch.stack([local, expected]))
    torch.testing.assert_close(encoder.probabilities(encoder(text), BCE(encoder.heads)), torch.sigmoid(expected))


def test_at_first_a_label_is_predicted_where_its_own_classifier_does() -> None:
    encoder = HMGDN(UNLIKE, 3).eval()
    local, global_ = encoder(torch.randn(50, 3))
    torch.testing.assert_close(global_, 4 * torch.sigmoid(local) - 2)
    assert torch.equal(global_ > 0, local > 0)


def test_the_loss_of_a_whole_hierarchy() -> None:
    encoder = HMGDN([head_on(DAG)], 3)
    logits, gold = torch.randn(2, 5, 7), (torch.rand(5, 7) < 0.4).float()
    expected = functional.binary_cross_entropy_with_logits(logits[1], gold)
    for labels in ([0, 1, 6], [2, 3, 4], [5]):
        expected = expected + functional.binary_cross_entropy_with_logits(logits[0][:, labels], gold[:, labels])
    found = encoder.loss(logits, gold, torch.full((7,), 1 / 7), BCE(encoder.heads))
    torch.testing.assert_close(found, expected)


def test_a_masked_head_joins_its_own_labels_only() -> None:
    masked = [dataclasses.replace(head_on(DAG), predicted=branch) for branch in DAG.branches()]
    assert HMGDN(masked, 3).combine.shapes == [(4, 4), (4, 4), (1, 1)]


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...]) -> None:
    assert_side_by_side(HMGDN, heads)


def test_gradients_by_finite_differences_on_a_dag() -> None:
    heads = [head_on(DAG), UNLIKE[1]]
    encoder = HMGDN(heads, 3).double()
    gold, weights = (torch.rand(4, 8) < 0.4).double(), torch.rand(8).double()

    def loss(text: Tensor, *_: Tensor) -> Tensor:
        return encoder.loss(encoder(text), gold, weights, BCE(heads)) + encoder.recursive_penalty()

    text = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (text, *encoder.parameters()))


def test_the_penalty_ties_local_rows() -> None:
    encoder = HMGDN([head_on(DAG)], 3)
    rows = encoder.output.weight.detach().numpy()
    expected = sum(((rows[p] - rows[c]) ** 2).sum() for p, c in DAG.edges) / 2
    assert encoder.recursive_penalty().item() == pytest.approx(float(np.float64(expected)), rel=1e-5)
