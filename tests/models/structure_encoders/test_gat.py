"""Graph attention against PyTorch Geometric's layers, document by document, and against one encoder per head."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.nn import GATConv, GATv2Conv

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from models.head_spec import HeadSpec
from models.structure_encoders.gat import GAT, GraphAttention
from tests.models.encoder_checks import assert_each_document_alone, assert_gradients, assert_side_by_side
from tests.models.hierarchies import ALIKE, DAG, UNLIKE, WOS_BRANCHES, dags, head_on, small_head, stars

NO_DROPOUT = {"text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}
BOTH = pytest.mark.parametrize("attention", ["gat", "gatv2"])


def library_layer(layer: GraphAttention) -> Any:
    """The library's layer with the weights of a layer for one head of width 6 and three heads."""
    kind = GATv2Conv if layer.is_dynamic else GATConv
    reference = kind(6, 2, heads=3, add_self_loops=False)
    maps = layer.maps.weight.view(-1, 6, 6)
    with torch.no_grad():
        if layer.is_dynamic:
            reference.lin_l.weight.copy_(maps[0])
            reference.lin_r.weight.copy_(maps[1])
            reference.att.copy_(layer.score_weight[0])
            reference.lin_l.bias.zero_()
            reference.lin_r.bias.zero_()
        else:
            reference.lin.weight.copy_(maps[0])
            reference.att_src.copy_(layer.score_weight[0, :1])
            reference.att_dst.copy_(layer.score_weight[0, 1:])
        reference.bias.copy_(layer.message_bias[0])
    return reference


@given(dags(), st.booleans(), st.integers(0, 2**31))
def test_a_layer_is_the_librarys_with_a_residual_on_any_dag(graph: Hierarchy, is_dynamic: bool, seed: int) -> None:
    torch.manual_seed(seed)
    layer = GraphAttention([head_on(graph)], 6, 3, is_dynamic, dropout=0.0)
    nodes_UBH = torch.randn(len(graph), 2, 6)
    down = torch.from_numpy(graph.edges.T.copy())
    everything = torch.cat([down, down.flip(0), torch.arange(len(graph)).expand(2, -1)], dim=1)
    with torch.no_grad():
        layer.message_bias.normal_()
        reference = library_layer(layer)
        documents = [torch.relu(x_UH + reference(x_UH, everything)) for x_UH in nodes_UBH.unbind(1)]
        torch.testing.assert_close(layer(nodes_UBH), torch.stack(documents, dim=1), rtol=1e-4, atol=1e-5)


@BOTH
def test_the_equations_at_one_node(attention: str) -> None:
    # Node 0 with two children: one head of width 1, every weight 1, so that W h is h.
    layer = GraphAttention([small_head(3, [(0, 1), (0, 2)])], 1, 1, attention == "gatv2", dropout=0.0)
    for parameter in (layer.maps.weight, layer.score_weight):
        torch.nn.init.ones_(parameter)
    h = np.array([1.0, 2.0, -4.0])
    pairs = h[0] + h
    scores = np.exp(np.where(pairs > 0, pairs, 0.2 * pairs))
    by_hand = 1.0 + float((scores / scores.sum() * h).sum())
    states = layer(torch.tensor(h, dtype=torch.float32)[:, None, None])
    assert states[0].item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("heads", [UNLIKE, ALIKE, UNLIKE[:1]], ids=["unlike", "alike", "one"])
@BOTH
def test_a_list_is_its_heads_side_by_side(heads: tuple[HeadSpec, ...], attention: str) -> None:
    assert_side_by_side(GAT, heads, node_width=6, heads=2, layers=2, attention=attention, **NO_DROPOUT)


@BOTH
def test_gradients_by_finite_differences_on_a_dag(attention: Any) -> None:
    encoder = GAT([head_on(DAG), UNLIKE[3]], 3, node_width=4, heads=2, layers=2, attention=attention, **NO_DROPOUT)
    assert_gradients(encoder)


@pytest.mark.parametrize(("attention", "count"), [("gat", 300 * 300 + 2 * 300 + 300), ("gatv2", 2 * 300 * 300 + 600)])
def test_parameters_of_a_layer_on_wos(attention: Any, count: int) -> None:
    (layer,) = GAT([head_on(stars(WOS_BRANCHES))], 4, attention=attention).graph
    assert sum(parameter.numel() for parameter in layer.parameters()) == count


@BOTH
def test_dropout_falls_on_the_attention_and_evaluation_is_without(attention: Any) -> None:
    # A lone node attends to itself with weight 1, and so is doubled, or with dropout 1/2 tripled or left alone.
    layer = GraphAttention([small_head(1)], 500, 500, attention == "gatv2", dropout=0.5)
    torch.nn.init.zeros_(layer.maps.weight)
    layer.maps.weight.data.view(-1, 500, 500)[0].fill_diagonal_(1.0)
    states = layer(torch.ones(1, 1, 500)).flatten()
    assert set(states.tolist()) == {1.0, 3.0} and 200 < (states == 3).sum() < 300
    torch.testing.assert_close(layer.eval()(torch.ones(1, 1, 500)), torch.full((1, 1, 500), 2.0))


@BOTH
def test_evaluation_is_deterministic_and_alone_for_each_document(attention: Any) -> None:
    assert_each_document_alone(GAT(UNLIKE, 4, node_width=4, attention=attention))


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of its heads: 5 is none of 4"):
        GAT(UNLIKE, 4, node_width=5)
