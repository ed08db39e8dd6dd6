"""T5's decoder on its own, new or pretrained, and what keeps its search among the pieces that are allowed.

The Transformers library's T5 with its encoder taken out: it decodes, caches and searches as ever, given the states to
read. Only the shape of a pretrained one is made where heads are merely counted (`harness/training/estimate.py`).
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

NUMERICS = {"t5 decoder": 1}

PAD = 0
"""T5's padding, which also stands before the first piece."""


def new_decoder(num_pieces: int, width: int, layers: int, heads: int, dropout: float) -> Any:
    """Returns a T5 of the published proportions without an encoder.

    Args:
        num_pieces: Of the vocabulary.
        width: Of a state, a multiple of `heads`.
        layers: Of the decoder.
        heads: Of its attention.
        dropout: Everywhere in it.
    """
    if width % heads:
        raise ConfigError(f"seq2seq's width must be a multiple of its heads: {width} is none of {heads}.")
    config = T5Config(
        vocab_size=num_pieces,
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
    """Returns a pretrained T5 without its encoder; under `harness.training.estimate.unallocated` one of its shape.

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
    if torch.empty(0).is_meta:  # Only counted, so not read.
        return _without_encoder(T5ForConditionalGeneration(config))
    arguments = {"use_safetensors": True, "dtype": torch.float32}
    return _without_encoder(fetch(T5ForConditionalGeneration, model, revision=revision, **arguments))


def _without_encoder(t5: Any) -> Any:
    del t5.encoder
    # The library's cache has as many layers as the encoder.
    t5.config.num_layers = t5.config.num_decoder_layers
    t5.generation_config = GenerationConfig()
    replace_dropout(t5)
    return t5


class AllowedPieces(LogitsProcessor):
    """Gives the pieces that may come next their probabilities among each other, and all others none.

    Args:
        constraint: Says which may.
    """

    def __init__(self, constraint: Constraint):
        self.constraint = constraint
        self.places = {(PAD,): constraint.start}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Returns (rows, pieces) log-probabilities.

        Args:
            input_ids: (rows, pieces so far).
            scores: (rows, pieces) logits, or logits but for a constant.
        """
        prefixes = [tuple(row) for row in input_ids.tolist()]
        # Where every prefix is one piece longer than one of the last call.
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
    """Returns the numbers of lists, each as often as it has items, and the items."""
    lengths = torch.tensor([len(one) for one in lists])
    rows = torch.arange(len(lists)).repeat_interleave(lengths)
    return rows.to(device), torch.tensor([item for one in lists for item in one]).to(device)
