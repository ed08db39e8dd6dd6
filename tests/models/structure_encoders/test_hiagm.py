"""HiAGM against the original's numbers, the formulas of its layer, and one encoder per head."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from harness.training.estimate import unallocated
from models.head_spec import HeadSpec
from models.layers.gcn import HierarchyGCN
from models.structure_encoders.hiagm import HiAGM
from tests.models.encoder_checks import assert_gradients, assert_side_by_side, columns, halves
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, WOS_BRANCHES, dags, head_on, hierarchy, small_head, stars

GCN = {"edge_weight": halves, "edge_bias": halves, "gate_bias": columns}
"""Its edges are those of all heads upwards, then downwards; its gates side by side."""
NO_DROPOUT = {"text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}


def test_the_original_layer_on_three_labels() -> None:
    one = head_on(hierarchy(3, [(0, 1), (0, 2)]), [0.25, 0.75])
    layer = HierarchyGCN([one], 2, dropout=0.0)
    torch.testing.assert_close(layer.edge_weight, torch.nn.Parameter(torch.tensor([1.0, 1.0, 0.25, 0.75])))
    with torch.no_grad():
        layer.gates.weight.copy_(torch.tensor([0.1, -0.2, 0.3, 0.1, -0.2, 0.4]))
        states = layer(torch.tensor([[1.0, -1.0], [2.0, 0.5], [-1.0, 3.0]]).unsqueeze(1)).squeeze(1)
    expected = torch.tensor([[0.9288, 1.6562], [1.0646, 0.0608], [0.0, 2.0316]])
    torch.testing.assert_close(states, expected, rtol=0, atol=5e-5)


def one_node(layer: HierarchyGCN, graph: Hierarchy, node: int, states_NBH: Tensor) -> Tensor:
    """The layer at one node, by its formula."""
    num_nodes = len(graph)
    up, down = layer.edge_bias[node], layer.edge_bias[num_nodes + node]
    for number, (parent, child) in enumerate(graph.edges.tolist()):
        if parent == node:
            up = up + layer.edge_weight[number] * states_NBH[child]
        if child == node:
            down = down + layer.edge_weight[len(graph.edges) + number] * states_NBH[parent]
    up_gate, down_gate, own_gate = (states_NBH[node] @ layer.gates.weight.view(3, -1).T).unbind(-1)
    up_gate, down_gate = up_gate + layer.gate_bias[0, node], down_gate + layer.gate_bias[1, node]
    gated = [torch.sigmoid(up_gate)[:, None] * up, torch.sigmoid(down_gate)[:, None] * down]
    return torch.relu(gated[0] + gated[1] + torch.sigmoid(own_gate)[:, None] * states_NBH[node])


@given(dags(), st.integers(0, 2**31))
def test_the_layer_is_its_formula_at_every_node_of_any_dag(graph: Hierarchy, seed: int) -> None:
    torch.manual_seed(seed)
    layer = HierarchyGCN([head_on(graph)], 3, dropout=0.0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
        states = torch.randn(len(graph), 2, 3)
        by_node = torch.stack([one_node(layer, graph, node, states) for node in range(len(graph))])
        torch.testing.assert_close(layer(states), by_node, rtol=1e-4, atol=1e-5)


def test_the_classifier_reads_all_nodes_of_its_member_for_every_label() -> None:
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
def test_a_list_is_its_members_side_by_side(heads: tuple[HeadSpec, ...], structure: str) -> None:
    assert_side_by_side(HiAGM, heads, GCN, node_width=6, layers=2, structure=structure, **NO_DROPOUT)


@pytest.mark.parametrize("structure", ["gcn", "tree_lstm"])
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


def test_node_dropout_takes_each_summand_by_itself() -> None:
    layer = HierarchyGCN([small_head(1)], 500, dropout=0.5)
    torch.nn.init.zeros_(layer.gates.weight)
    with torch.no_grad():
        layer.edge_bias[0], layer.edge_bias[1] = 1.0, 2.0
        # Each summand is its gate, 1/2, times 1, 2 or 4, and twice that or nothing after dropout.
        sums = layer(torch.full((1, 1, 500), 4.0)).flatten()
    assert set(sums.tolist()) == {float(i) for i in range(8)}
    assert all(35 < (sums == i).sum() < 95 for i in range(8))


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
