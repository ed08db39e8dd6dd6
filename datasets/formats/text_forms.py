"""Text cleaning as in the literature: words without punctuation and stop words, or natural sentences."""

import re

from datasets.storage.stop_words import STOP_WORDS


def natural_form(text: str) -> str:
    """Returns the text that HGCLR gives to BERT: clitics split off, lower case."""
    return _squeeze(_split_clitics(text.strip())).lower()


def word_form(text: str) -> str:
    """Returns the words that HiAGM and HiTIN keep of WOS and RCV1, joined by spaces.

    No punctuation, no stop words, no words of one character.
    """
    text = _split_clitics(re.sub(r"[^A-Za-z0-9(),!?.'`]", " ", text.strip()))
    words = re.sub(r'[,."!()?]', " ", text).lower().split()
    return " ".join(word for word in words if len(word) > 1 and word not in STOP_WORDS)


def letter_form(text: str) -> str:
    """Returns the words that HiAGM and HiTIN keep of NYT, joined by spaces.

    No digits and no stop words; `, . ?` are deleted without a space, which joins some words, and words of one
    character stay.
    """
    text = re.sub(r"[,?.]", "", re.sub(r"[^A-Za-z(),!?.'`]", " ", text.strip()))
    words = re.sub(r"[!()]", " ", _split_clitics(text)).lower().split()
    return " ".join(word for word in words if word not in STOP_WORDS)


def first_words(text: str, num: int) -> str:
    """Returns the first `num` words of a text, joined by single spaces; the unchanged text if `num` is 0."""
    return " ".join(text.split(None, num)[:num]) if num else text


def _split_clitics(text: str) -> str:
    return re.sub(r"('s|'ve|n't|'re|'d|'ll)", r" \1", text)


def _squeeze(text: str) -> str:
    return re.sub(r"\s{2,}", " ", text).strip()
