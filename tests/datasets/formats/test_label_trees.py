"""Hierarchies of tables: names in several places, every form of a file, and labels that are not found."""

import gzip
import json

import pandas as pd
import pytest

from datasets.formats.label_trees import LabelTree, read_label_tree
from datasets.storage.hierarchy import Hierarchy
from harness.core.errors import DataError

PATHS = [("A", "x"), ("A", "Other"), ("B", "y"), ("B", "Other"), ("B", "Other", "deep")]


def edges_of(hierarchy):
    below = {(hierarchy.labels[parent], hierarchy.labels[child]) for parent, child in hierarchy.edges.tolist()}
    return below | {("", hierarchy.labels[root]) for root in hierarchy.roots}


def test_a_name_in_two_places_is_two_labels_named_by_their_paths():
    tree = LabelTree(PATHS)
    assert set(tree.hierarchy.labels) == {"A", "B", "x", "y", "A/Other", "B/Other", "deep"} and tree.hierarchy.is_tree
    assert ("B/Other", "deep") in edges_of(tree.hierarchy) and tree.repeated == ["Other"]
    # On two levels of one path too.
    tree = LabelTree([("Sports", "Sports"), ("Sports", "Golf")])
    assert set(tree.hierarchy.labels) == {"Sports/Sports", "Sports", "Golf"} - {"Sports"} | {"Sports"}


def test_merged_names_are_one_label_with_several_parents():
    tree = LabelTree(PATHS, merge=True)
    assert set(tree.hierarchy.labels) == {"A", "B", "x", "y", "Other", "deep"} and not tree.hierarchy.is_tree
    assert {("A", "Other"), ("B", "Other"), ("Other", "deep")} <= edges_of(tree.hierarchy)
    assert tree.find([("A", "Other")]) == (["A", "Other"], []) and tree.find([("Other",)]) == (["Other"], [])
    with pytest.raises(DataError, match="The hierarchy has a cycle"):
        LabelTree([("a", "b"), ("b", "a")], merge=True)


def test_a_label_may_be_called_root():
    assert set(LabelTree([("Root", "a"), ("b", "Root")]).hierarchy.labels) == {"Root", "a", "b", "b/Root"}


def test_two_labels_of_one_title_are_refused():
    with pytest.raises(DataError, match="Two labels would be called 'A/Other'; rename one"):
        LabelTree([*PATHS, ("A/Other",)])


def test_labels_are_found_by_path_by_name_and_by_what_else_the_document_has():
    tree = LabelTree(PATHS)
    assert tree.find([("A", "x"), ("y",)]) == (["A", "x", "y"], [])
    assert tree.find([("Other", "deep")]) == (["deep"], [])
    assert tree.find([("B",), ("Other",)]) == (["B", "B/Other"], [])
    assert tree.find([("Other",)]) == ([], ["'Other' is in 2 places"])
    assert tree.find([("A",), ("B",), ("Other",)])[1] == ["'Other' is in 2 places"]
    assert tree.find([("A", "y"), ("z",)]) == ([], ["'A > y' is not a label", "'z' is not a label"])


def test_where_names_identify_a_path_has_to_agree_with_the_edges():
    tree = LabelTree.of(Hierarchy.from_names([("Root", "A"), ("Root", "B"), ("A", "x"), ("B", "x"), ("A", "y")]))
    assert tree.find([("B", "x"), ("A",)]) == (["B", "x", "A"], [])
    assert tree.find([("B", "y")])[1] == ["'y' is not below 'B'"]
    assert tree.find([("C", "y")])[1] == ["'y' is not below 'C'"]


NESTED = [
    {"A": {"x": {}, "y": {"z": None}}, "B": {}},
    {"Root": {"A": ["x", {"y": ["z"]}], "B": []}},
    [{"name": "A", "children": [{"name": "x"}, {"name": "y", "children": [{"name": "z"}]}]}, {"name": "B"}],
    {"name": "root", "children": [{"label": "A", "children": ["x", {"y": ["z"]}]}, "B"]},
    {"A": ["x", "y"], "B": [], "y": ["z"]} | {"Root": ["A", "B"]},
    [["A", "x"], ["A", "y"], ["y", "z"], ["Root", "A"], ["Root", "B"]],
    ["A/x", "A/y/z", "B"],
]


