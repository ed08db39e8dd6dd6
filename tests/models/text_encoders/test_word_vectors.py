"""Word vectors: the vocabulary, the vectors that words start from, and states up to a document's end."""

from pathlib import Path

import pytest
import torch
from torch import nn

from models.text_encoders.word_vectors import WordEmbedding, learn_vocabulary, run_recurrent
from tests.models.token_batches import batch
from tests.models.word_encoder_checks import LISTS, TEXTS, TOKENIZER


def test_the_vocabulary_is_the_most_frequent_words_of_the_training_texts() -> None:
    learned = learn_vocabulary(TEXTS, 7, 2, 4)
    # and 3, the 3, again 2, cats 2, dog 2: the most frequent first, words of one frequency by name.
    assert sorted(learned.get_vocab().items(), key=lambda entry: entry[1]) == [
        *[("[PAD]", 0), ("[UNK]", 1), ("and", 2), ("the", 3), ("again", 4), ("cats", 5), ("dog", 6)]
    ]
    assert learned.encode("THE zebra's dog").ids == [3, 1, 1, 1], "cut after four"
    assert learned.encode("").ids == []
    assert learn_vocabulary(TEXTS, 50, 3, 4).get_vocab_size() == 4


def test_vectors_start_from_the_file_where_it_has_them_and_else_within_a_quarter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "vectors.txt"
    file.write_text("dog 1 2 3\n[PAD] 5 5 5\nzebra 7 8 9\ncats -1 -2 -3\n", "utf-8")
    table = WordEmbedding(TOKENIZER, 3, str(file), dropout=0.0).embedding.weight
    assert table[TOKENIZER.token_to_id("dog")].tolist() == [1, 2, 3]
    assert table[TOKENIZER.token_to_id("cats")].tolist() == [-1, -2, -3]
    assert table[0].tolist() == [0, 0, 0]
    others = [place for word, place in TOKENIZER.get_vocab().items() if word not in ("dog", "cats", "[PAD]")]
    assert 0.2 < table[others].abs().max().item() <= 0.25


def test_documents_are_padded_with_zeros_and_an_empty_one_is_one_zero() -> None:
    words = WordEmbedding(TOKENIZER, 3, "", dropout=0.0)
    found = words(batch(LISTS))
    assert found.vectors_BTW.shape == (4, 9, 3) and found.lengths.tolist() == [6, 2, 9, 1]
    assert torch.equal(found.vectors_BTW[1, :2], words.embedding.weight[LISTS[1]])
    assert not found.vectors_BTW[1, 2:].any() and not found.vectors_BTW[3].any()


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_recurrent_network_stops_at_a_documents_end_in_both_directions(kind: type[nn.GRU | nn.LSTM]) -> None:
    network = kind(3, 2, batch_first=True, bidirectional=True)
    words = WordEmbedding(TOKENIZER, 3, "", dropout=0.0)(batch(LISTS))
    states = run_recurrent(network, words)
    for vectors_TW, states_TH, length in zip(words.vectors_BTW, states, words.lengths.tolist(), strict=True):
        torch.testing.assert_close(states_TH[:length], network(vectors_TW[None, :length])[0][0])
        assert not states_TH[length:].any()
