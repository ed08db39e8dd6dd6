"""The LSTM text encoder against torch's, one document at a time."""

from typing import Any

import pytest
import torch

from models.text_encoders.lstm import LSTM
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


@pytest.mark.parametrize("pooling", ["last", "max", "mean"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_lstm_is_that_of_torch_document_by_document(pooling: Any, layers: int) -> None:
    encoder = randomised(LSTM(TOKENIZER, layers=layers, pooling=pooling, **SMALL))
    expected = []
    for ids in LISTS:
        states = alone(encoder, ids, encoder.lstm)
        how = {"last": torch.cat([states[-1, :3], states[0, 3:]]), "max": states.amax(0), "mean": states.mean(0)}
        expected.append(how[pooling])
    torch.testing.assert_close(encoder(batch(LISTS)), torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_padding_is_not_the_largest_value_of_the_lstm() -> None:
    encoder = LSTM(TOKENIZER, **SMALL)
    with torch.no_grad():
        for name, parameter in encoder.lstm.named_parameters():
            parameter.fill_(-3.0 if "bias_ih" in name else 0.0)
        # Gates i, f, g, o: with i and o open and g below 0, every state is below the 0 of padding.
        for bias in (encoder.lstm.bias_ih_l0, encoder.lstm.bias_ih_l0_reverse):
            bias[:3] = bias[-3:] = 3.0
    assert (encoder(batch(LISTS)) < 0).all()


def test_states_gradients_and_dropout() -> None:
    encoder = randomised(LSTM(TOKENIZER, **SMALL))
    assert_states_end_with_the_document(encoder, encoder.lstm)
    assert_gradients(encoder)
    assert_each_dropout_is_for_training(LSTM)
