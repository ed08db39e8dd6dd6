"""Layers of BERT and RoBERTa in fewer operations: attention with cheap dropout, and a layer for the first token alone.

Both compute what the Transformers library computes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from models.layers.dropout import drop

NUMERICS = {"bert layers": 1}

ATTENTION = "sdpa_with_cheap_dropout"
"""Name under which the library finds this attention."""


def is_like_bert(config: Any) -> bool:
    """Returns whether a model has these layers, and reads in both directions."""
    return config.model_type in ("bert", "roberta") and not config.is_decoder


def _attention(
    module: nn.Module,
    query_BHTW: Tensor,
    key_BHTW: Tensor,
    value_BHTW: Tensor,
    mask_B1TT: Tensor | None,
    *,
    dropout: float,
    scaling: float,
    **ignored: Any,
) -> tuple[Tensor, None]:
    """Scaled dot-product attention of H heads, with this project's dropout on a CPU, where torch has no fused one."""
    if dropout == 0 or query_BHTW.device.type != "cpu":
        return sdpa_attention_forward(
            module, query_BHTW, key_BHTW, value_BHTW, mask_B1TT, dropout=dropout, scaling=scaling, is_causal=False
        )
    scores_BHTT = (query_BHTW * scaling) @ key_BHTW.transpose(2, 3)
    if mask_B1TT is not None:
        scores_BHTT = scores_BHTT + torch.where(mask_B1TT[:, :, :1], 0.0, -torch.inf)
    weights_BHTT = drop(torch.softmax(scores_BHTT, dim=-1), dropout, training=True)
    return (weights_BHTT @ value_BHTW).transpose(1, 2), None


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


@contextmanager
def first_token_alone(layer: Any) -> Iterator[None]:
    """Makes a layer compute only the first token; for a last layer of which no other token is read."""
    layer.forward = partial(_first_token_of_layer, layer)
    try:
        yield
    finally:
        del layer.forward


def _first_token_of_layer(
    layer: Any, states_BTD: Tensor, mask_B1TT: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    """Returns (B, 1, D): what a BERT layer returns for the first token, without computing the others.

    The pooler reads nothing else of the last layer, which is 7 % of bert-base and 40 % of two layers.
    """
    attention = layer.attention.self
    first_B1D = states_BTD[:, :1]
    query, key, value = (
        linear(states).unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
        for linear, states in (
            (attention.query, first_B1D),
            (attention.key, states_BTD),
            (attention.value, states_BTD),
        )
    )
    mask_B11T = None if mask_B1TT is None else mask_B1TT[:, :, :1]
    rate = attention.dropout.p if layer.training else 0.0
    read_B1HW = _attention(attention, query, key, value, mask_B11T, dropout=rate, scaling=attention.scaling)[0]
    states_B1D: Tensor = layer.feed_forward_chunk(layer.attention.output(read_B1HW.flatten(2), first_B1D))
    return states_B1D
