"""HiAGM's Tree-LSTM: one LSTM from the leaves up and one from the top down, over any label graph.

Zhou et al., ACL 2020, section 3.2.1, after the child-sum Tree-LSTM of Tai et al. (2015), as the published program has
it: see `models/structure_encoders/hiagm.py`. On a DAG, which the paper leaves open, a node takes the mean over its
parents, each behind a forget gate of its own, as children are on the way up.

Nodes that wait for nobody are one level, those that wait for these the next, and so on (topological generations): a
level is one computation for all members, its nodes and all documents.
"""

from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from harness.core.errors import ConfigError
from models.head_spec import Member
from models.layers.batched_matmul import products
from models.layers.dropout import Dropout
from models.layers.per_head import MemberLinear, member_of, sums_to, uniform, union_edges

NUMERICS = {"tree lstm": 1}


class TreeLSTM(nn.Module):
    """Reads the states of the nodes below into half of a node's new state, and of those above into the other half.

    Args:
        members: The list of hierarchies; U nodes and E edges in all.
        node_width: Width H, even.
        dropout: Dropout on the new states.

    Raises:
        ConfigError: On an odd width.
    """

    def __init__(self, members: Sequence[Member], node_width: int, dropout: float):
        super().__init__()
        if node_width % 2:
            raise ConfigError(f"The Tree-LSTM needs an even node_width, half for each direction, not {node_width}.")
        sizes = [len(member.hierarchy) for member in members]
        parents_E, children_E = union_edges(members)
        priors_E = torch.from_numpy(np.concatenate([member.facts.priors for member in members]))
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


class _Level(NamedTuple):
    """Nodes of a level and the edges into them; nodes are named by their place in the order of computation.

    Attributes:
        nodes: (n,) the level's nodes, numbered as the caller does.
        edges: (e,) numbers of the edges into them.
        sources: (e,) where these come from: places in earlier levels.
        targets: (e,) where they lead to: places within the level.
        node_members: How many of its nodes each member has.
        edge_members: How many of its edges each member has.
    """

    nodes: Tensor
    edges: Tensor
    sources: Tensor
    targets: Tensor
    node_members: list[int]
    edge_members: list[int]


class GraphLSTM(nn.Module):
    """An LSTM over a directed acyclic graph, with parameters per member.

    An edge e from k to v carries h_e = w_e h_k and c_e = w_e c_k, and with shares s_e,

        h~_v = sum over edges e into v of s_e h_e
        i, o = sigmoid(W x_v + U h~_v + b), u = tanh(W x_v + U h~_v + b), each with its own W, U and b
        f_e = sigmoid(W x_v + U h_e + b)
        c_v = i u + sum over e of s_e f_e c_e, h_v = o tanh(c_v).

    Args:
        sizes: Nodes of each member.
        width: Width H of the nodes' inputs x; hidden states have half of it.
        edges: (2, E) sources and targets, member by member.
        weight: (E,) first values of the learnable w_e.
        share: (E,) the fixed s_e.
    """

    order: Tensor
    share: Tensor

    def __init__(self, sizes: Sequence[int], width: int, edges: Tensor, weight: Tensor, share: Tensor):
        super().__init__()
        hidden = width // 2
        fan_ins = [hidden] * len(sizes)
        self.inputs = MemberLinear(sizes, width, 4 * hidden)  # In the order i, o, u, f.
        self.gates_weight = uniform([3 * hidden * hidden] * len(sizes), fan_ins)
        self.forget_weight = uniform([hidden * hidden] * len(sizes), fan_ins)
        self.gates_shapes = [(3 * hidden, hidden)] * len(sizes)
        self.forget_shapes = [(hidden, hidden)] * len(sizes)
        self.edge_scale = nn.Parameter(weight)
        levels = _levels(sizes, edges)
        self.counts = [(level.node_members, level.edge_members) for level in levels]
        for number, level in enumerate(levels):
            for name in ("nodes", "edges", "sources", "targets"):
                self.register_buffer(f"{name}_{number}", getattr(level, name), persistent=False)
        back = torch.argsort(torch.cat([level.nodes for level in levels]))
        self.register_buffer("order", back, persistent=False)
        self.register_buffer("share", share[:, None, None], persistent=False)

    def forward(self, nodes_UBH: Tensor) -> Tensor:
        """Returns the (U, B, H / 2) hidden states."""
        inputs = self.inputs(nodes_UBH)
        cut = 3 * inputs.shape[-1] // 4
        hidden = memory = inputs.new_empty(0, inputs.shape[1], inputs.shape[-1] // 4)
        for number, (node_members, edge_members) in enumerate(self.counts):
            nodes, edges, sources, targets = (
                self.get_buffer(f"{name}_{number}") for name in ("nodes", "edges", "sources", "targets")
            )
            own = inputs.index_select(0, nodes)
            weight, share = self.edge_scale[edges][:, None, None], self.share[edges]
            hidden_e, memory_e = weight * hidden.index_select(0, sources), weight * memory.index_select(0, sources)
            read = sums_to(len(nodes), targets, share * hidden_e)
            gates = own[..., :cut] + _per_member(self.gates_weight, read, self.gates_shapes, node_members)
            i, o, u = gates.chunk(3, dim=-1)
            forget = own[..., cut:].index_select(0, targets) + _per_member(
                self.forget_weight, hidden_e, self.forget_shapes, edge_members
            )
            kept = sums_to(len(nodes), targets, share * torch.sigmoid(forget) * memory_e)
            memory_v = torch.sigmoid(i) * torch.tanh(u) + kept
            memory = torch.cat([memory, memory_v])
            hidden = torch.cat([hidden, torch.sigmoid(o) * torch.tanh(memory_v)])
        return hidden.index_select(0, self.order)


def _per_member(weight: Tensor, rows: Tensor, shapes: Sequence[tuple[int, int]], members: Sequence[int]) -> Tensor:
    """Maps (rows, B, in) to (rows, B, out), so many rows in turn by each member's matrix."""
    num_documents = rows.shape[1]
    columns = [count * num_documents for count in members]
    return products(weight, rows.flatten(0, 1).t(), shapes, columns).t().unflatten(0, (-1, num_documents))


def _levels(sizes: Sequence[int], edges: Tensor) -> list[_Level]:
    """Returns the nodes in levels, sources before targets; within a level in the order of members."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(sum(sizes)))
    graph.add_edges_from(edges.T.tolist())
    member = member_of(sizes)
    place = torch.empty(sum(sizes), dtype=torch.int64)
    levels: list[_Level] = []
    start = 0
    for generation in nx.topological_generations(graph):
        nodes = torch.tensor(sorted(generation))
        place[nodes] = torch.arange(start, start + len(nodes))
        into = torch.isin(edges[1], nodes).nonzero().flatten()
        counts = [torch.bincount(member[some], minlength=len(sizes)).tolist() for some in (nodes, edges[1, into])]
        levels.append(_Level(nodes, into, place[edges[0, into]], place[edges[1, into]] - start, *counts))
        start += len(nodes)
    return levels
