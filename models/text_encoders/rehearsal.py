"""Rehearsal of a text encoder before any trial: does it read every text that its tokeniser can make?

It reads a few texts on the CPU, as a trial would, so that what no `config.json` says of all models alike is seen: how
many positions there are (RoBERTa's 514 are 512 tokens, T5's relative ones have no end), whether there is an embedding
for each token, whether the first token sees what follows.
"""

from bisect import bisect_left
from collections.abc import Callable

import torch
from torch import Tensor

from harness.core.errors import ConfigError
from harness.core.text import one_line
from models.text_encoders.base import TextEncoder, TextTokenizer, TokenBatch

CHANGES_NO_NUMBER = "It only refuses."


def rehearse(encoder: TextEncoder, tokenizer: TextTokenizer, model: str, max_length: int) -> None:
    """Has an encoder read its last token, its longest text and an empty one.

    Args:
        encoder: Encoder with states.
        tokenizer: Its tokeniser.
        model: Name of the pretrained model, for messages.
        max_length: Number of tokens after which a text is cut.

    Raises:
        ConfigError: If it cannot, with the largest `max_length` that goes.
    """
    last = max(tokenizer.get_vocab().values())
    if _failure(encoder, [last]):
        rows = _fewest_that_fail(lambda number: _failure(encoder, [number]), last)
        if rows == 0:
            raise _unusable(model, _failure(encoder, [0]))
        raise ConfigError(
            f"The tokeniser of the pretrained model {model!r} numbers its tokens up to {last}, added ones included, "
            f"and the model has embeddings up to {rows - 1}. Name a model with the tokeniser that it was trained "
            "with, or take the added tokens out."
        )

    def too_long(number: int) -> str:
        # Padding has no position of its own in RoBERTa and its kin, and may be the last token.
        return _failure(encoder, [last] * number) or _failure(encoder, [max(0, last - 1)] * number)

    if failure := too_long(max_length):
        fewest = _fewest_that_fail(too_long, max_length)
        if fewest < 2:
            raise _unusable(model, failure)
        raise ConfigError(
            f"The pretrained model {model!r} reads texts of {fewest - 1} tokens at most, special ones included, and "
            f"`max_length` is {max_length}. Set `encoder: {{options: {{max_length: {fewest - 1}}}}}` in the sweep "
            "file, or less."
        )
    empty = tokenizer.encode("").ids
    if len(empty) > max_length:
        raise ConfigError(
            f"The tokeniser of the pretrained model {model!r} puts {len(empty)} tokens into an empty text, and "
            f"`max_length` is {max_length}, so that it cuts no text. Set `encoder: {{options: {{max_length: "
            f"{len(empty) + 1}}}}}` in the sweep file, or more."
        )
    if failure := _failure(encoder, empty):
        raise _unusable(model, failure)


def sees_what_follows(encoder: TextEncoder, is_pooled: bool = False) -> bool:
    """Returns whether the first token's state, or else the text vector, depends on the second token.

    Where attention is causal, the first token's state does not.
    """
    read = _vector if is_pooled else _first_state
    return not torch.equal(*(_computed(read, encoder, [1, second]) for second in (0, 2)))


def _states(encoder: TextEncoder, tokens: TokenBatch) -> Tensor:
    return encoder.states(tokens).states_BTD[0]


def _first_state(encoder: TextEncoder, tokens: TokenBatch) -> Tensor:
    return _states(encoder, tokens)[0]


def _vector(encoder: TextEncoder, tokens: TokenBatch) -> Tensor:
    text_BD: Tensor = encoder(tokens)
    return text_BD[0]


def _computed(compute: Callable[[TextEncoder, TokenBatch], Tensor], encoder: TextEncoder, ids: list[int]) -> Tensor:
    """Returns what a function computes with an encoder and a text, without dropout: it draws no random number."""
    device = next(encoder.parameters()).device
    was_training = encoder.training
    try:
        with torch.inference_mode():
            numbers, offsets = (torch.tensor(one, dtype=torch.int64, device=device) for one in (ids, [0, len(ids)]))
            return compute(encoder.eval(), TokenBatch(numbers, offsets))
    finally:
        encoder.train(was_training)


def _failure(encoder: TextEncoder, ids: list[int]) -> str:
    """Returns why an encoder cannot read a text; empty where it can."""
    try:
        states_TD = _computed(_states, encoder, ids)
    except Exception as error:  # Each model says so in its own way.
        return f"{type(error).__name__}: {one_line(error, 200)}"
    width = states_TD.shape[1]
    return "" if width == encoder.state_width else f"its states are {width} wide, not {encoder.state_width}"


def _fewest_that_fail(fails: Callable[[int], str], most: int) -> int:
    """Returns the least number up to one that fails from which all fail."""
    return bisect_left(range(most), True, key=lambda number: bool(fails(number)))


def _unusable(model: str, failure: str) -> ConfigError:
    return ConfigError(
        f"The pretrained model {model!r} cannot be run as a text encoder, on token numbers and a mask alone "
        f"({failure}). Name an encoder of text, such as bert-base-uncased, a decoder, such as gpt2, or an "
        "encoder-decoder, such as t5-base."
    )
