"""Labels of tables in every form: levels with gaps, lists, separators, 0/1 columns, and what is refused."""

import pandas as pd
import pytest

from harness.core.errors import DataError
from tests.datasets.corpora.table_files import frame, labels_of, put


def source(tmp_path, cells, name="label", **more):
    """Writes a table of 20 rows with the cells repeated."""
    rows = [(cells * 20)[row] for row in range(20)]
    return put(tmp_path / "a.json", [{"text": f"t{row}", name: cell, **more} for row, cell in enumerate(rows)])


def levels(tmp_path, *rows):
    names = [f"l{level}" for level in range(1, len(rows[0]) + 1)]
    made = [{"text": f"t{number}", **dict(zip(names, row, strict=True))} for number, row in enumerate(rows * 5)]
    return put(tmp_path / "a.json", made)


def test_empty_and_repeated_levels(tmp_path):
    found, corpus = labels_of(
        levels(
            tmp_path, ("A", "b", "c"), ("A", "", ""), ("A", None, "d"), ("A", "A", "e"), ("", "f", ""), ("A", "b", "b")
        )
    )
    assert found[:6] == [{"A", "b", "c"}, {"A"}, {"A", "d"}, {"A", "e"}, {"f"}, {"A", "b"}]
    told = " ".join(corpus.notes)
    assert "Rows with an empty level above a filled one, whose label is put below the next level above: 10." in told
    assert "Labels with the same name as the level above, taken for that label: 10." in told


def test_several_labels_in_level_columns_are_paired_by_their_order(tmp_path):
    found, corpus = labels_of(levels(tmp_path, (["A", "B"], ["x", "y"]), (["B"], ["z"])))
    assert found[:2] == [{"A", "x", "B", "y"}, {"B", "z"}]
    assert "Rows with several labels in a level column, which are paired by their order: 5." in corpus.notes
    unequal = levels(tmp_path, (["A", "B"], ["x", "y", "z"]), (["B"], ["z"]))
    with pytest.raises(DataError, match="a.json, row 1: l1, l2 have 2, 3 labels, so which belong together is unknown"):
        labels_of(unequal)
    put(tmp_path / "taxonomy.json", {"A": ["x"], "B": ["y", "z"]})
    assert labels_of(unequal, hierarchy="taxonomy.json")[0][:2] == [{"A", "B", "x", "y", "z"}, {"B", "z"}]


def test_numbers_are_names_without_decimals(tmp_path):
    (tmp_path / "a.csv").write_text("text,l1,l2\n" + "one text,1.0,2.0\nanother text,1.0,\nthird text,3.0,4.0\n" * 7)
    found, corpus = labels_of(tmp_path / "a.csv", text="text", labels="l1,l2")
    assert found[:3] == [{"1", "2"}, {"1"}, {"3", "4"}]
    assert "The numbers in l1 are written without decimals: 1 for 1.0." in corpus.notes
    assert labels_of(source(tmp_path, [1, 2.0, None]))[0][:3] == [{"1"}, {"2"}, set()]


def test_names_on_two_levels_are_two_labels_or_one(tmp_path):
    rows = frame(20).assign(l3=["Other"] * 20)
    put(tmp_path / "a.csv", rows)
    found, corpus = labels_of(tmp_path)
    assert found[0] == {"Agent", "Artist", "Agent/Artist/Other"} and found[2] == {"Place", "River", "Place/River/Other"}
    told = (
        "Names in several places, whose labels are named by paths: 1, first 'Agent/Artist/Other', 'Place/Lake/Other' an"
    )
    assert any(note.startswith(told) for note in corpus.notes)
    found, corpus = labels_of(tmp_path, repeated="merge")
    assert "Other" in corpus.hierarchy.labels and not corpus.hierarchy.is_tree
    assert any(
        note.startswith("Names in several places, which are one label each: 1, first 'Other'") for note in corpus.notes
    )


