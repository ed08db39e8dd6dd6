"""The Tree-LSTM against a recursion over nodes, one document at a time."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import ConfigError
from models.layers.tree_lstm import GraphLSTM, TreeLSTM
from models.structure_encoders.hiagm import HiAGM
from tests.models.hierarchies import DAG, UNLIKE, dags, head_on, small_head, stars


def random_priors(graph: Hierarchy, seed: int) -> Any:
    return np.random.default_rng(seed).random(len(graph.edges))


def randomised(layer: Any) -> Any:
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return layer


def recursion(lstm: GraphLSTM, graph: Hierarchy, x_UH: Tensor, is_upwards: bool) -> Tensor:
    """One document's hidden states by the equations, node by node; the weights are those of a single head."""
    half = x_UH.shape[1] // 2
    weights = dict(zip("iouf", lstm.inputs.weight.view(4, half, -1), strict=True))
    biases = dict(zip("iouf", lstm.inputs.bias.view(4, half), strict=True))
    recurrent = dict(zip("iou", lstm.gates_weight.view(3, half, half), strict=True))
    recurrent["f"] = lstm.forget_weight.view(half, half)
    edges = {tuple(edge): number for number, edge in enumerate(graph.edges.tolist())}

    def gate(name: str, node: int, hidden: Tensor) -> Tensor:
        return weights[name] @ x_UH[node] + recurrent[name] @ hidden + biases[name]

    @cache
    def state(node: int) -> tuple[Tensor, Tensor]:
        carried = []
        for other in graph.graph.successors(node) if is_upwards else graph.graph.predecessors(node):
            weight = lstm.edge_scale[edges[(node, other) if is_upwards else (other, node)]]
            carried.append(tuple(weight * part for part in state(other)))
        share = 1 if is_upwards or not carried else 1 / len(carried)
        read = sum((share * h for h, _ in carried), torch.zeros(half))
        kept = sum((share * torch.sigmoid(gate("f", node, h)) * c for h, c in carried), torch.zeros(half))
        memory = torch.sigmoid(gate("i", node, read)) * torch.tanh(gate("u", node, read)) + kept
        return torch.sigmoid(gate("o", node, read)) * torch.tanh(memory), memory

    return torch.stack([state(node)[0] for node in range(len(graph))])


@given(dags(), st.integers(0, 2**31))
def test_it_is_its_recursion_at_every_node_of_any_dag(graph: Hierarchy, seed: int) -> None:
    torch.manual_seed(seed)
    layer = randomised(TreeLSTM([head_on(graph, random_priors(graph, 0))], 4, dropout=0.0))
    nodes_UBH = torch.randn(len(graph), 2, 4)
    with torch.no_grad():
        documents = []
        for x_UH in nodes_UBH.unbind(1):
            halves = [recursion(layer.up, graph, x_UH, True), recursion(layer.down, graph, x_UH, False)]
            documents.append(torch.cat(halves, dim=1))
        torch.testing.assert_close(layer(nodes_UBH), torch.stack(documents, dim=1), rtol=1e-4, atol=1e-5)


def test_edges_start_at_one_upwards_and_at_the_prior_share_downwards() -> None:
    layer = TreeLSTM([head_on(DAG, random_priors(DAG, 1))], 4, dropout=0.0)
    assert layer.up.edge_scale.tolist() == [1.0] * 5
    torch.testing.assert_close(layer.down.edge_scale.detach(), torch.tensor(random_priors(DAG, 1)).float())


def test_a_chain_upwards_is_the_lstm_of_torch() -> None:
    chain = small_head(5, [(i, i + 1) for i in range(4)])
    layer = randomised(TreeLSTM([chain], 6, dropout=0.0)).up
    torch.nn.init.ones_(layer.edge_scale)
    reference = torch.nn.LSTM(6, 3)
    # Torch has its gates in the order i, f, u, o.
    into, bias = layer.inputs.weight.view(4, 3, 6), layer.inputs.bias.view(4, 3)
    own = torch.cat([layer.gates_weight.view(3, 3, 3), layer.forget_weight.view(1, 3, 3)])
    with torch.no_grad():
        reference.weight_ih_l0.copy_(into[[0, 3, 2, 1]].flatten(0, 1))
        reference.weight_hh_l0.copy_(own[[0, 3, 2, 1]].flatten(0, 1))
        reference.bias_ih_l0.copy_(bias[[0, 3, 2, 1]].flatten())
        reference.bias_hh_l0.zero_()
        nodes_UBH = torch.randn(5, 2, 6)
        torch.testing.assert_close(layer(nodes_UBH), reference(nodes_UBH.flip(0))[0].flip(0))


def test_a_node_reads_everything_below_it_and_everything_above_it_and_nothing_else() -> None:
    layer = randomised(TreeLSTM([head_on(DAG, random_priors(DAG, 2)), UNLIKE[1]], 4, dropout=0.0))
    nodes_UBH = torch.randn(8, 1, 4, requires_grad=True)
    reads = torch.zeros(8, 8, 2, dtype=torch.bool)
    for node in range(8):
        for half, states in enumerate(layer(nodes_UBH)[node, 0].chunk(2)):
            (gradient,) = torch.autograd.grad(states.sum(), nodes_UBH, retain_graph=True)
            reads[node, :, half] = gradient.abs().sum((1, 2)) > 0
    is_above = torch.zeros(8, 8, dtype=torch.bool)
    is_above[:7, :7] = torch.from_numpy(DAG.ancestors)
    is_above[7, 7] = True
    assert torch.equal(reads[..., 1], is_above) and torch.equal(reads[..., 0], is_above.T)


def test_parameters_on_wos() -> None:
    graph = stars([18, 54, 12, 17, 10, 10, 20])
    (layer,) = HiAGM([head_on(graph)], 8, structure="tree_lstm").graph
    # Per direction four gates from 300 inputs and 150 hidden states, with one bias each, and a number per edge.
    assert sum(p.numel() for p in layer.parameters()) == 2 * (4 * 150 * (300 + 150 + 1) + 134)


def test_dropout_falls_on_the_new_states() -> None:
    layer = TreeLSTM(UNLIKE, 200, dropout=0.3)
    nodes_UBH = torch.randn(17, 3, 200)
    undropped = layer.eval()(nodes_UBH)
    dropped = layer.train()(nodes_UBH)
    is_dropped = dropped == 0
    assert is_dropped.float().mean().item() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(dropped[~is_dropped], undropped[~is_dropped] / 0.7)


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ConfigError, match="even node_width, half for each direction, not 5"):
        HiAGM(UNLIKE, 4, structure="tree_lstm", node_width=5)
