"""Slow tokenisers and prefixes are tokenisers like any: the library's numbers, cut, and the same when read again."""

import pytest
from transformers import ByT5Tokenizer, CanineTokenizer

from models.text_encoders.base import TextTokenizer
from models.text_encoders.tokenisers import PrefixedTokenizer, SlowTokenizer, read

TEXTS = ["the cat", "", "caf\u00e9 </s> \u4e2d\u6587", "a rather long text about cats"]
KINDS = {"byt5": ByT5Tokenizer, "canine": CanineTokenizer}


def stored(tokenizer: TextTokenizer) -> TextTokenizer:
    """The tokeniser read again, which writes itself as the first did."""
    again = read(tokenizer.to_str())
    assert again.to_str() == tokenizer.to_str() and type(again) is type(tokenizer)
    return again


@pytest.mark.parametrize("name", KINDS)
def test_a_slow_tokeniser_numbers_as_the_library_does_also_when_read_again(name: str) -> None:
    library = KINDS[name]()
    slow = SlowTokenizer(library, 9)
    found = [one.ids for one in slow.encode_batch_fast(TEXTS)]
    assert found == [library(text, truncation=True, max_length=9).input_ids for text in TEXTS]
    assert max(map(len, found)) == 9 and slow.encode(TEXTS[2]).ids == found[2]
    assert slow.get_vocab_size() == len(library) and max(slow.get_vocab().values()) < len(library)
    assert stored(slow).encode_batch_fast(TEXTS) == slow.encode_batch_fast(TEXTS)
    slow.no_truncation()
    assert [one.ids for one in slow.encode_batch_fast(TEXTS)] == [library(text).input_ids for text in TEXTS]


def test_a_prefix_before_a_slow_tokeniser() -> None:
    plain = SlowTokenizer(ByT5Tokenizer(), 30)
    told = PrefixedTokenizer(plain, "Classify: ")
    expected = plain.encode_batch_fast([f"Classify: {text}" for text in TEXTS])
    assert told.encode_batch_fast(TEXTS) == stored(told).encode_batch_fast(TEXTS) == expected
    assert told.encode(TEXTS[0]) == expected[0] and told.get_vocab_size() == plain.get_vocab_size()
    told.no_truncation()
    assert len(told.encode("x" * 100).ids) == 111


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": {}, "max_length": 3}'])
def test_damage_is_an_exception(text: str) -> None:
    with pytest.raises(Exception):  # noqa: B017
        read(text)