@pytest.mark.parametrize("content", NESTED, ids=range(len(NESTED)))
def test_every_form_of_json_is_the_same_hierarchy(tmp_path, content):
    path = tmp_path / "hierarchy.json"
    path.write_text(json.dumps(content))
    assert edges_of(read_label_tree(path, False).hierarchy) == {
        ("", "A"), ("", "B"), ("A", "x"), ("A", "y"), ("y", "z"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "parent\tchild\nRoot\tA\nRoot\tB\nA\tx\nA\ty\ny\tz\n"),
        ("a.tsv", "parent\tchild\nA\tx\nA\ty\ny\tz\nRoot\tB\n"),
        ("a.taxonomy", "Root\tA\tB\nA\tx\ty\ny\tz\n"),
        ("a.csv", "child,parent\nA,\nB,Root\nx,A\ny,A\nz,y\n"),
        ("a.csv", 'Parent;Child;note\nA;x;"n;n"\nA;y;\ny;z;\nRoot;B;\n'),
        ("a.txt", "A > x\nA > y > z\nB\n\n"),
        ("a.txt", "A/x\nA/y\nA/y/z\nB\n"),
    ],
)
def test_every_form_of_text_is_the_same_hierarchy(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    wanted = {("", "A"), ("", "B"), ("A", "x"), ("A", "y"), ("y", "z")}
    assert edges_of(read_label_tree(path, False).hierarchy) == wanted


def test_a_table_of_edges_may_be_parquet(tmp_path):
    pd.DataFrame({"parent": [None, "A"], "child": ["A", "x"]}).to_parquet(tmp_path / "a.parquet")
    assert edges_of(read_label_tree(tmp_path / "a.parquet", False).hierarchy) == {("", "A"), ("A", "x")}


def test_hierarchies_may_be_compressed_or_lines_of_json(tmp_path):
    (tmp_path / "h.json.gz").write_bytes(gzip.compress(b'{"A": ["x", "y"]}'))
    (tmp_path / "h.jsonl").write_text('{"parent": "A", "child": "x"}\n{"parent": "A", "child": "y"}\n')
    for name in ("h.json.gz", "h.jsonl"):
        assert edges_of(read_label_tree(tmp_path / name, False).hierarchy) == {("", "A"), ("A", "x"), ("A", "y")}


def test_names_in_several_places_of_a_file_are_told_apart_or_merged(tmp_path):
    path = tmp_path / "h.json"
    path.write_text('{"A": ["Other"], "B": ["Other"]}')
    assert set(read_label_tree(path, False).hierarchy.labels) == {"A", "B", "A/Other", "B/Other"}
    assert set(read_label_tree(path, True).hierarchy.labels) == {"A", "B", "Other"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("h.json", '{"A": ', "h.json: not JSON"),
        ("h.json", '{"A": {"x": true}}', "h.json: 'True' at A > x is no name, list or object of labels"),
        ("h.json", '{"A":' * 100_000, "h.json: JSON of too many levels"),
        ("h.json", '[{"name": ""}]', "h.json: A label of the hierarchy has no name"),
        ("h.csv", "parent,child\nA,B\nA,\n", "h.csv, row 2: the child has no name"),
        ("h.jsonl", '{"parent": "A", "child": null}', "h.jsonl, row 1: the child has no name"),
        ("h.json", "{}", "h.json: The hierarchy has no labels"),
        ("h.json", '{"A": ["B"], "B": ["A"]}', "h.json: .*cycle: "),
        ("h.tsv", "a\tb\nb\ta\n", "h.tsv: no line starts with 'Root'"),
        ("h.csv", "parent,child\na\n", "h.csv, row 1: 1 cells instead of 2"),
        ("h.txt", b"A > \xff\n", "h.txt, line 1, byte 4: not UTF-8"),
    ],
)
def test_damage_is_told_with_its_file(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        read_label_tree(tmp_path / name, False)
