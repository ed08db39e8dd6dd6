"""Cells of label columns: what is in them, and which separators are guessed for which data."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.formats.label_cells import CellFormat, cell_items, guess_format, whole_numbers

PATHS = [
    ("Food", "Pie"),
    ("Food", "Cake"),
    ("Pets", "Cats", "Toys"),
    ("Pets", "Dogs", "Toys"),
    ("Pets", "Cats", "Beds"),
]
GENRES = ("Action", "Comedy", "Drama", "Horror")


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        (None, []), (float("nan"), []), ("", []), (" nan ", []), ("NaN", []), ([], []), ([None, ""], []),
        ("a", ["a"]), ("  a \n b ", ["a b"]), (1, ["1"]), (2.0, ["2"]), (2.5, ["2.5"]), (True, ["True"]),
        ("2.0", ["2.0"]),
        (["a", " b "], ["a", "b"]), ((1, 2.0), ["1", "2"]), ([["a", "b"], ["c"]], [["a", "b"], ["c"]]),
        ('["a", "b"]', ["a", "b"]), ("['a, b', \"c's\"]", ["a, b", "c's"]), ("['a' 'b']", ["a", "b"]),
        ("[1, 2]", ["1", "2"]), ("[['a', 'b']]", [["a", "b"]]), ("[]", []), ("[sic]", ["[sic]"]), ("None", ["None"]),
        ("[('a', 'b'), ('c', 'd')]", [["a", "b"], ["c", "d"]]), (["['a', 'b']", "c"], ["a", "b", "c"]),
        (r"['c\+\+', 'b']", [r"c\+\+", "b"]), ("[{[]: 1}]", ["[{[]: 1}]"]), ("[" * 5000 + "]", ["[" * 5000 + "]"]),
        ([[1, None, "b"], []], [["1", "b"]]),
    ],
)  # fmt: skip
def test_items_of_a_cell(cell, items):
    assert cell_items(cell) == items


def test_an_object_is_no_cell():
    with pytest.raises(TypeError, match="dict \"{'name': 'a'}\""):
        cell_items({"name": "a"})
    with pytest.raises(TypeError, match="dict"):
        cell_items([["a", {"name": "a"}]])
    with pytest.raises(TypeError, match="lists in lists of a list"):
        cell_items([[["a"]]])


def test_whole_numbers_are_those_of_a_whole_column():
    assert whole_numbers(["1.0", "", "-2.0"]) and not whole_numbers(["1.0", "2.5"]) and not whole_numbers(["1", "2.0"])
    assert not whole_numbers([""])


@pytest.mark.parametrize("separator", [" > ", ">", ">>", " >> ", "->", "::", "/", " / ", "\\", "|", ":"])
def test_paths_in_cells_are_seen(separator):
    form = guess_format([[separator.join(path)] for path in PATHS])
    found = [form.paths([separator.join(path)]) for path in PATHS]
    assert found == [[path] for path in PATHS], form


@pytest.mark.parametrize("separator", ["|", ";", ",", "; ", ", "])
def test_labels_in_cells_are_seen(separator):
    sets = [[name for name, is_in in zip(GENRES, bits, strict=True) if is_in] for bits in product((0, 1), repeat=4)][1:]
    random.Random(0).shuffle(sets)
    form = guess_format([[separator.join(names)] for names in sets])
    assert form.between_labels == separator.strip() and not form.between_levels
    assert all([path[0] for path in form.paths([separator.join(names)])] == names for names in sets)


def test_several_paths_in_a_cell_are_seen():
    cells = [[f"{'/'.join(one)};{'/'.join(two)}"] for one, two in product(PATHS, PATHS) if one < two]
    assert guess_format(cells) == CellFormat(";", "/")
    assert CellFormat(";", "/").paths(["Food/Pie; Pets / Cats;"]) == [("Food", "Pie"), ("Pets", "Cats")]


@pytest.mark.parametrize(
    "names",
    [
        ["Media, Arts", "Sports", "Food, Drink"],
        ["Arts/Crafts", "Food/Drink", "Cars/Bikes"],
        ["R&D", "N/A", "C++", "3:2"],
        ["rec.autos", "rec.sport"],
        ["0", "1", "2"],
    ],
)
def test_names_with_such_characters_stay_whole(names):
    assert guess_format([[name] for name in names]) == CellFormat()


def test_a_list_is_a_path_where_few_names_come_first_and_only_there():
    assert guess_format([list(path) for path in PATHS]) == CellFormat(list_is_path=True)
    assert CellFormat(list_is_path=True).paths(["Food", "Pie"]) == [("Food", "Pie")]
    sets = [["joy", "fear"], ["fear"], ["joy", "anger"], ["anger", "fear"]]
    assert guess_format(sets) == CellFormat() and CellFormat().paths(["joy", "fear"]) == [("joy",), ("fear",)]
    # The names hold their paths already.
    assert guess_format([["A", "A/b"], ["A", "A/c"], ["D", "D/e/f"]]).list_is_path is True
    assert guess_format([["A/b", "D/e"], ["A/c", "D/f"], ["D/e", "A/b"]]) == CellFormat("", "/")


def test_inner_lists_are_paths():
    assert guess_format([[["a", "b"], ["c"]]]).paths([["a", "b"], ["c"], []]) == [("a", "b"), ("c",)]


def test_known_names_decide():
    known = {"A/b", "c", "d, e", "f"}
    assert guess_format([["A/b"], ["c"]], known) == CellFormat()
    assert guess_format([["x > c"], ["x > f"]], known).between_levels in (" > ", ">")
    assert guess_format([["c;f"], ["d, e;c"]], known) == CellFormat(";")


@given(st.lists(st.lists(st.text("ab/;> ,|", max_size=5), max_size=3), min_size=1, max_size=6))
def test_any_cells_get_a_format_that_reads_them(cells):
    items = [cell_items(cell) for cell in cells]
    form = guess_format(items)
    assert all(name and name == name.strip() for cell in items for path in form.paths(cell) for name in path)
