"""Text propagation with layers that are no graph's: what is spread, in which order layers act, and what is dropped."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.structure_encoders.text_propagation import TextPropagation, all_nodes_classifier
from tests.models.encoder_checks import assert_each_document_alone
from tests.models.hierarchies import UNLIKE, head_on, hierarchy, small_head

SIZES = [len(head.hierarchy) for head in UNLIKE]


class Scale(nn.Module):
    """Adds 1 and multiplies, so that the order of two of them counts."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        return (nodes_UBH + 1) * self.factor


def built(heads: Any, factors: tuple[float, ...] = (), **options: Any) -> TextPropagation:
    left = iter(factors)
    options = {"text_dropout": 0.0, "logit_dropout": 0.0} | options
    return TextPropagation(heads, 3, lambda: Scale(next(left)), node_width=2, layers=len(factors), **options)


@pytest.mark.parametrize(("factors", "scale", "shift"), [((), 1, 0), ((2,), 2, 2), ((2, 3), 6, 9)])
def test_logits_are_linear_maps_of_all_nodes_of_a_head(factors: Any, scale: float, shift: float) -> None:
    encoder = built(UNLIKE, factors)
    text_BD = torch.randn(4, 3)
    nodes_BUH = (encoder.spread(text_BD) * scale + shift).view(4, sum(SIZES), 2)
    torch.testing.assert_close(encoder.node_states(text_BD), nodes_BUH.flatten(1))
    weights = encoder.classifier.weight.split([2 * size * size for size in SIZES])
    expected = [
        nodes_BNH.flatten(1) @ weight.view(size, 2 * size).T + bias
        for nodes_BNH, weight, bias, size in zip(
            nodes_BUH.split(SIZES, 1), weights, encoder.classifier.bias.split(SIZES), SIZES, strict=True
        )
    ]
    torch.testing.assert_close(encoder(text_BD), torch.cat(expected, 1), rtol=1e-4, atol=1e-5)
    assert_each_document_alone(encoder)


def test_a_classifier_has_rows_for_predicted_labels_and_columns_for_all_nodes() -> None:
    whole = head_on(hierarchy(3, [(0, 1), (0, 2)]))
    part = type(whole)(whole.hierarchy, whole.facts, predicted=torch.tensor([2]).numpy())
    assert all_nodes_classifier([whole, part], 4).shapes == [(3, 12), (1, 12)]


def test_the_penalty_pulls_rows_of_the_classifier_along_edges() -> None:
    encoder = built([small_head(3, [(0, 1), (1, 2)])])
    rows = encoder.classifier.weight.detach().view(3, 6)
    expected = 0.5 * ((rows[0] - rows[1]).square().sum() + (rows[1] - rows[2]).square().sum())
    assert encoder.recursive_penalty().item() == pytest.approx(expected.item(), rel=1e-5)


def test_dropout_falls_on_what_is_spread_and_on_logits() -> None:
    text_BD = torch.randn(200, 3)
    encoder = built([small_head(4)], text_dropout=0.5)
    spread = encoder.spread(text_BD)
    nodes = encoder.node_states(text_BD)
    is_dropped = nodes == 0
    assert 0.4 < is_dropped.float().mean().item() < 0.6
    torch.testing.assert_close(nodes[~is_dropped], 2 * spread[~is_dropped])
    encoder = built([small_head(4)], logit_dropout=0.5)
    assert 0.4 < (encoder(text_BD) == 0).float().mean().item() < 0.6
