"""T5 decoder without its encoder, new or pretrained, and a constraint on its beam search.

The Transformers library's T5 with its encoder removed: it decodes, caches and searches as ever, given the states to
read. Where heads are only counted (`harness/training/estimate.py`) a pretrained decoder is given its shape and not
read.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, GenerationConfig, LogitsProcessor, T5Config, T5ForConditionalGeneration

from harness.core.errors import ConfigError
from models.layers.dropout import replace_dropout
from models.structure_encoders.seq2seq.label_tokens import Constraint
from models.text_encoders.pretrained import fetch
from models.text_encoders.weights import fetch_whole

NUMERICS = {"t5 decoder": 1}

PAD = 0
"""T5's padding, which is also put before the first token."""


def new_decoder(num_tokens: int, width: int, layers: int, heads: int, dropout: float) -> Any:
    """Returns a T5 of the published proportions without an encoder.

    Args:
        num_tokens: Size of the vocabulary.
        width: Width of a state, a multiple of `heads`.
        layers: Number of layers.
        heads: Number of attention heads.
        dropout: Dropout everywhere in it.
    """
    if width % heads:
        raise ConfigError(f"seq2seq's width must be a multiple of its heads: {width} is none of {heads}.")
    config = T5Config(
        vocab_size=num_tokens,
        d_model=width,
        d_kv=width // heads,
        d_ff=4 * width,
        num_layers=1,
        num_decoder_layers=layers,
        num_heads=heads,
        dropout_rate=dropout,
    )
    return _without_encoder(T5ForConditionalGeneration(config))


def pretrained_decoder(model: str, revision: str) -> Any:
    """Returns a pretrained T5 without its encoder; under `harness.training.memory.unallocated` one of its shape.

    Args:
        model: Hugging Face id or local folder.
        revision: Branch, tag or commit of the Hugging Face repository.
    """
    config = fetch(AutoConfig, model, revision=revision)
    if config.model_type != "t5":
        raise ConfigError(
            f"seq2seq's model {model!r} is a {config.model_type}, not a T5. Name a T5, such as t5-base or "
            "google/flan-t5-base, or leave `model` empty for a new decoder."
        )
    if torch.empty(0).is_meta:  # Parameters are only counted, so no weights are read.
        return _without_encoder(T5ForConditionalGeneration(config))
    return _without_encoder(fetch_whole(T5ForConditionalGeneration, model, revision=revision)[0])


def _without_encoder(t5: Any) -> Any:
    del t5.encoder
    # The library's cache has as many layers as the encoder.
    t5.config.num_layers = t5.config.num_decoder_layers
    t5.generation_config = GenerationConfig()
    replace_dropout(t5)
    return t5


class AllowedTokens(LogitsProcessor):
    """Renormalises the probabilities over the tokens that may come next, and gives all others none.

    Args:
        constraint: Constraint on the tokens.
    """

    def __init__(self, constraint: Constraint):
        self.constraint = constraint
        self.places = {(PAD,): constraint.start}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Returns (rows, tokens) log-probabilities.

        Args:
            input_ids: (rows, tokens so far).
            scores: (rows, tokens) logits, up to a constant.
        """
        prefixes = [tuple(row) for row in input_ids.tolist()]
        # Every prefix is one token longer than one of the last call.
        self.places = {
            prefix: self.places[prefix]
            if prefix in self.places
            else self.constraint.after(self.places[prefix[:-1]], prefix[-1])
            for prefix in prefixes
        }
        allowed = [self.constraint.allowed(self.places[prefix]) or (PAD,) for prefix in prefixes]
        rows, columns = pairs(allowed, scores.device)
        masked = torch.full_like(scores, -torch.inf)
        masked[rows, columns] = scores[rows, columns]
        return masked.log_softmax(-1)


def pairs(lists: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns the index of each list, repeated once per item, and the items."""
    lengths = torch.tensor([len(one) for one in lists])
    rows = torch.arange(len(lists)).repeat_interleave(lengths)
    return rows.to(device), torch.tensor([item for one in lists for item in one]).to(device)
