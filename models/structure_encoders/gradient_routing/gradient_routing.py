"""Gradient routing: one flat head, with a block of the text vector per branch that only its documents train.

Method: Cloud et al., *Gradient Routing: Masking Gradients to Localize Computation in Neural Networks*,
arXiv:2410.04332, 2024: an activation a becomes m a + (1 - m) stopgrad(a), with a mask m that depends on the data point.
The network computes the same values; only what learns from a data point is chosen. The paper has no text
classification; its use as the alternative to branch heads is ours:

* the text vector is cut into one block per branch, all equally wide, and a shared block (`shared`). A document's
  gradient reaches the shared block and the blocks of the branches that it carries a label of. `where: last_layers` also
  cuts the hidden states of the text encoder's last two layers, for all tokens;
* a flat layer (`models/structure_encoders/flat.py`) reads the whole vector for every label. The rows of a branch's
  labels learn from the branch's documents and, drawn anew in each step, from a share of the others (`foreign_share`); 1
  routes activations only. A label in several branches learns from a document that any of them learns from.

With pure positive routing (`foreign_share: 0`) a label's row never sees a document outside its branch. The only
negative evidence is then from the branch's own documents, and foreign ones are predicted arbitrarily. In no setting do
foreign documents teach a branch's block what it is not about. Report the share.

It is an alternative to HiMTL, not a part of it: no branch heads are merged. Weight decay and the recursive
regularisation are not routed. No scores are published.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.core.errors import ConfigError
from harness.core.registry import Fraction, Share
from models.head_spec import HeadSpec
from models.objectives.base import Objective
from models.structure_encoders.flat import Flat
from models.structure_encoders.gradient_routing.gradient_gates import Route, routed, values_of_first
from models.text_encoders.base import TextEncoder, TokenBatch

NUMERICS = {"gradient_routing": 1}

REFUSES = {
    "masking": "it routes the gradients of one head instead of training a head for each branch",
    "projection": "it routes the gradients of one head instead of training a head for each branch",
}

_LAST_LAYERS = 2


class Read(NamedTuple):
    """Text vectors, and the gate for their gradients.

    Attributes:
        text: (B, D) text vectors.
        blocks: Gate to text vectors and hidden states; opened when the gold labels are known.
    """

    text: Tensor
    blocks: Route


class Routed(NamedTuple):
    """Logits, and the gates for their gradients.

    Attributes:
        logits: (B, C).
        blocks: Gate to text vectors and hidden states, see `Read`.
        rows: Gate to the classifier's rows.
    """

    logits: Tensor
    blocks: Route
    rows: Route


class GradientRouting(Flat):
    """A flat layer whose gradients reach only what belongs to a document's branches.

    Args:
        heads: Specification of the one head, for the whole hierarchy.
        text_width: Width D of the text vectors.
        where: Part that is cut into blocks: the text vector alone, or also the hidden states of the last two layers.
        shared: Least share of the text vector that all documents train; the remainder of equal blocks is added to it.
        foreign_share: Share of the documents outside a branch that its labels' rows learn from.
    """

    block_of: Tensor
    branches_of: Tensor

    def __init__(
        self,
        heads: Sequence[HeadSpec],
        text_width: int,
        *,
        where: Literal["pooled", "last_layers"] = "pooled",
        shared: Share = 0.25,
        foreign_share: Fraction = 0.2,
    ):
        super().__init__(heads, text_width)
        hierarchy = heads[0].hierarchy
        branches = hierarchy.branches()
        width = int((text_width - np.ceil(shared * text_width)) // len(branches))
        if width == 0:
            raise ConfigError(
                f"gradient_routing cannot cut text vectors of width {text_width} into blocks for {len(branches)} "
                f"branches beside a shared {shared:.0%}. Take a wider text encoder, a smaller `shared`, or pool small "
                "branches with the dataset's `min_branch`."
            )
        self.where, self.foreign_share = where, foreign_share
        # (D,) the branch of each element of a text vector; the number of branches for shared elements.
        block_of = np.minimum(np.arange(text_width) // width, len(branches))
        branches_of = np.zeros((len(hierarchy), len(branches)), dtype=np.float32)
        for number, branch in enumerate(branches):
            branches_of[branch, number] = 1
        self.register_buffer("block_of", torch.from_numpy(block_of), persistent=False)
        self.register_buffer("branches_of", torch.from_numpy(branches_of), persistent=False)

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> Read:
        """Returns text_BD, and the gate for its gradient."""
        blocks = Route()
        if self.where == "pooled":
            return Read(encoder(tokens), blocks)
        with encoder.after_layers(_LAST_LAYERS, lambda states_BTD: routed(states_BTD, blocks)):
            return Read(encoder(tokens), blocks)

    def forward(self, text: Read) -> Routed:  # type: ignore[override]
        """Returns logits_BC, equal to those of the flat layer to the bit, and the gates."""
        text_BD, rows = routed(text.text, text.blocks), Route()
        weight, bias = self.output.weight, self.output.bias
        to_text = functional.linear(text_BD, weight.detach(), bias.detach())
        to_rows = functional.linear(text_BD.detach(), weight, bias)
        return Routed(values_of_first(to_text, routed(to_rows, rows)), text.blocks, rows)

    def loss(self, output: Routed, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the objective's loss, and opens the gates to what each document's branches own."""
        carried_BN = gold_BC @ self.branches_of > 0
        learns_BN = carried_BN | (torch.rand(carried_BN.shape, device=gold_BC.device) < self.foreign_share)
        shared_B1 = torch.ones_like(carried_BN[:, :1])
        output.blocks.open(torch.cat([carried_BN, shared_B1], 1)[:, self.block_of])
        output.rows.open(learns_BN.to(gold_BC.dtype) @ self.branches_of.T > 0)
        return super().loss(output.logits, gold_BC, weights_C, objective)

    def probabilities(self, output: Routed, objective: Objective) -> Tensor:
        """Returns (B, C) probabilities of the predicted labels."""
        return super().probabilities(output.logits, objective)
