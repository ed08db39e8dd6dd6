"""The bag of sub-words against the mean of its embeddings."""

import torch

from models.text_encoders.bag import Bag
from tests.models.token_batches import batch

TEXTS = ["the cat sat on the mat", "a dog", "cats and dogs and cats, again and again"]


def test_bag_is_the_mean_of_its_embeddings_and_zero_without_any() -> None:
    tokenizer = Bag.build_tokenizer(TEXTS, {"vocabulary": 280, "max_length": 5})
    lists = [tokenizer.encode(text).ids for text in TEXTS]
    assert max(map(len, lists)) == 5
    encoder = Bag(tokenizer, width=4, dropout=0.0)
    table = encoder.embedding.weight
    out = encoder(batch([lists[0], [], lists[2]]))
    assert torch.allclose(out[0], table[lists[0]].mean(0)) and torch.allclose(out[2], table[lists[2]].mean(0))
    assert torch.equal(out[1], torch.zeros(4))


def test_states_of_a_bag_are_its_embeddings_and_one_zero_without_any() -> None:
    tokenizer = Bag.build_tokenizer(TEXTS, {"vocabulary": 280, "max_length": 5})
    lists = [tokenizer.encode(TEXTS[0]).ids, []]
    encoder = Bag(tokenizer, width=4, dropout=0.0)
    found = encoder.states(batch(lists))
    assert found.mask_BT.tolist() == [[True] * 5, [True] + [False] * 4] and encoder.state_width == 4
    assert torch.equal(found.states_BTD[0], encoder.embedding.weight[lists[0]])
    assert torch.equal(found.states_BTD[1, 0], torch.zeros(4))
    torch.testing.assert_close(found.states_BTD[0].mean(0), encoder(batch(lists))[0])


def test_a_learned_vocabulary_is_the_same_every_time() -> None:
    corpus = [f"{word}{number % 7} {word}s" for number in range(400) for word in ("alpha", "beta", "gammadelta")]
    made = {Bag.build_tokenizer(corpus, {"vocabulary": 300, "max_length": 9}).to_str() for _ in range(3)}
    assert len(made) == 1