def test_separators_are_guessed_told_and_can_be_given(tmp_path):
    cells = ["A/x;B/y", "A/z", "B/w;A/x", "B/y;A/z", "A/x;B/w"]
    found, corpus = labels_of(source(tmp_path, cells))
    assert found[:2] == [{"A", "x", "B", "y"}, {"A", "z"}]
    assert "Labels in a cell are separated by ';' (`--set separator=...`)." in corpus.notes
    assert "Levels of a label are separated by '/' (`--set path_separator=...`)." in corpus.notes
    assert labels_of(tmp_path / "a.json", path_separator="none")[0][0] == {"A/x", "B/y"}
    assert labels_of(tmp_path / "a.json", separator="none", path_separator="none")[0][0] == {"A/x;B/y"}
    assert labels_of(source(tmp_path, ["a.b", "c.d"]), path_separator=".")[0][:2] == [{"a", "b"}, {"c", "d"}]


def test_lists_are_labels_or_one_path(tmp_path):
    found, corpus = labels_of(source(tmp_path, [["Books", "Fiction"], ["Books", "History"]]))
    assert found[:2] == [{"Books", "Fiction"}, {"Books", "History"}] and len(corpus.hierarchy.roots) == 1
    assert any(note.startswith("A list holds the levels of one label, from the top down") for note in corpus.notes)
    assert len(labels_of(tmp_path / "a.json", path_separator="none")[1].hierarchy.roots) == 3
    several = source(tmp_path, [[["Books", "Fiction"], ["Gifts"]]])
    assert labels_of(several)[0][0] == {"Books", "Fiction", "Gifts"}


def test_flags_are_named_by_their_columns(tmp_path):
    rows = [{"text": f"t{n}", "A/x": n % 2, "A/y": 1, "B/z": "0" if n % 3 else "1", "B/w": 0.0} for n in range(20)]
    found, _ = labels_of(put(tmp_path / "a.json", rows))
    assert found[:2] == [{"A", "y", "B", "z"}, {"A", "x", "y"}]
    flat, _ = labels_of(tmp_path / "a.json", path_separator="none")
    assert flat[0] == {"A/y", "B/z"}
    put(tmp_path / "a.json", [*rows, {**rows[0], "A/x": 2}])
    with pytest.raises(DataError, match="a.json, row 21: A/x is 2, and has to be 0 or 1"):
        labels_of(tmp_path / "a.json", labels="A/x,A/y,B/z", form="flags")


def test_labels_that_a_hierarchy_lacks_are_counted(tmp_path):
    put(tmp_path / "taxonomy.json", {"Pets": ["Cats", "Other"], "Food": ["Other"]})
    source(tmp_path, [["Cat"], ["Cats"], ["Dog"]])
    with pytest.raises(
        DataError, match="a.json, row 1: 'Cat' is not a label in .*taxonomy.json; such labels in all: 2. "
    ):
        labels_of(tmp_path)
    source(tmp_path, [["Cats"], ["Other"]])
    with pytest.raises(
        DataError, match="row 2: 'Other' is in 2 places in .*a label in several places is written as a path"
    ):
        labels_of(tmp_path)
    source(tmp_path, [["Cats"], ["Other", "Food"]])
    assert labels_of(tmp_path)[0][:2] == [{"Pets", "Cats"}, {"Food", "Food/Other"}]


def test_cells_that_are_no_labels_are_refused(tmp_path):
    with pytest.raises(DataError, match="a.json, row 2: label is dict .*, and has to be a name, a number or a list"):
        labels_of(source(tmp_path, ["a", {"name": "b"}]))
    with pytest.raises(DataError, match="a.json: no row has a label. Name the label columns"):
        labels_of(source(tmp_path, [None, ""]))


def test_lists_that_pandas_wrote_are_lists(tmp_path):
    table = pd.DataFrame({"text": [f"t{n}" for n in range(20)], "tags": [["joy", "fear"], ["fear", "x, y"]] * 10})
    assert labels_of(put(tmp_path / "a.csv", table))[0][:2] == [{"joy", "fear"}, {"fear", "x, y"}]
