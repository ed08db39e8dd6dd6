"""HiAGM-LA against its equations, label by label and document by document, and against one encoder per head."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.head_spec import HeadSpec
from models.structure_encoders.hiagm_la import HiAGMLA
from models.text_encoders.base import States
from tests.models.encoder_checks import assert_gradients, assert_side_by_side
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, head_on
from tests.models.structure_encoders.test_hiagm import GCN

NO_DROPOUT = {"label_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}
BOTH = pytest.mark.parametrize("structure", ["gcn", "tree_lstm"])


class OfVectors(HiAGMLA):
    """Reads vectors as texts of one, two, three, one, ... tokens that are made of them."""

    def forward(self, text: Tensor) -> Tensor:  # type: ignore[override]
        lengths_B = torch.arange(len(text)) % 3 + 1
        return super().forward(States(torch.stack([text, text.flip(1), text.cos()], dim=1), lengths_B))


def randomised(encoder: HiAGMLA) -> HiAGMLA:
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return encoder


def texts(num: int, width: int, lengths: Sequence[int]) -> States:
    """States after a text's end are numbers that must not be read."""
    states_BTD = torch.randn(num, max(lengths), width)
    for row, length in zip(states_BTD, lengths, strict=True):
        row[length:] = 1e6
    return States(states_BTD, torch.tensor(lengths))


@BOTH
def test_the_equations_label_by_label(structure: Any) -> None:
    one = head_on(DAG, np.linspace(0.1, 0.9, 5))
    encoder = randomised(HiAGMLA([one], 3, node_width=4, structure=structure, **NO_DROPOUT))
    (layer,) = encoder.graph
    read = texts(2, 3, [3, 2])
    with torch.no_grad():
        states = layer(encoder.labels.unsqueeze(1)).squeeze(1)
        expected = []
        for text, length in zip(*read, strict=True):
            slots = [encoder.to_slots.weight @ token + encoder.to_slots.bias for token in text[:length]]
            found = []
            for state in states:
                scores = [float((state * slot).sum().exp()) for slot in slots]
                found.append(sum(score / sum(scores) * slot for score, slot in zip(scores, slots, strict=True)))
            weight = encoder.classifier.weight.view(7, 7 * 4)
            expected.append(weight @ torch.cat(found) + encoder.classifier.bias)  # type: ignore[arg-type]
        torch.testing.assert_close(encoder(read), torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("tokens", "is_read"), [(1, False), (2, True)])
def test_with_the_published_single_slot_labels_and_graph_learn_nothing(tokens: int, is_read: bool) -> None:
    encoder = randomised(HiAGMLA(UNLIKE, 3, node_width=4, **NO_DROPOUT))
    encoder(texts(5, 3, [tokens] * 5)).sin().sum().backward()
    for name, parameter in encoder.named_parameters():
        if name == "labels" or name.startswith("graph"):
            assert parameter.grad is not None and bool(parameter.grad.abs().max() > 1e-7) == is_read, name
    assert encoder.to_slots.weight.grad.abs().max() > 1e-3


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@BOTH
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...], structure: str) -> None:
    assert_side_by_side(OfVectors, heads, GCN, node_width=4, layers=2, structure=structure, **NO_DROPOUT)


@BOTH
def test_gradients_by_finite_differences_on_a_dag(structure: Any) -> None:
    heads = [head_on(DAG, np.full(5, 0.5)), UNLIKE[3]]
    encoder = randomised(OfVectors(heads, 3, node_width=2, structure=structure, **NO_DROPOUT)).double()
    assert_gradients(encoder)


def test_dropout_falls_on_labels_and_logits_while_training() -> None:
    encoder = HiAGMLA(UNLIKE, 4, node_width=4, label_dropout=0.0, node_dropout=0.0)
    read = texts(50, 4, [1, 2, 3, 4, 5] * 10)
    undropped = encoder.eval()(read)
    assert torch.equal(encoder(read), undropped)
    dropped = encoder.train()(read)
    is_dropped = dropped == 0
    assert 0.4 < is_dropped.float().mean().item() < 0.6
    torch.testing.assert_close(dropped[~is_dropped], 2 * undropped[~is_dropped])
    encoder.logit_dropout.p, encoder.label_dropout.p = 0.0, 0.9
    assert not torch.allclose(encoder(read), undropped)


def test_each_document_is_alone() -> None:
    encoder = HiAGMLA(UNLIKE, 4, node_width=4, structure="tree_lstm").eval()
    read = texts(3, 4, [3, 1, 2])
    alone = States(read.states_BTD[1:2, :1], read.lengths_B[1:2])
    torch.testing.assert_close(encoder(alone), encoder(read)[1:2])


def test_parameters() -> None:
    encoder = HiAGMLA([head_on(DAG)], 768)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    assert encoder.labels.shape == (7, 300) and encoder.labels.abs().max().item() <= (6 / 300) ** 0.5
    assert counts["to_slots"] == 300 * (768 + 1) and counts["classifier"] == 7 * (7 * 300 + 1)
    assert counts["graph"] == 2 * (5 + 7 * 300 + 7) + 3 * 300
