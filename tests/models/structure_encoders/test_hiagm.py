"""HiAGM against the original's numbers, the formulas of its layer, and one encoder per head."""

from typing import Any

import numpy as np
import pytest
import torch

from harness.training.memory import unallocated
from models.head_spec import HeadSpec
from models.structure_encoders.hiagm import HiAGM
from tests.models.encoder_checks import assert_gradients, assert_side_by_side, columns, halves
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, WOS_BRANCHES, head_on, small_head, stars

GCN = {"edge_weight": halves, "edge_bias": halves, "gate_bias": columns}
"""Its edges are those of all heads upwards, then downwards; its gates side by side."""
NO_DROPOUT = {"text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}


def test_the_classifier_reads_all_nodes_of_its_head_for_every_label() -> None:
    encoder = HiAGM([small_head(1)], 2, node_width=3).eval()
    (layer,) = encoder.graph
    with torch.no_grad():
        layer.edge_bias.normal_()
        text_BD = torch.randn(4, 2)
        spread_BH = text_BD @ encoder.spread.weight.T + encoder.spread.bias
        gates_B3 = torch.sigmoid(spread_BH @ layer.gates.weight.view(3, -1).T)
        states_BH = torch.relu(
            gates_B3[:, :1] * layer.edge_bias[0] + gates_B3[:, 1:2] * layer.edge_bias[1] + gates_B3[:, 2:] * spread_BH
        )
        logits = states_BH @ encoder.classifier.weight.view(1, -1).T + encoder.classifier.bias
        torch.testing.assert_close(encoder(text_BD), logits)
    assert encoder.recursive_penalty().item() == 0.0


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@pytest.mark.parametrize("structure", ["gcn", "tree_lstm"])
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...], structure: str) -> None:
    assert_side_by_side(HiAGM, heads, GCN, node_width=6, layers=2, structure=structure, **NO_DROPOUT)


def test_a_list_of_heads_without_gates_is_its_heads_side_by_side() -> None:
    heads = [one for one in (*UNLIKE, *ALIKE) if len(one.hierarchy.edges)]
    joins = {"edge_weight": halves}
    assert_side_by_side(HiAGM, heads, joins, node_width=6, layers=2, structure="ungated_gcn", **NO_DROPOUT)


@pytest.mark.parametrize("structure", ["gcn", "tree_lstm", "ungated_gcn"])
def test_gradients_by_finite_differences_on_a_dag(structure: Any) -> None:
    heads = [head_on(DAG, np.full(len(DAG.edges), 0.5)), UNLIKE[3]]
    encoder = HiAGM(heads, 3, node_width=2, layers=2, structure=structure, **NO_DROPOUT).double()
    for name, parameter in encoder.named_parameters():
        if "bias" in name:
            torch.nn.init.normal_(parameter)
    assert_gradients(encoder)


@pytest.mark.parametrize(("num_labels", "millions"), [(141, 38.62), (103, 27.03), (166, 46.72)])
def test_parameter_counts_of_the_published_heads(num_labels: int, millions: float) -> None:
    encoder = unallocated(lambda: HiAGM([small_head(num_labels, [(0, 1), (0, 2)])], 768))
    # The published layer holds dense N x N matrices whose entries off the edges do nothing.
    unused = 2 * (num_labels**2 - 2)
    total = sum(parameter.numel() for parameter in encoder.parameters()) + unused
    assert round(total / 1e6, 2) == millions


def test_parameter_counts_of_the_parts_on_wos() -> None:
    graph = stars(WOS_BRANCHES)
    encoder = unallocated(lambda: HiAGM([head_on(graph)], 768))
    counts = {
        name: sum(parameter.numel() for parameter in part.parameters()) for name, part in encoder.named_children()
    }
    assert counts["spread"] == 32_528_700
    assert counts["graph"] == 125_544 - 2 * (141**2 - 134)
    assert counts["classifier"] == 5_964_441


def test_dropout_falls_on_the_logits_and_can_be_switched_off() -> None:
    text_BD = torch.randn(50, 4)
    encoder = HiAGM(UNLIKE, 4, node_width=3, text_dropout=0.0, node_dropout=0.0)
    undropped = encoder.eval()(text_BD)
    dropped = encoder.train()(text_BD)
    is_dropped = dropped == 0
    assert 0.4 < is_dropped.float().mean().item() < 0.6
    torch.testing.assert_close(dropped[~is_dropped], 2 * undropped[~is_dropped])
    encoder.logit_dropout.p = 0.0
    assert torch.equal(encoder(text_BD), undropped)


@pytest.mark.parametrize("structure", ["gcn", "tree_lstm"])
def test_evaluation_is_deterministic_and_alone_for_each_document(structure: Any) -> None:
    encoder = HiAGM(UNLIKE, 4, node_width=4, structure=structure).eval()
    text_BD = torch.randn(3, 4)
    assert torch.equal(encoder(text_BD), encoder(text_BD))
    torch.testing.assert_close(encoder(text_BD[1:2]), encoder(text_BD)[1:2])


def test_which_parameters_decay() -> None:
    encoder = HiAGM(UNLIKE[:1], 4, node_width=3)
    decayed = {name for name, _ in encoder.named_parameters() if "bias" not in name}
    assert decayed == {"spread.weight", "graph.0.edge_weight", "graph.0.gates.weight", "classifier.weight"}
