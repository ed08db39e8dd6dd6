"""HMCN-F and HMCN-R: a local classifier per level of the hierarchy and a global one behind them all, by `form`.

Paper: Wehrmann, Cerri and Barros, *Hierarchical Multi-Label Classification Networks*, ICML 2018, section 3. No
program of the authors is known; equations and values are quoted from memory of the paper, still to be checked; that
the global classifier reads x too is how HiLAP has it, where NeuralNLP has the state alone. With x the text and level
l = 1 ... L, a state A^l passes down the levels beside the text:

    HMCN-F: A^l = f(W^l [A^(l-1), x] + b^l), A^1 without A^0
    HMCN-R: A^l is the hidden state of one LSTM cell, the same on all levels, that reads x and A^(l-1); A^0 = 0
    local:  P^l = sigmoid(V^l f(U^l A^l)) for the labels of level l
    global: P_G = sigmoid(W_G [A^L, x]) for all labels
    output: P = beta P^l + (1 - beta) P_G
    loss:   BCE(P_G) + sum over l of BCE(P^l) + lambda x sum over edges from p to q of max(0, P_q - P_p)^2

with beta 0.5, lambda 0.1, 384 units a layer, batch normalisation and dropout 0.6. Ours, where the paper is silent: a
layer is linear, ReLU, batch norm, dropout, in the order of the NeuralNLP toolkit; the violations are those of P; the
cell has one bias per gate, and its states are dropped out only where classifiers read them. The paper trains by Adam
at 1e-3, here the sweep file says how. The recursive regularisation, which NeuralNLP adds, pulls the rows of W_G.

`models/layers/level_losses.py` says what a level is, how each BCE is a mean over labels, and what becomes of it under
branches. A member's violations weigh as much as its labels do together: of a whole hierarchy, and of a branch with a
mean of its own, as in the paper. A branch of one level has one local classifier. Levels without labels that are asked
for have none, but their state is there.

Published, with other text encoders: RCV1-v2 80.80 micro F1 (README of NeuralNLP), 54.60 macro (quoted from memory of
later papers, still to be checked).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from harness.core.registry import Positive, Share, Weight
from models.head_spec import Member
from models.layers.dropout import Dropout
from models.layers.level_losses import asked_levels, cross_entropy, level_factors
from models.layers.per_head import MemberBatchNorm, MemberLinear, RaggedLinear, join, member_of, sums_to
from models.objectives.base import Objective
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"hmcn": 1}
REFUSES = {"objective": "it adds the cross-entropies of a global and of local outputs, and a penalty on their mixture"}


class HMCN(StructureEncoder):
    """Passes a state down the levels, classifies each level from its own and all labels from the last.

    S counts the states, level by level and on each level member by member; K the local classifiers, member by
    member and of each member level by level.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        form: f has a layer per level, HMCN-F; r one recurrent cell for all levels, HMCN-R.
        width: Units of each layer, and of the cell.
        beta: Share of the local outputs in the prediction.
        violation: Weight lambda of the penalty on labels that are more probable than their parents.
        dropout: Dropout on the states and on the local classifiers' hidden layers.
    """

    local_states: Tensor
    last_states: Tensor
    order: Tensor
    edges: Tensor
    member: Tensor
    local_factors: Tensor
    global_factor = 1.0

    def __init__(
        self,
        members: Sequence[Member],
        text_width: int,
        *,
        form: Literal["f", "r"] = "f",
        width: Positive = 384,
        beta: Share = 0.5,
        violation: Weight = 0.1,
        dropout: Share = 0.6,
    ):
        super().__init__(members, text_width)
        self.beta, self.violation = beta, violation
        counts = [len(member.asked) for member in members]
        depths = [int(member.hierarchy.levels.max()) for member in members]
        self.flow = (LayerFlow if form == "f" else CellFlow)(depths, text_width, width, dropout)
        levels = [asked_levels(member) for member in members]
        heads = [(place, level) for place, own in enumerate(levels) for level in np.unique(own).tolist()]
        starts = np.cumsum([0, *counts])
        labels = [starts[place] + np.flatnonzero(levels[place] == level) for place, level in heads]
        self.local_hidden = Layer(len(heads), width, width, dropout)
        self.local = RaggedLinear([width] * len(heads), [len(own) for own in labels], ())
        self.head = RaggedLinear(
            [width + text_width] * len(members), counts, [member.asked_edges for member in members]
        )
        state = {of: number for number, of in enumerate(_states(depths))}
        for name, values in {
            "local_states": torch.tensor([state[head] for head in heads]),
            "last_states": torch.tensor([state[one] for one in enumerate(depths)]),
            "order": torch.from_numpy(np.argsort(np.concatenate(labels))),
            "edges": join([member.asked_edges for member in members], counts),
            "member": member_of(counts),
            "local_factors": level_factors(members),
        }.items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_2BC, the local ones before the global ones."""
        states_SBH = self.flow(text_BD)
        hidden_KBH = self.local_hidden(states_SBH.index_select(0, self.local_states))
        local_BC = self.local(hidden_KBH.transpose(0, 1).flatten(1)).index_select(1, self.order)
        last_MBX = _beside_text(states_SBH.index_select(0, self.last_states), text_BD)
        return torch.stack([local_BC, self.head(last_MBX.transpose(0, 1).flatten(1))])

    def loss(self, output: Tensor, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the cross-entropies of both outputs and the penalty on violations; the objective is not asked."""
        local_C, global_C = self.local_factors * weights_C, self.global_factor * weights_C
        parents_E, children_E = self.edges
        probabilities_BC = self.probabilities(output, objective)
        violations_BE = torch.relu(probabilities_BC[:, children_E] - probabilities_BC[:, parents_E]).square()
        weights_E = sums_to(len(self.members), self.member, weights_C)[self.member[parents_E]]
        penalty_B = self.violation * (violations_BE @ weights_E)
        return (cross_entropy(output, gold_BC, local_C, global_C) + penalty_B).mean()

    def probabilities(self, output: Tensor, objective: Objective) -> Tensor:
        """Returns (B, C) mixtures of the local and the global probabilities."""
        local_BC, global_BC = torch.sigmoid(output)
        return self.beta * local_BC + (1 - self.beta) * global_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's row of the global classifier towards its parents'."""
        return self.head.edge_penalty()


class Layer(nn.Module):
    """Linear, ReLU, batch norm, dropout; so many side by side, with parameters of their own."""

    def __init__(self, number: int, width_in: int, width_out: int, dropout: float):
        super().__init__()
        self.linear = MemberLinear([1] * number, width_in, width_out)
        self.norm = MemberBatchNorm([1] * number, width_out)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Maps (number, B, width_in) to (number, B, width_out)."""
        return self.dropout(self.norm(torch.relu(self.linear(features))))


class LayerFlow(nn.Module):
    """HMCN-F's states: a layer per member and level.

    Args:
        depths: Levels of each member.
        text_width: Width D of the text vectors.
        width: Width H of the states.
        dropout: Dropout on the states.
    """

    def __init__(self, depths: Sequence[int], text_width: int, width: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList()
        above = list(range(len(depths)))
        for level in range(1, max(depths) + 1):
            # Members that go on, as places among those of the level before.
            places = [place for place, member in enumerate(above) if depths[member] >= level]
            self.register_buffer(f"places_{level - 1}", torch.tensor(places), persistent=False)
            self.layers.append(Layer(len(places), text_width + (width if level > 1 else 0), width, dropout))
            above = [above[place] for place in places]

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns states_SBH."""
        state = text_BD.new_empty(len(self.get_buffer("places_0")), len(text_BD), 0)
        states = []
        for number, layer in enumerate(self.layers):
            state = layer(_beside_text(state.index_select(0, self.get_buffer(f"places_{number}")), text_BD))
            states.append(state)
        return torch.cat(states)


class CellFlow(nn.Module):
    """HMCN-R's states: one LSTM cell per member, from level to level; the arguments are those of `LayerFlow`.

    All members' cells go down to the deepest level of any, and what lies below a member's own is not read.
    """

    own: Tensor

    def __init__(self, depths: Sequence[int], text_width: int, width: int, dropout: float):
        super().__init__()
        self.depth, self.width = max(depths), width
        self.gates = MemberLinear([1] * len(depths), width + text_width, 4 * width)  # In the order i, f, g, o.
        self.dropout = Dropout(dropout)
        own = [(level - 1) * len(depths) + member for member, level in _states(depths)]
        self.register_buffer("own", torch.tensor(own), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns states_SBH."""
        state = memory = text_BD.new_zeros(len(self.gates.sizes), len(text_BD), self.width)
        states = []
        for _ in range(self.depth):
            i, f, g, o = self.gates(_beside_text(state, text_BD)).chunk(4, dim=-1)
            memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
            state = torch.sigmoid(o) * torch.tanh(memory)
            states.append(state)
        return self.dropout(torch.cat(states).index_select(0, self.own))


def _states(depths: Sequence[int]) -> list[tuple[int, int]]:
    """Returns member and level of each state, level by level."""
    return [(member, level) for level in range(1, max(depths) + 1) for member, d in enumerate(depths) if d >= level]


def _beside_text(states: Tensor, text_BD: Tensor) -> Tensor:
    """Returns each member's (B, H) state with the text beside it."""
    return torch.cat([states, text_BD.expand(len(states), -1, -1)], dim=-1)
