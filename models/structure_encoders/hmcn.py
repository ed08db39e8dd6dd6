"""HMCN-F and HMCN-R: a local classifier per level and a global one behind them (Wehrmann et al. 2018).

Paper: Wehrmann, Cerri and Barros, *Hierarchical Multi-Label Classification Networks*, ICML 2018, section 3. No program
of the authors is known; equations and values are quoted from memory of the paper, still to be checked. Two forms are
called HMCN in the literature. This file is the paper's: the global classifier also reads x (as in HiLAP), probabilities
are mixed, and violations are penalised. NeuralNLP's, whose scores are often quoted, is another: its global classifier
reads the state alone, it mixes logits, and it has no penalty. With x the text and level l = 1 ... L, a state A^l passes
down the levels beside the text:

    HMCN-F: A^l = f(W^l [A^(l-1), x] + b^l), A^1 without A^0
    HMCN-R: A^l is the hidden state of one LSTM cell, the same on all levels, that reads x and A^(l-1); A^0 = 0
    local:  P^l = sigmoid(V^l f(U^l A^l)) for the labels of level l
    global: P_G = sigmoid(W_G [A^L, x]) for all labels
    output: P = beta P^l + (1 - beta) P_G
    loss:   BCE(P_G) + sum over l of BCE(P^l) + lambda x sum over edges from p to q of max(0, P_q - P_p)^2

with beta 0.5, lambda 0.1, 384 units a layer, batch normalisation and dropout 0.6. Ours, where the paper is silent: a
layer is linear, ReLU, batch norm, dropout, in the order of the NeuralNLP toolkit; the violations are those of P; the
cell has one bias per gate, and dropout on its states only where classifiers read them. The paper trains by Adam at
1e-3; here the sweep file decides. The recursive regularisation, which NeuralNLP adds, pulls the rows of W_G.

`models/layers/level_losses.py` defines levels and the means over labels, also under branches. A head's violations weigh
as much as its labels do together: for a whole hierarchy, and for a branch with a mean of its own, as in the paper. A
branch of one level has one local classifier. A level without predicted labels has a state but no classifier.

Published, with other text encoders: RCV1-v2 80.80 micro F1 (README of NeuralNLP, so of its form), 54.60 macro (quoted
from memory of later papers, still to be checked).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from harness.core.registry import Positive, Share, Weight
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.level_losses import cross_entropy, level_factors, predicted_levels
from models.layers.per_head import (
    PerHeadBatchNorm,
    PerHeadLinear,
    PerHeadReadout,
    head_of,
    label_readout,
    predicted_union_edges,
    scatter_sum,
)
from models.objectives.base import Objective
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"hmcn": 1}
REFUSES = {"objective": "it adds the cross-entropies of a global and of local outputs, and a penalty on their mixture"}


class HMCN(StructureEncoder):
    """Passes a state down the levels, classifies each level from its own state and all labels from the last.

    S counts the states, level by level and on each level head by head; K the local classifiers, head by head and in
    each head level by level.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        form: HMCN-F, with a layer per level, or HMCN-R, with one recurrent cell for all levels.
        width: Width of each layer, and of the cell.
        beta: Share of the local outputs in the prediction.
        violation: Weight lambda of the penalty on labels that are more probable than their parents.
        dropout: Dropout on the states and on the local classifiers' hidden layers.
    """

    local_states: Tensor
    last_states: Tensor
    order: Tensor
    edges: Tensor
    head: Tensor
    local_factors: Tensor
    global_factor = 1.0

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        form: Literal["f", "r"] = "f",
        width: Positive = 384,
        beta: Share = 0.5,
        violation: Weight = 0.1,
        dropout: Share = 0.6,
    ):
        super().__init__(heads, text_width)
        self.beta, self.violation = beta, violation
        counts = [len(head.predicted) for head in heads]
        num_levels = [int(head.hierarchy.levels.max()) for head in heads]
        self.flow = (LayerFlow if form == "f" else CellFlow)(num_levels, text_width, width, dropout)
        levels = [predicted_levels(head) for head in heads]
        local_keys = [(place, level) for place, own in enumerate(levels) for level in np.unique(own).tolist()]
        starts = np.cumsum([0, *counts])
        labels = [starts[place] + np.flatnonzero(levels[place] == level) for place, level in local_keys]
        self.local_hidden = Layer(len(local_keys), width, width, dropout)
        self.local = PerHeadReadout([width] * len(local_keys), [len(own) for own in labels], ())
        self.global_classifier = label_readout(heads, [width + text_width] * len(heads))
        state = {of: number for number, of in enumerate(_states(num_levels))}
        for name, values in {
            "local_states": torch.tensor([state[key] for key in local_keys]),
            "last_states": torch.tensor([state[one] for one in enumerate(num_levels)]),
            "order": torch.from_numpy(np.argsort(np.concatenate(labels))),
            "edges": predicted_union_edges(heads),
            "head": head_of(counts),
            "local_factors": level_factors(heads),
        }.items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_2BC, local ones first, then global ones."""
        states_SBH = self.flow(text_BD)
        hidden_KBH = self.local_hidden(states_SBH.index_select(0, self.local_states))
        local_BC = self.local(hidden_KBH.transpose(0, 1).flatten(1)).index_select(1, self.order)
        last_MBX = _beside_text(states_SBH.index_select(0, self.last_states), text_BD)
        return torch.stack([local_BC, self.global_classifier(last_MBX.transpose(0, 1).flatten(1))])

    def loss(self, output: Tensor, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the cross-entropies of both outputs and the penalty on violations; the objective is not used."""
        local_C, global_C = self.local_factors * weights_C, self.global_factor * weights_C
        parents_E, children_E = self.edges
        probabilities_BC = self.probabilities(output, objective)
        violations_BE = torch.relu(probabilities_BC[:, children_E] - probabilities_BC[:, parents_E]).square()
        weights_E = scatter_sum(len(self.heads), self.head, weights_C)[self.head[parents_E]]
        penalty_B = self.violation * (violations_BE @ weights_E)
        return (cross_entropy(output, gold_BC, local_C, global_C) + penalty_B).mean()

    def probabilities(self, output: Tensor, objective: Objective) -> Tensor:
        """Returns (B, C) mixtures of the local and the global probabilities."""
        local_BC, global_BC = torch.sigmoid(output)
        return self.beta * local_BC + (1 - self.beta) * global_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's row of the global classifier towards its parents'."""
        return self.global_classifier.edge_penalty()


class Layer(nn.Module):
    """Linear, ReLU, batch norm, dropout: several side by side, each with parameters of its own."""

    def __init__(self, number: int, width_in: int, width_out: int, dropout: float):
        super().__init__()
        self.linear = PerHeadLinear([1] * number, width_in, width_out)
        self.norm = PerHeadBatchNorm([1] * number, width_out)
        self.dropout = Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Maps (number, B, width_in) to (number, B, width_out)."""
        return self.dropout(self.norm(torch.relu(self.linear(features))))


class LayerFlow(nn.Module):
    """States of HMCN-F: a layer per head and level.

    Args:
        num_levels: Number of levels of each head.
        text_width: Width D of the text vectors.
        width: Width H of the states.
        dropout: Dropout on the states.
    """

    def __init__(self, num_levels: Sequence[int], text_width: int, width: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList()
        above = list(range(len(num_levels)))
        for level in range(1, max(num_levels) + 1):
            # Heads that have this level, as places among those of the level before.
            places = [place for place, head in enumerate(above) if num_levels[head] >= level]
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
    """States of HMCN-R: one LSTM cell per head, from level to level; arguments as in `LayerFlow`.

    All cells run down to the deepest level of any head; states below a head's own levels are not read.
    """

    own: Tensor

    def __init__(self, num_levels: Sequence[int], text_width: int, width: int, dropout: float):
        super().__init__()
        self.most_levels, self.width = max(num_levels), width
        self.gates = PerHeadLinear([1] * len(num_levels), width + text_width, 4 * width)  # In the order i, f, g, o.
        self.dropout = Dropout(dropout)
        own = [(level - 1) * len(num_levels) + head for head, level in _states(num_levels)]
        self.register_buffer("own", torch.tensor(own), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns states_SBH."""
        state = memory = text_BD.new_zeros(len(self.gates.sizes), len(text_BD), self.width)
        states = []
        for _ in range(self.most_levels):
            i, f, g, o = self.gates(_beside_text(state, text_BD)).chunk(4, dim=-1)
            memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
            state = torch.sigmoid(o) * torch.tanh(memory)
            states.append(state)
        return self.dropout(torch.cat(states).index_select(0, self.own))


def _states(num_levels: Sequence[int]) -> list[tuple[int, int]]:
    """Returns head and level of each state, level by level."""
    return [
        (head, level) for level in range(1, max(num_levels) + 1) for head, num in enumerate(num_levels) if num >= level
    ]


def _beside_text(states: Tensor, text_BD: Tensor) -> Tensor:
    """Returns each head's (B, H) state with the text beside it."""
    return torch.cat([states, text_BD.expand(len(states), -1, -1)], dim=-1)
