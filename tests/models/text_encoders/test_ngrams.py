"""The n-gram encoder against scikit-learn's TF-IDF, the mean of its states, and what dropout leaves out."""

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from models.text_encoders.ngrams import NGrams
from tests.models.token_batches import batch

TEXTS = ["The cat sat on the mat, the mat.", "a dog sat on a mat", "cats and dogs and cats, again and again", "the dog"]
LIMITS = {"vocabulary": 1000, "min_documents": 1, "max_length": 50}


def encoder(balance: float = 0.0, **options: float) -> tuple[NGrams, list[list[int]]]:
    """Returns an encoder in evaluation mode, and the n-grams of each text."""
    tokenizer = NGrams.build_tokenizer(TEXTS, LIMITS)
    made = NGrams(tokenizer, width=6, balance=balance, **options)
    return made.eval(), [tokenizer.encode(text).ids for text in TEXTS]


def tf_idf() -> tuple[np.ndarray, np.ndarray]:
    """Returns scikit-learn's weights, (texts, n-grams), and the document frequencies."""
    vocabulary = NGrams.build_tokenizer(TEXTS, LIMITS).get_vocab()
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+", vocabulary=vocabulary)
    found = vectors.fit_transform(TEXTS).toarray()
    return found, (found > 0).sum(axis=0)


def test_a_document_is_scikit_learns_tf_idf_times_the_embeddings() -> None:
    made, lists = encoder(scale=3.0)
    expected = 3 * torch.from_numpy(tf_idf()[0]).float() @ made.embedding.weight
    torch.testing.assert_close(made(batch([*lists, []])), torch.cat([expected, torch.zeros(1, 6)]))


@pytest.mark.parametrize("balance", [0.5, 1.0])
def test_a_balance_multiplies_embeddings_by_a_power_of_the_document_frequency(balance: float) -> None:
    made, lists = encoder(balance, scale=1.0)
    weights, df = tf_idf()
    plain = torch.from_numpy(weights * df**balance).float() @ made.embedding.weight
    ratio = made(batch(lists)) / plain
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio))


def test_a_balance_leaves_the_mean_length_of_documents_alone() -> None:
    tokenizer = NGrams.build_tokenizer([f"{one} {two}" for one in "abcdefgh" for two in "abcd"], LIMITS)
    mass = {}
    for balance in (0.0, 0.5, 1.0):
        made = NGrams(tokenizer, width=1, balance=balance, scale=2.0)
        df = torch.tensor([*tokenizer.document_frequencies.values()])
        mass[balance] = float((df * (made.idf_V * made.factors_V) ** 2).sum() / (df * made.idf_V**2).sum())
    assert mass == pytest.approx(dict.fromkeys(mass, 4.0))


def test_states_add_up_to_the_document() -> None:
    made, lists = encoder(0.5)
    found = made.states(batch([lists[0], [], lists[3]]))
    assert found.mask_BT.sum(1).tolist() == [len(lists[0]), 1, len(lists[3])] and made.state_width == 6
    summed = (found.states_BTD * found.mask_BT[..., None]).sum(1)
    lengths = torch.tensor([[len(lists[0])], [1], [len(lists[3])]])
    torch.testing.assert_close(summed, made(batch([lists[0], [], lists[3]])) * lengths.sqrt())
    assert torch.equal(found.states_BTD[1, 0], torch.zeros(6))


def test_dropout_of_ngrams_leaves_them_out_wherever_the_document_has_them() -> None:
    made, lists = encoder(ngram_dropout=0.5, dropout=0.0)
    tokens = batch([lists[0]] * 400)
    made.train()
    states = made.states(tokens).states_BTD
    kept = (states != 0).any(-1)
    for number in set(lists[0]):
        places = [place for place, one in enumerate(lists[0]) if one == number]
        assert (kept[:, places] == kept[:, places[:1]]).all()
    assert 0.4 < float(kept.float().mean()) < 0.6
    whole = made.eval().states(tokens).states_BTD
    torch.testing.assert_close(states, whole * kept[..., None] * 2)


def test_without_a_known_ngram_every_document_is_zero() -> None:
    tokenizer = NGrams.build_tokenizer(["one", "two"], {**LIMITS, "min_documents": 2})
    assert torch.equal(NGrams(tokenizer, width=3)(batch([tokenizer.encode("one").ids] * 2)), torch.zeros(2, 3))


def test_a_written_tokeniser_makes_the_same_encoder() -> None:
    tokenizer = NGrams.build_tokenizer(TEXTS, LIMITS)
    again = NGrams.read_tokenizer(tokenizer.to_str())
    torch.manual_seed(0)
    one = NGrams(tokenizer, width=3)
    torch.manual_seed(0)
    two = NGrams(again, width=3)
    tokens = batch([tokenizer.encode(text).ids for text in TEXTS])
    assert torch.equal(one.eval()(tokens), two.eval()(tokens))
