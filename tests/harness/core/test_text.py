"""Texts for people: lengths of time, one line of a long message, the first of many names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.text import duration, is_unicode, listed, one_line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.6, "1 h 00 min"),
        (3660, "1 h 01 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_lengths_of_time_round_up_to_the_next_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 1e7))
def test_a_length_of_time_is_read_back_to_its_last_unit(seconds: float) -> None:
    words = duration(seconds)
    units = {"h": 3600, "min": 60, "s": 1}
    parts = re.findall(r"(\d+) (h|min|s)\b", words)
    assert abs(sum(int(number) * units[unit] for number, unit in parts) - seconds) <= units[parts[-1][1]]
    assert all(int(number) < 60 for number, unit in parts if unit != "h")


@given(st.text(), st.integers(0, 50))
def test_one_line_keeps_the_words_up_to_a_length(text: str, most: int) -> None:
    assert one_line(text).split() == text.split() and len(one_line(text).splitlines()) <= 1
    assert one_line(text, most) == one_line(text)[:most]


def test_an_error_is_its_message() -> None:
    assert one_line(ValueError("first\n  second"), 8) == "first se"


def test_a_list_says_how_many_names_it_leaves_out() -> None:
    names = list("abcdefgh")
    assert listed(names[:6]) == "a, b, c, d, e, f"
    assert listed(names) == "a, b, c, d, e, f and 2 more" and listed(names, most=1) == "a and 7 more"
    assert listed([]) == ""


def test_halves_of_surrogate_pairs_cannot_be_stored() -> None:
    assert is_unicode("") and is_unicode("\N{GRINNING FACE}") and not is_unicode("a\ud83d")
