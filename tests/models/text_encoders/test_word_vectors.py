"""TextRCNN and the LSTM against loops over documents, times and channels, and the vocabulary they share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models.text_encoders.base import TextEncoder, TokenBatch
from models.text_encoders.lstm import LSTM
from models.text_encoders.textrcnn import TextRCNN
from models.text_encoders.word_vectors import learn_vocabulary

TEXTS = ["The cat sat on the mat", "a dog", "Cats and dogs, cats and the dog again; and again", ""]
NO_DROPOUT = {"word_dropout": 0.0, "dropout": 0.0}
SMALL: dict[str, Any] = {"word_width": 5, "hidden": 3, **NO_DROPOUT}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn_vocabulary(TEXTS, 20, 1, 9)


def batch(lists: list[list[int]]) -> TokenBatch:
    ids = torch.tensor([one for some in lists for one in some], dtype=torch.int64)
    return TokenBatch(ids, torch.tensor(np.cumsum([0, *map(len, lists)])))


def encoded(tokenizer: Tokenizer) -> list[list[int]]:
    return [tokenizer.encode(text).ids for text in TEXTS]


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


def test_the_vocabulary_is_the_most_frequent_words_of_the_training_texts() -> None:
    learned = learn_vocabulary(TEXTS, 7, 2, 4)
    # and 3, the 3, again 2, cats 2, dog 2: the most frequent first, words of one frequency by name.
    assert sorted(learned.get_vocab().items(), key=lambda entry: entry[1]) == [
        *[("[PAD]", 0), ("[UNK]", 1), ("and", 2), ("the", 3), ("again", 4), ("cats", 5), ("dog", 6)]
    ]
    assert learned.encode("THE zebra's dog").ids == [3, 1, 1, 1], "cut after four"
    assert learned.encode("").ids == []
    assert learn_vocabulary(TEXTS, 50, 3, 4).get_vocab_size() == 4


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
def test_textrcnn_is_its_equations_document_by_document(tokenizer: Tokenizer, layers: int, top_k: int) -> None:
    lists = encoded(tokenizer)
    encoder = randomised(TextRCNN(tokenizer, channels=4, layers=layers, top_k=top_k, **SMALL))
    expected = torch.stack([textrcnn_alone(encoder, ids, top_k, 0) for ids in lists])
    assert encoder.width == 3 * 4 * top_k
    torch.testing.assert_close(encoder(batch(lists)), expected, rtol=1e-4, atol=1e-5)


def test_textrcnn_as_published_runs_on_over_the_padding(tokenizer: Tokenizer) -> None:
    lists = encoded(tokenizer)
    encoder = randomised(TextRCNN(tokenizer, channels=4, padding="published", **SMALL))
    longest = max(map(len, lists))
    padded = [longest - max(1, len(ids)) for ids in lists]
    expected = [textrcnn_alone(encoder, ids, 1, more) for ids, more in zip(lists, padded, strict=True)]
    torch.testing.assert_close(encoder(batch(lists)), torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("padding", "wins"), [("masked", False), ("published", True)])
def test_a_bias_behind_the_end_wins_the_maximum_only_as_published(
    tokenizer: Tokenizer, padding: Any, wins: bool
) -> None:
    lists = encoded(tokenizer)
    encoder = TextRCNN(tokenizer, channels=4, padding=padding, **SMALL)
    for convolution in encoder.convolutions:
        nn.init.ones_(convolution.bias)
        nn.init.constant_(convolution.weight, -1.0)
    with torch.no_grad():  # Recurrent states that are all positive, so that every true value is below the bias.
        for parameter in encoder.gru.parameters():
            parameter.zero_()
        encoder.gru.bias_ih_l0[-3:] = encoder.gru.bias_ih_l0_reverse[-3:] = 2.0
    short = encoder(batch(lists))[1]
    assert torch.equal(short, torch.ones(12)) == wins
    assert torch.equal(short, encoder(batch(lists[1:2]))[0]) != wins


@pytest.mark.parametrize("pooling", ["last", "max", "mean"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_lstm_is_that_of_torch_document_by_document(tokenizer: Tokenizer, pooling: Any, layers: int) -> None:
    lists = encoded(tokenizer)
    encoder = randomised(LSTM(tokenizer, layers=layers, pooling=pooling, **SMALL))
    expected = []
    for ids in lists:
        states = alone(encoder, ids, encoder.lstm)
        how = {"last": torch.cat([states[-1, :3], states[0, 3:]]), "max": states.amax(0), "mean": states.mean(0)}
        expected.append(how[pooling])
    torch.testing.assert_close(encoder(batch(lists)), torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [TextRCNN, LSTM])
def test_states_are_the_networks_up_to_each_documents_end(tokenizer: Tokenizer, kind: Any) -> None:
    encoder = randomised(kind(tokenizer, **SMALL))
    lists = encoded(tokenizer)
    found = encoder.states(batch(lists))
    assert found.lengths_B.tolist() == [6, 2, 9, 1] and found.states_BTD.shape[2] == encoder.state_width == 6
    assert found.mask_BT.sum(1).tolist() == [6, 2, 9, 1] and not found.mask_BT[1, 2:].any()
    network = encoder.gru if kind is TextRCNN else encoder.lstm
    for states_TD, mask_T, ids in zip(found.states_BTD, found.mask_BT, lists, strict=True):
        torch.testing.assert_close(states_TD[mask_T], alone(encoder, ids, network))


def test_padding_is_not_the_largest_value_of_the_lstm(tokenizer: Tokenizer) -> None:
    encoder = LSTM(tokenizer, **SMALL)
    with torch.no_grad():
        for name, parameter in encoder.lstm.named_parameters():
            parameter.fill_(-3.0 if "bias_ih" in name else 0.0)
        # Gates i, f, g, o: with i and o open and g below 0, every state is below the 0 of padding.
        for bias in (encoder.lstm.bias_ih_l0, encoder.lstm.bias_ih_l0_reverse):
            bias[:3] = bias[-3:] = 3.0
    assert (encoder(batch(encoded(tokenizer))) < 0).all()


@pytest.mark.parametrize("kind", [TextRCNN, LSTM])
def test_gradients_by_finite_differences(tokenizer: Tokenizer, kind: Any) -> None:
    encoder = randomised(kind(tokenizer, **SMALL, **({"channels": 2} if kind is TextRCNN else {}))).double()
    tokens = batch(encoded(tokenizer))
    assert torch.autograd.gradcheck(lambda *_: encoder(tokens).sin().sum(), tuple(encoder.parameters())[1:])
    encoder(tokens).sum().backward()
    assert not encoder.words.embedding.weight.grad[0].any(), "the padding word learns nothing"


@pytest.mark.parametrize("kind", [TextRCNN, LSTM])
def test_dropout_is_for_training_and_evaluation_is_deterministic(tokenizer: Tokenizer, kind: Any) -> None:
    tokens = batch(encoded(tokenizer))
    for dropouts in ({"word_dropout": 0.5, "dropout": 0.0}, {"word_dropout": 0.0, "dropout": 0.5}):
        encoder = kind(tokenizer, word_width=5, hidden=8, **dropouts)
        assert not torch.equal(encoder(tokens), encoder(tokens))
        encoder.eval()
        assert torch.equal(encoder(tokens), encoder(tokens))


def test_parameters_of_the_published_textrcnn(tokenizer: Tokenizer) -> None:
    encoder = TextRCNN(tokenizer)
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in encoder.named_children()}
    assert counts["words"] == 300 * tokenizer.get_vocab_size()
    assert counts["gru"] == 2 * 3 * 64 * (300 + 64 + 2)
    assert counts["convolutions"] == 100 * 128 * (2 + 3 + 4) + 300
    assert encoder.width == 300


def test_vectors_start_from_the_file_where_it_has_them_and_else_within_a_quarter(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "vectors.txt"
    file.write_text("dog 1 2 3\n[PAD] 5 5 5\nzebra 7 8 9\ncats -1 -2 -3\n", "utf-8")
    table = LSTM(tokenizer, vectors=str(file), word_width=3, hidden=2).words.embedding.weight
    assert table[tokenizer.token_to_id("dog")].tolist() == [1, 2, 3]
    assert table[tokenizer.token_to_id("cats")].tolist() == [-1, -2, -3]
    assert table[0].tolist() == [0, 0, 0]
    others = [place for word, place in tokenizer.get_vocab().items() if word not in ("dog", "cats", "[PAD]")]
    assert 0.2 < table[others].abs().max().item() <= 0.25
