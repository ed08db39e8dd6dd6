"""Base class of structure encoders: one set of parameters for each head of a list.

Shape suffixes, here and in every model file: B documents, T tokens, D text width, M heads, L labels of the whole
hierarchy, N nodes of one head, U nodes of all heads, A labels that one head predicts, C predicted labels of all heads,
E edges, H node width. What belongs to several heads is in their order, one head after the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datasets.storage.predictions import Meaning
from models.head_spec import HeadSpec
from models.objectives.base import Objective
from models.text_encoders.base import States, TextEncoder, TokenBatch

NUMERICS = {"structure encoder": 1}


class StructureEncoder(nn.Module):
    """Maps text vectors to one logit per predicted label.

    A subclass takes `(heads, text_width, *, options)`: its keyword-only parameters are the options that a sweep file
    may set. It knows neither merges nor branches. Most models write only `forward` and `recursive_penalty`. A model
    that reads the text in another way overrides `read` and `width_read`. A model whose loss is not a sum over labels'
    logits, or whose probabilities do not follow from them, overrides `loss` and `probabilities`, and its `forward` may
    return whatever these take.
    """

    meaning: Meaning = "probabilities"
    """What `probabilities` returns: such, or 1 for the labels that are predicted and 0 for others."""

    def __init__(self, heads: Sequence[HeadSpec], text_width: int):
        super().__init__()
        self.heads = tuple(heads)
        self.text_width = text_width

    @classmethod
    def try_out(cls, options: Mapping[str, Any], encoder: TextEncoder | None) -> None:
        """Refuses options with which every trial would fail; called for each choice of options before the first trial.

        Args:
            options: Value of every option.
            encoder: Text encoder that is read, where it can be built without a corpus.

        Raises:
            ConfigError: If no trial could go well, with the way out.
        """
        if encoder is not None:
            cls.width_read(encoder)

    @classmethod
    def portable(cls, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Returns options of which such a model can be built again without what these load; see `TextEncoder`."""
        return dict(options)

    @staticmethod
    def width_read(encoder: TextEncoder) -> int:
        """Returns the width of what `read` returns: the constructor's `text_width`."""
        return encoder.width

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> Any:
        """Returns the input of `forward` for a batch: text_BD."""
        return encoder(tokens)

    def forward(self, text_BD: Tensor) -> Any:
        """Returns logits_BC of the predicted labels."""
        raise NotImplementedError

    def loss(self, output: Any, gold_BC: Tensor, weights_C: Tensor, objective: Objective) -> Tensor:
        """Returns the loss without the regularisation: a mean over documents.

        Args:
            output: Output of `forward`.
            gold_BC: 0 or 1 for each predicted label.
            weights_C: Weights of the labels in the loss.
            objective: Objective that the sweep file names.
        """
        return (objective.terms(in_full(output), gold_BC) @ weights_C).mean()

    def probabilities(self, output: Any, objective: Objective) -> Tensor:
        """Returns (B, C) probabilities of the predicted labels."""
        return objective.probabilities(in_full(output))

    def recursive_penalty(self) -> Tensor:
        """Returns the recursive regularisation, a scalar, summed over heads (Gopal and Yang 2013)."""
        raise NotImplementedError


class StatesEncoder(StructureEncoder):
    """A structure encoder that reads a text token by token: `forward` takes `States`, `text_width` is their width."""

    @staticmethod
    def width_read(encoder: TextEncoder) -> int:
        """Returns the width of the text encoder's states."""
        return encoder.state_width

    def read(self, encoder: TextEncoder, tokens: TokenBatch) -> States:
        """Returns the states of the tokens."""
        return encoder.states(tokens)


def in_full(logits_BC: Tensor) -> Tensor:
    """Returns logits in single precision at least, whatever the precision of the forward pass."""
    return logits_BC.to(torch.promote_types(logits_BC.dtype, torch.float32))
