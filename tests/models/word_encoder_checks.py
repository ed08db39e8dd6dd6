"""Helpers for text encoders over word vectors: documents, random weights, and checks that hold for all of them."""

from typing import Any

import torch
from torch import Tensor, nn

from models.text_encoders.base import TextEncoder
from models.text_encoders.word_vectors import learn_vocabulary
from tests.models.token_batches import batch

TEXTS = ["The cat sat on the mat", "a dog", "Cats and dogs, cats and the dog again; and again", ""]
TOKENIZER = learn_vocabulary(TEXTS, 20, 1, 9)
LISTS = [TOKENIZER.encode(text).ids for text in TEXTS]
SMALL: dict[str, Any] = {"word_width": 5, "hidden": 3, "word_dropout": 0.0, "dropout": 0.0}


def randomised(encoder: TextEncoder) -> Any:
    for parameter in encoder.parameters():
        nn.init.normal_(parameter)
    with torch.no_grad():
        encoder.get_submodule("words").embedding.weight[0] = 0
    return encoder


def alone(encoder: Any, ids: list[int], network: Any) -> Tensor:
    """(T, 2 H) states of a recurrent network over one document; one word of zeros where it has none."""
    table = encoder.words.embedding.weight
    states: Tensor = network((table[ids] if ids else torch.zeros(1, table.shape[1])).unsqueeze(0))[0].squeeze(0)
    return states


def assert_states_end_with_the_document(encoder: Any, network: Any) -> None:
    """States are the network's, document by document, and the mask ends where a document does."""
    found = encoder.states(batch(LISTS))
    assert found.lengths_B.tolist() == [6, 2, 9, 1] and found.states_BTD.shape[2] == encoder.state_width == 6
    assert found.mask_BT.sum(1).tolist() == [6, 2, 9, 1] and not found.mask_BT[1, 2:].any()
    for states_TD, mask_T, ids in zip(found.states_BTD, found.mask_BT, LISTS, strict=True):
        torch.testing.assert_close(states_TD[mask_T], alone(encoder, ids, network))


def assert_gradients(encoder: Any) -> None:
    """Gradients are those of finite differences, and the padding word learns nothing."""
    encoder, tokens = encoder.double(), batch(LISTS)
    assert torch.autograd.gradcheck(lambda *_: encoder(tokens).sin().sum(), tuple(encoder.parameters())[1:])
    encoder(tokens).sum().backward()
    assert not encoder.words.embedding.weight.grad[0].any()


def assert_each_dropout_is_for_training(kind: Any) -> None:
    """Either dropout alone makes training random, and evaluation is deterministic."""
    tokens = batch(LISTS)
    for dropouts in ({"word_dropout": 0.5, "dropout": 0.0}, {"word_dropout": 0.0, "dropout": 0.5}):
        encoder = kind(TOKENIZER, word_width=5, hidden=8, **dropouts)
        assert not torch.equal(encoder(tokens), encoder(tokens))
        encoder.eval()
        assert torch.equal(encoder(tokens), encoder(tokens))
