"""TextRCNN against loops over documents, times and channels."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.text_encoders.textrcnn import TextRCNN
from tests.models.token_batches import batch
from tests.models.word_encoder_checks import (
    LISTS,
    SMALL,
    TOKENIZER,
    alone,
    assert_each_dropout_is_for_training,
    assert_gradients,
    assert_states_end_with_the_document,
    randomised,
)


def textrcnn_alone(encoder: TextRCNN, ids: list[int], top_k: int, num_padded: int) -> Tensor:
    """The program's equations in loops; with `num_padded` zero states behind the document."""
    states = alone(encoder, ids, encoder.gru)
    states = torch.cat([states, torch.zeros(num_padded, states.shape[1])])
    found = []
    for kernel, convolution in zip((2, 3, 4), encoder.convolutions, strict=True):
        edge = torch.zeros(kernel // 2, states.shape[1])
        padded = torch.cat([edge, states, edge])
        for weight, bias in zip(convolution.weight, convolution.bias, strict=True):
            starts = range(len(padded) - kernel + 1)
            values = [((padded[at : at + kernel].T * weight).sum() + bias).relu().item() for at in starts]
            found += sorted([*values, *[0.0] * top_k], reverse=True)[:top_k]
    return torch.tensor(found)


@pytest.mark.parametrize(("layers", "top_k"), [(1, 1), (2, 3)])
def test_textrcnn_is_its_equations_document_by_document(layers: int, top_k: int) -> None:
    encoder = randomised(TextRCNN(TOKENIZER, channels=4, layers=layers, top_k=top_k, **SMALL))
    expected = torch.stack([textrcnn_alone(encoder, ids, top_k, 0) for ids in LISTS])
    assert encoder.width == 3 * 4 * top_k
    torch.testing.assert_close(encoder(batch(LISTS)), expected, rtol=1e-4, atol=1e-5)


def test_textrcnn_as_published_runs_on_over_the_padding() -> None:
    encoder = randomised(TextRCNN(TOKENIZER, channels=4, padding="published", **SMALL))
    longest = max(map(len, LISTS))
    padded = [longest - max(1, len(ids)) for ids in LISTS]
    expected = [textrcnn_alone(encoder, ids, 1, more) for ids, more in zip(LISTS, padded, strict=True)]
    torch.testing.assert_close(encoder(batch(LISTS)), torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("padding", "wins"), [("masked", False), ("published", True)])
def test_a_bias_behind_the_end_wins_the_maximum_only_as_published(padding: Any, wins: bool) -> None:
    encoder = TextRCNN(TOKENIZER, channels=4, padding=padding, **SMALL)
    for convolution in encoder.convolutions:
        nn.init.ones_(convolution.bias)
        nn.init.constant_(convolution.weight, -1.0)
    with torch.no_grad():  # Recurrent states that are all positive, so that every true value is below the bias.
        for parameter in encoder.gru.parameters():
            parameter.zero_()
        encoder.gru.bias_ih_l0[-3:] = encoder.gru.bias_ih_l0_reverse[-3:] = 2.0
    short = encoder(batch(LISTS))[1]
    assert torch.equal(short, torch.ones(12)) == wins
    assert torch.equal(short, encoder(batch(LISTS[1:2]))[0]) != wins


def test_parameters_of_the_published_textrcnn() -> None:
    encoder = TextRCNN(TOKENIZER)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    assert counts["words"] == 300 * TOKENIZER.get_vocab_size()
    assert counts["gru"] == 2 * 3 * 64 * (300 + 64 + 2)
    assert counts["convolutions"] == 100 * 128 * (2 + 3 + 4) + 300
    assert encoder.width == 300


def test_states_gradients_and_dropout() -> None:
    encoder = randomised(TextRCNN(TOKENIZER, channels=2, **SMALL))
    assert_states_end_with_the_document(encoder, encoder.gru)
    assert_gradients(encoder)
    assert_each_dropout_is_for_training(TextRCNN)
