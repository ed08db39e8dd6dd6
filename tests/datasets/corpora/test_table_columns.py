"""Columns of tables: what is guessed from names and values, and what is asked for."""

import pytest

from datasets.corpora.table_columns import choose_columns, flag, is_flag_column, refuse_missing_header
from datasets.formats.tables import Table
from harness.core.errors import DataError


def table(tmp_path, **columns):
    return Table(tmp_path / "a.csv", columns)


def chosen(tmp_path, *given, **columns):
    found = choose_columns([table(tmp_path, **columns)], *(given or ("", "", "guess", "", "")))
    return found.text, found.labels, found.form


WORDS = ["a word", "another one", "a third"]


@pytest.mark.parametrize(
    ("columns", "labels", "form"),
    [
        ({"l1": WORDS, "l2": WORDS, "l3": WORDS}, ("l1", "l2", "l3"), "levels"),
        ({"Cat3": WORDS, "Cat1": WORDS, "Cat2": WORDS}, ("Cat1", "Cat2", "Cat3"), "levels"),
        ({"level_0": WORDS, "level_1": WORDS, "label": WORDS}, ("level_0", "level_1"), "levels"),
        ({"Y1": ["1", "2", "3"], "Y2": ["1", "2", "3"], "Domain": WORDS, "area": WORDS}, ("Domain", "area"), "levels"),
        ({"Y1": ["1", "2", "3"], "Y2": ["4", "5", "6"]}, ("Y1", "Y2"), "levels"),
        ({"coarse_label": WORDS, "fine_label": WORDS}, ("coarse_label", "fine_label"), "levels"),
        ({"labels": [["a"], ["b"], []]}, ("labels",), "list"),
        ({"Genres": WORDS, "year": WORDS}, ("Genres",), "list"),
        ({"label": ["0", "1", "0"]}, ("label",), "list"),
        ({"joy": [0, 1, 0], "fear": [1, 1, 0], "example": ["False", "True", "x"]}, ("joy", "fear"), "flags"),
        ({"joy": [True, False, True], "fear": [False] * 3}, ("joy", "fear"), "flags"),
        ({"label": ["0", "1", "0"], "toxic": ["1", "1", "0"]}, ("label", "toxic"), "flags"),
        ({"l1": WORDS, "l3": WORDS, "category": WORDS}, ("category",), "list"),
    ],
)
def test_label_columns_are_guessed(tmp_path, columns, labels, form):
    assert chosen(tmp_path, text=WORDS, **columns) == (("text",), labels, form)


def test_the_text_is_the_column_of_that_name_or_the_longest(tmp_path):
    assert chosen(tmp_path, label=WORDS, Abstract=["x"] * 3, other=WORDS * 1)[0] == ("Abstract",)
    assert chosen(tmp_path, label=WORDS, short=["x"] * 3, long=WORDS, number=["1234567890123"] * 3)[0] == ("long",)


def test_what_is_given_is_taken(tmp_path):
    columns = {"text": WORDS, "a_1": ["0", "1", "0"], "a_2": ["0", "1", "1"], "b": WORDS}
    assert chosen(tmp_path, "b, text", "a_*", "guess", "", "", **columns) == (("b", "text"), ("a_1", "a_2"), "flags")
    assert chosen(tmp_path, "text", "b,a_1", "guess", "", "", **columns)[1:] == (("b", "a_1"), "levels")
    assert chosen(tmp_path, "text", "a_1,a_2", "levels", "", "", **columns)[2] == "levels"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("", "", "guess", "", ""), "a.csv: no column looks like labels. .*`--set labels=l1,l2,l3`.*It has text, foo"),
        (("", "fooo", "guess", "", ""), "a.csv has no column 'fooo'. Did you mean 'foo'?"),
        (("text", "text", "guess", "", ""), "the column 'text' cannot be both text and label"),
        (("text", "foo,text", "list", "", ""), "cannot be both text and label"),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(tmp_path, given, message):
    with pytest.raises(DataError, match=message):
        choose_columns([table(tmp_path, text=WORDS, foo=WORDS)], *given)


def test_flags_are_noughts_and_ones():
    assert [flag(cell) for cell in (0, 1, 0.0, True, "0", " 1", "1.0")] == [False, True, False, True, False, True, True]
    assert [flag(cell) for cell in (2, "yes", None, "", 0.5)] == [None] * 5
    assert is_flag_column([0, "1"]) and not is_flag_column([]) and not is_flag_column([0, None])


def test_a_first_line_that_is_a_row_is_seen(tmp_path):
    with pytest.raises(DataError, match="a.csv, line 1: '3' seems to be a cell.*--set columns=text,label"):
        refuse_missing_header(table(tmp_path, **{"3": ["3", "1", "2"], "Wall Street": WORDS}))
    with pytest.raises(DataError, match="seems to be a cell"):
        refuse_missing_header(table(tmp_path, **{"x" * 100: WORDS, "label": WORDS}))
    # The name of a class may be a digit.
    refuse_missing_header(table(tmp_path, **{"text": WORDS, "0": ["0", "1", "0"], "1": ["1", "1", "0"]}))
