"""What every text encoder has in common: batches of tokens, masks of states, and what it refuses."""

import pytest
import torch

from harness.core.errors import ConfigError
from models.text_encoders.bag import Bag
from models.text_encoders.base import States, TextEncoder
from tests.models.token_batches import batch


def test_padding_comes_after_a_document_and_an_empty_batch_has_one_column() -> None:
    ids_BT, mask_BT = batch([[5, 6, 7], [], [8]]).padded()
    assert ids_BT.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert mask_BT.tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    ids_BT, mask_BT = batch([[], []]).padded()
    assert ids_BT.tolist() == [[0], [0]] and not mask_BT.any()


def test_tokens_of_a_document_that_are_zero_are_tokens_all_the_same() -> None:
    tokens = batch([[0, 3], [0]])
    assert tokens.lengths_B.tolist() == [2, 1]
    assert tokens.padded()[1].tolist() == [[True, True], [True, False]]


def test_the_mask_of_states_follows_their_lengths() -> None:
    states = States(torch.zeros(3, 4, 2), torch.tensor([4, 1, 3]))
    assert states.mask_BT.sum(1).tolist() == [4, 1, 3] and states.mask_BT[:, 0].all()


def test_an_encoder_without_states_is_one_clear_paragraph() -> None:
    with pytest.raises(ConfigError, match="TextEncoder makes one vector of a document and has no states of its tokens"):
        TextEncoder(4).state_width  # noqa: B018


def test_encoders_without_layers_refuse_to_be_acted_on() -> None:
    encoder = Bag(Bag.build_tokenizer(["a dog"], {"vocabulary": 280, "max_length": 5}))
    with pytest.raises(ConfigError, match="The text encoder Bag has no layers of hidden states .* Take a BERT"):
        encoder.after_layers(2, torch.zeros_like)
