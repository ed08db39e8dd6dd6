"""Text cleaning as in the literature: words without punctuation and stop words, or natural sentences."""

import re

NUMERICS = {"text forms": 1}

# The English stop words of NLTK (2017 to 2024, 179 words).
_STOP_WORDS = """
a about above after again against ain all am an and any are aren aren't as at be because been before being below
between both but by can couldn couldn't d did didn didn't do does doesn doesn't doing don don't down during each few
for from further had hadn hadn't has hasn hasn't have haven haven't having he her here hers herself him himself his
how i if in into is isn isn't it it's its itself just ll m ma me mightn mightn't more most mustn mustn't my myself
needn needn't no nor not now o of off on once only or other our ours ourselves out over own re s same shan shan't she
she's should should've shouldn shouldn't so some such t than that that'll the their theirs them themselves then there
these they this those through to too under until up ve very was wasn wasn't we were weren weren't what when where
which while who whom why will with won won't wouldn wouldn't y you you'd you'll you're you've your yours yourself
yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


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
