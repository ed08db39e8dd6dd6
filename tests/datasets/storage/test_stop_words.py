"""The list of stop words is NLTK's, by its number and by words that tell it from other lists."""

from datasets.storage.stop_words import STOP_WORDS


def test_there_are_179_in_lower_case() -> None:
    assert len(STOP_WORDS) == 179 and all(word == word.lower() for word in STOP_WORDS)
    # scikit-learn's list of 318 has the latter and lacks the former.
    assert {"isn't", "ain", "don"} <= STOP_WORDS and STOP_WORDS.isdisjoint({"system", "interest", "bill"})
