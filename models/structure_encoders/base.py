"""What every structure encoder is: one set of parameters per member of a list of hierarchies.

Shape suffixes, here and in every model file: B documents, T tokens, D text width, L labels of the
whole hierarchy, N nodes of one member, U nodes of all members one after the other, A labels of one
member that are asked for, C those of all members one after the other, M members, E edges, H node width.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.head_spec import Member
from models.objectives.base import Objective
from models.text_encoders.base import States, TextEncoder, TokenBatch

NUMERICS = {"structure encoder": 1}


class StructureEncoder(nn.Module):
    """Maps text vectors to one logit per label that is asked for.

    A subclass takes `(members, text_width, *, options)`: its keyword-only parameters are the options
    that a sweep file may set. It knows neither merges nor branches. `forward` and `recursive_penalty` are all
    that most models write. One that reads the text in another way overrides `read` and `width_read`; one whose loss is
    not a sum over labels' logits, or whose probabilities do not follow from them, overrides `loss` and
    `probabilities`, and its `forward` may then return whatever these take.
    """

    def __init__(self, members: Sequence[Member], text_width: int):
        super().__init__()
        self.members = tuple(members)
        self.text_width = text_width

    @staticmethod
    def width_read(encoder: TextEncoder) -> int:
        """Returns the width of what `read` returns: the constructor's `text_width`."""
        return encoder.width

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> Any:
        """Returns what `forward` takes of a batch: text_BD."""
        return encoder(tokens)

    def forward(self, text_BD: Tensor) -> Any:
        """Returns logits_BC: the asked labels of the members, one member after the other."""
        raise NotImplementedError

    def loss(self, output: Any, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns what is minimised, without the regularisation: the mean over documents.

        Args:
            output: From `forward`.
            gold_BC: 0 or 1 for each asked label.
            weights_C: Weights of the labels in the loss.
            objective: What the sweep file asks for.
        """
        return (objective.terms(in_full(output), gold_BC) @ weights_C).mean()

    def probabilities(self, output: Any, objective: Objective) -> Tensor:
        """Returns (B, C) probabilities of the asked labels."""
        return objective.probabilities(in_full(output))

    def recursive_penalty(self) -> Tensor:
        """Returns the recursive regularisation, a scalar, summed over members (Gopal and Yang 2013)."""
        raise NotImplementedError


class StatesEncoder(StructureEncoder):
    """A structure encoder that reads a text piece by piece: `forward` takes `States`, `text_width` is theirs."""

    @staticmethod
    def width_read(encoder: TextEncoder) -> int:
        """Returns the width of the text encoder's states."""
        return encoder.state_width

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> States:
        """Returns the states of the pieces."""
        return encoder.states(tokens)


def in_full(logits_BC: Tensor) -> Tensor:
    """Returns logits in single precision at least, whatever a forward pass was in."""
    return logits_BC.to(torch.promote_types(logits_BC.dtype, torch.float32))
