"""The hierarchy GCNs: against the original's numbers, and against their formulas, node by node or in dense matrices."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from models.layers.gcn import HierarchyGCN, UngatedGCN
from tests.models.hierarchies import dags, head_on, hierarchy, small_head


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


def test_node_dropout_takes_each_summand_by_itself() -> None:
    layer = HierarchyGCN([small_head(1)], 500, dropout=0.5)
    torch.nn.init.zeros_(layer.gates.weight)
    with torch.no_grad():
        layer.edge_bias[0], layer.edge_bias[1] = 1.0, 2.0
        # Each summand is its gate, 1/2, times 1, 2 or 4, and twice that or nothing after dropout.
        sums = layer(torch.full((1, 1, 500), 4.0)).flatten()
    assert set(sums.tolist()) == {float(i) for i in range(8)}
    assert all(35 < (sums == i).sum() < 95 for i in range(8))


@given(dags(), st.integers(0, 2**31))
def test_the_ungated_layer_is_equation_2_in_dense_matrices(graph: Hierarchy, seed: int) -> None:
    assume(len(graph.edges))
    torch.manual_seed(seed)
    other = small_head(3, [(0, 1), (1, 2)], seed=1)
    priors = np.random.default_rng(seed).random(len(graph.edges))
    layer = UngatedGCN([head_on(graph, priors), other], 3, dropout=0.0)
    states_UBH = torch.randn(len(graph) + 3, 2, 3)
    up, down = (linear.weight.detach().view(2, 3, 3).numpy() for linear in (layer.up, layer.down))
    expected, start = [], 0
    for number, one in enumerate((head_on(graph, priors), other)):
        size = len(one.hierarchy)
        from_children, from_parents = np.zeros((size, size)), np.zeros((size, size))
        for prior, (parent, child) in zip(one.facts.priors, one.hierarchy.edges.tolist(), strict=True):
            from_children[parent, child], from_parents[child, parent] = 1.0, prior
        for own_NH in states_UBH[start : start + size].transpose(0, 1).numpy():
            summed = from_parents @ own_NH @ down[number].T + from_children @ own_NH @ up[number].T
            expected.append((start, 1 / (1 + np.exp(-summed))))
        start += size
    found_UBH = layer(states_UBH).detach()
    for place, (first, states_NH) in enumerate(expected):
        own = found_UBH[first : first + len(states_NH), place % 2].numpy()
        np.testing.assert_allclose(own, states_NH, rtol=1e-5, atol=1e-6)


def test_the_ungated_layer_has_two_matrices_a_head_and_a_number_an_edge_and_way() -> None:
    heads = [small_head(4, [(0, 1), (0, 2), (1, 3)]), small_head(3, [(0, 1)])]
    named = {name: parameter.numel() for name, parameter in UngatedGCN(heads, 5, 0.0).named_parameters()}
    assert named == {"edge_weight": 2 * (3 + 1), "up.weight": 2 * 25, "down.weight": 2 * 25}


def test_the_ungated_layer_refuses_a_head_that_would_never_see_the_text() -> None:
    with pytest.raises(ConfigError, match=r"1 of 2 heads have none \(the first has 4 labels, such as 'label 0'\)"):
        UngatedGCN([small_head(3, [(0, 1)]), small_head(4)], 5, 0.0)
