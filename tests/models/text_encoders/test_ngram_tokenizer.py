"""Word n-grams: which are in the vocabulary, in what order a text holds them, and that JSON brings them back."""

import pytest

from models.text_encoders.ngram_tokenizer import NGramTokenizer

TEXTS = ["The cat sat. The cat!", "the CAT ran", "a dog ran", "dogs"]


def test_ngrams_are_numbered_by_documents_then_by_the_alphabet() -> None:
    tokenizer = NGramTokenizer.learn(TEXTS, 100, 1, 9)
    # "the cat" is in one text twice, and counts once.
    assert list(tokenizer.document_frequencies.items())[:5] == [
        ("cat", 2),
        ("ran", 2),
        ("the", 2),
        ("the cat", 2),
        ("a", 1),
    ]
    assert tokenizer.num_documents == 4 and "cat the" not in NGramTokenizer.learn(TEXTS[1:], 100, 1, 9).get_vocab()


@pytest.mark.parametrize(("vocabulary", "min_documents", "size"), [(100, 2, 4), (3, 1, 3), (100, 3, 0)])
def test_a_vocabulary_has_the_most_frequent_of_those_in_enough_documents(
    vocabulary: int, min_documents: int, size: int
) -> None:
    tokenizer = NGramTokenizer.learn(TEXTS, vocabulary, min_documents, 9)
    assert list(tokenizer.get_vocab()) == ["cat", "ran", "the", "the cat"][:size] and tokenizer.get_vocab_size() == size


def test_a_text_is_its_known_words_each_before_the_pair_it_begins() -> None:
    tokenizer = NGramTokenizer.learn(TEXTS, 100, 2, 3)
    ids = tokenizer.encode("the cat? ran the cat").ids
    assert [list(tokenizer.get_vocab())[number] for number in ids] == ["the", "the cat", "cat", "ran"]
    tokenizer.no_truncation()
    assert len(tokenizer.encode("the cat? ran the cat").ids) == 7
    assert [one.ids for one in tokenizer.encode_batch_fast(["unknown", ""])] == [[], []]


def test_json_brings_a_tokeniser_back() -> None:
    tokenizer = NGramTokenizer.learn([*TEXTS, "ÉTÉ été"], 100, 1, 2)
    again = NGramTokenizer.read(tokenizer.to_str())
    assert again.to_str() == tokenizer.to_str() and again.get_vocab() == tokenizer.get_vocab()
    assert again.encode("été été été").ids == tokenizer.encode("été été été").ids != []


def test_json_of_another_tokeniser_is_refused() -> None:
    with pytest.raises(TypeError):
        NGramTokenizer.read('{"version": "1.0"}')
