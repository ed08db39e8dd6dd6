"""Tree-LSTM of HiAGM: one LSTM from the leaves up and one from the top down, over any label graph.

Zhou et al., ACL 2020, section 3.2.1, after the child-sum Tree-LSTM of Tai et al. (2015), as in the published program:
see `models/structure_encoders/hiagm.py`, also for where the downward edges start. On a DAG, which the paper leaves
open, a node takes the mean over its parents, each behind a forget gate of its own, like children on the way up.

Nodes are computed by topological generations: those that wait for no other node, those that wait for these, and so on.
A generation is one computation for all heads, its nodes and all documents.
"""

from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from harness.core.errors import ConfigError
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.per_head import PerHeadLinear, head_of, map_rows, scatter_sum, uniform_like_linear, union_edges

NUMERICS = {"tree lstm": 1}


class TreeLSTM(nn.Module):
    """Reads the nodes below a node into half of its new state, and the nodes above it into the other half.

    Args:
        heads: Specification of each head; U nodes and E edges in all.
        node_width: Width H, even.
        dropout: Dropout on the new states.

    Raises:
        ConfigError: If the width is odd.
    """

    def __init__(self, heads: Sequence[HeadSpec], node_width: int, dropout: float):
        super().__init__()
        if node_width % 2:
            raise ConfigError(f"The Tree-LSTM needs an even node_width, half for each direction, not {node_width}.")
        sizes = [len(head.hierarchy) for head in heads]
        parents_E, children_E = union_edges(heads)
        priors_E = torch.from_numpy(np.concatenate([head.facts.priors for head in heads]))
        ones_E = torch.ones(len(priors_E))
        num_parents_U = torch.bincount(children_E, minlength=sum(sizes))
        # Upwards the children add up; downwards the parents, of which a tree has one, are averaged.
        self.up = GraphLSTM(sizes, node_width, torch.stack([children_E, parents_E]), ones_E, ones_E.clone())
        self.down = GraphLSTM(
            sizes, node_width, torch.stack([parents_E, children_E]), priors_E, 1 / num_parents_U[children_E]
        )
        self.dropout = Dropout(dropout)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the next (U, B, H) states."""
        return self.dropout(torch.cat([self.up(nodes_UBH), self.down(nodes_UBH)], dim=-1))


class _Generation(NamedTuple):
    """Nodes of a generation and the edges into them; places follow the order of computation.

    Attributes:
        nodes: (n,) the generation's nodes, numbered as by the caller.
        edges: (e,) indices of the edges into them.
        sources: (e,) places of the edges' sources, in earlier generations.
        targets: (e,) places of the edges' targets, within the generation.
        node_counts: Number of its nodes in each head.
        edge_counts: Number of its edges in each head.
    """

    nodes: Tensor
    edges: Tensor
    sources: Tensor
    targets: Tensor
    node_counts: list[int]
    edge_counts: list[int]


class GraphLSTM(nn.Module):
    """LSTM over a directed acyclic graph, with parameters for each head.

    An edge e from k to v carries h_e = w_e h_k and c_e = w_e c_k, and with shares s_e,

        h~_v = sum over edges e into v of s_e h_e
        i, o = sigmoid(W x_v + U h~_v + b), u = tanh(W x_v + U h~_v + b), each with its own W, U and b
        f_e = sigmoid(W x_v + U h_e + b)
        c_v = i u + sum over e of s_e f_e c_e, h_v = o tanh(c_v).

    Args:
        sizes: Number of nodes of each head.
        width: Width H of the nodes' inputs x; hidden states have half of it.
        edges: (2, E) sources and targets, head by head.
        weight: (E,) initial values of the learnable w_e.
        share: (E,) the fixed s_e.
    """

    order: Tensor
    share: Tensor

    def __init__(self, sizes: Sequence[int], width: int, edges: Tensor, weight: Tensor, share: Tensor):
        super().__init__()
        hidden = width // 2
        fan_ins = [hidden] * len(sizes)
        self.inputs = PerHeadLinear(sizes, width, 4 * hidden)  # In the order i, o, u, f.
        self.gates_weight = uniform_like_linear([3 * hidden * hidden] * len(sizes), fan_ins)
        self.forget_weight = uniform_like_linear([hidden * hidden] * len(sizes), fan_ins)
        self.gates_shapes = [(3 * hidden, hidden)] * len(sizes)
        self.forget_shapes = [(hidden, hidden)] * len(sizes)
        self.edge_scale = nn.Parameter(weight)
        generations = _generations(sizes, edges)
        self.counts = [(generation.node_counts, generation.edge_counts) for generation in generations]
        for number, generation in enumerate(generations):
            for name in ("nodes", "edges", "sources", "targets"):
                self.register_buffer(f"{name}_{number}", getattr(generation, name), persistent=False)
        back = torch.argsort(torch.cat([generation.nodes for generation in generations]))
        self.register_buffer("order", back, persistent=False)
        self.register_buffer("share", share[:, None, None], persistent=False)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the (U, B, H / 2) hidden states."""
        inputs = self.inputs(nodes_UBH)
        cut = 3 * inputs.shape[-1] // 4
        hidden = memory = inputs.new_empty(0, inputs.shape[1], inputs.shape[-1] // 4)
        for number, (node_counts, edge_counts) in enumerate(self.counts):
            nodes, edges, sources, targets = (
                self.get_buffer(f"{name}_{number}") for name in ("nodes", "edges", "sources", "targets")
            )
            own = inputs.index_select(0, nodes)
            weight, share = self.edge_scale[edges][:, None, None], self.share[edges]
            hidden_e, memory_e = weight * hidden.index_select(0, sources), weight * memory.index_select(0, sources)
            read = scatter_sum(len(nodes), targets, share * hidden_e)
            gates = own[..., :cut] + map_rows(self.gates_weight, read, self.gates_shapes, node_counts)
            i, o, u = gates.chunk(3, dim=-1)
            remembered = map_rows(self.forget_weight, hidden_e, self.forget_shapes, edge_counts)
            forget = own[..., cut:].index_select(0, targets) + remembered
            kept = scatter_sum(len(nodes), targets, share * torch.sigmoid(forget) * memory_e)
            memory_v = torch.sigmoid(i) * torch.tanh(u) + kept
            memory = torch.cat([memory, memory_v])
            hidden = torch.cat([hidden, torch.sigmoid(o) * torch.tanh(memory_v)])
        return hidden.index_select(0, self.order)


def _generations(sizes: Sequence[int], edges: Tensor) -> list[_Generation]:
    """Returns the nodes in generations, sources before targets; within a generation in the order of heads."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(sum(sizes)))
    graph.add_edges_from(edges.T.tolist())
    head = head_of(sizes)
    place = torch.empty(sum(sizes), dtype=torch.int64)
    generations: list[_Generation] = []
    start = 0
    for generation in nx.topological_generations(graph):
        nodes = torch.tensor(sorted(generation))
        place[nodes] = torch.arange(start, start + len(nodes))
        into = torch.isin(edges[1], nodes).nonzero().flatten()
        counts = [torch.bincount(head[some], minlength=len(sizes)).tolist() for some in (nodes, edges[1, into])]
        generations.append(_Generation(nodes, into, place[edges[0, into]], place[edges[1, into]] - start, *counts))
        start += len(nodes)
    return generations
