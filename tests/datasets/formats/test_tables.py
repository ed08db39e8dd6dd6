"""Tables as their programs write them: the same columns from each format, and damage with its place."""

import gzip
import json

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from datasets.formats.tables import is_table, read_table
from harness.core.errors import DataError

ROWS = {"text": ['a "quoted", text', "two\nlines", "ümläut"], "label": ["x", "y;z", "x"]}


def put(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_every_format_gives_the_same_columns(tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "bom.csv", index=False, encoding="utf-8-sig")
    frame.to_csv(tmp_path / "semicolon.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_json(tmp_path / "a.json", orient="records")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "lines.json", orient="records", lines=True, force_ascii=False)
    (tmp_path / "inside.json").write_text(json.dumps({"version": 1, "data": frame.to_dict("records")}))
    frame.to_parquet(tmp_path / "a.parquet")
    for path in sorted(tmp_path.iterdir()):
        table = read_table(path)
        assert is_table(path) and table.columns == ROWS and len(table) == 3, path.name


@given(st.lists(st.tuples(st.text("ab,;\"'\n \tü"), st.text('xy,"| ')), min_size=1, max_size=6))
def test_what_pandas_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "a.csv"
    frame = pd.DataFrame([("first", "row"), *rows], columns=["text", "label"])
    frame.to_csv(path, index=False, quoting=1)
    assert read_table(path).columns == {name: frame[name].tolist() for name in frame}


def test_an_index_without_a_name_is_a_column(tmp_path):
    pd.DataFrame(ROWS).to_csv(tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv").columns == {"index": ["0", "1", "2"], **ROWS}


def test_huge_cells_are_read(tmp_path):
    path = put(tmp_path, "a.csv", f"text,label\n{'x' * 3_000_000},a\nshort,b\n")
    assert [len(text) for text in read_table(path).columns["text"]] == [3_000_000, 5]


@pytest.mark.parametrize("text", ['"hello\tA\nu"\tB\n', '5" screen\tA\n"an open one\tB\n'])
def test_quotation_marks_in_a_table_with_tabs_may_mean_nothing(tmp_path, text):
    table = read_table(put(tmp_path, "a.tsv", f"text\tlabel\n{text}"))
    assert table.columns["label"] == ["A", "B"] and table.columns["text"][0] == text.partition("\t")[0]
    assert "Quotation marks are part of the cells." in table.notes


def test_a_file_without_a_header_line_is_given_one(tmp_path):
    path = put(tmp_path, "a.csv", "3,one\n4,two\n")
    assert read_table(path, ["label", "text"]).columns == {"label": ["3", "4"], "text": ["one", "two"]}
    assert read_table(put(tmp_path, "b.csv", "t^l\na^b\n"), delimiter="^").columns == {"t": ["a"], "l": ["b"]}


def test_types_of_json_and_parquet_stay(tmp_path):
    path = put(tmp_path, "a.json", '[{"n": 1, "l": ["a"]}, {"n": 2.5}]')
    assert read_table(path).columns == {"n": [1, 2.5], "l": [["a"], None]}
    table = pa.table(
        {"n": pa.array([1, None]), "l": pa.array([["a"], []]), "d": pa.array(["x", "y"]).dictionary_encode()}
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").columns == {"n": [1, None], "l": [["a"], []], "d": ["x", "y"]}


@pytest.mark.parametrize(
    "feature",
    [
        {"names": ["joy", "fear"], "_type": "ClassLabel"},
        {"feature": {"names": ["joy", "fear"], "_type": "ClassLabel"}, "_type": "List"},
        [{"names": ["joy", "fear"], "_type": "ClassLabel"}],
    ],
)
def test_numbers_of_classes_get_the_names_that_the_file_has(tmp_path, feature):
    one = isinstance(feature, dict) and "names" in feature
    values = [0, 1, -1, None] if one else [[0, 1], [1], [], None]
    meta = {b"huggingface": json.dumps({"info": {"features": {"label": feature, "text": {"_type": "Value"}}}}).encode()}
    parquet.write_table(pa.table({"label": values}).replace_schema_metadata(meta), tmp_path / "a.parquet")
    named = ["joy", "fear", None, None] if one else [["joy", "fear"], ["fear"], [], None]
    assert read_table(tmp_path / "a.parquet").columns["label"] == named
    for wrong in (7, -2):
        parquet.write_table(pa.table({"label": [wrong]}).replace_schema_metadata(meta), tmp_path / "a.parquet")
        with pytest.raises(DataError, match=f"a.parquet, column 'label': {wrong} has no name among the 2 of the file"):
            read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", ["{no JSON", "[]", '{"info": null}', '{"info": {}}'])
def test_what_is_said_of_classes_in_another_form_is_passed_over(tmp_path, content):
    table = pa.table({"label": [0, 1]}).replace_schema_metadata({b"huggingface": content.encode()})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").columns == {"label": [0, 1]}


def test_two_columns_of_one_name_are_refused_in_parquet(tmp_path):
    table = pa.Table.from_arrays([pa.array(["t"]), pa.array(["a"]), pa.array(["b"])], names=["text", "label", "label"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="a.parquet names the column 'label' more than once. Rename one"):
        read_table(tmp_path / "a.parquet")


def test_empty_lines_above_the_header_are_passed_over(tmp_path):
    path = put(tmp_path, "a.csv", "\n\r\n\ntext,label\nhello,a\n")
    assert read_table(path).columns == {"text": ["hello"], "label": ["a"]}


@pytest.mark.parametrize("delimiter", ["||", '"', "\n", "\N{SECTION SIGN}"])
def test_a_delimiter_is_one_ascii_character(tmp_path, delimiter):
    with pytest.raises(DataError, match="a.csv: columns cannot be separated by .*one ASCII character"):
        read_table(put(tmp_path, "a.csv", "text,label\nhello,a\n"), delimiter=delimiter)


def test_names_that_are_given_differ(tmp_path):
    path = put(tmp_path, "a.csv", "hello,a\n")
    with pytest.raises(DataError, match="a.csv: the option columns names the column 'a' more than once"):
        read_table(path, ["a", "a"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text;l\nhello;A\nhell\xf6;A\n", "a.csv, line 3, byte 19: not UTF-8 .byte 0xf6.*iconv -f CP1252 "),
        ("a.csv", "text,l\nhello,A\n".encode("utf-16"), "line 1, byte 0: not UTF-8 .*`iconv -f UTF-16 -t UTF-8`"),
        ("a.csv", "t,l,m\na,b,c\na,b\n", "a.csv, row 2: 2 cells instead of 3. Put cells that hold ',' or a line end"),
        ("a.csv", 't,l\na,"b\nc"\na,b,c\n', "a.csv, row 2: 3 cells instead of 2"),
        ("a.csv", "t,t\na,b\n", "line 1: the header names the column 't' more than once. .*--set columns=text,label"),
        ("a.csv", "text\na\n", "line 1: the header names a single column. .*--set delimiter=;"),
        ("a.csv", '"text,label\n' + "hello,a\n" * 20_000, "line 1: the header has a cell of more than 131,072"),
        ("a.csv", "text,label\n", "a.csv has no rows"),
        ("a.csv", " \n", "a.csv is empty"),
        ("a.jsonl", "\n", "a.jsonl is empty"),
        ("a.json", "[]", "a.json has no rows"),
        ("a.json", '[{"a": 1}', "a.json: not JSON .Expecting ',' delimiter at column 10"),
        ("a.json", "[" * 100_000, "a.json: JSON of too many levels"),
        ("a.json", '[{"a": 1}, [2]]', "a.json, row 2: an object is needed, not a list"),
        ("a.jsonl", '{"a": 1}\n{"a"\n', "a.jsonl, line 2: not JSON"),
        ("a.json", '{"a": {"0": "t"}, "b": {"0": "l"}}', "a.json is one JSON object, of a, b; an array of objects"),
        ("a.parquet", "no", "a.parquet cannot be read to its end"),
        ("a.xlsx", "no", "a.xlsx is no table by its name; tables end in .csv, .tsv"),
        ("a.csv.gz", gzip.compress(b"text,label\nhello,a\n")[:-9], "cannot be read to its end"),
    ],
)  # fmt: skip
def test_damage_is_told_with_its_place(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(put(tmp_path, name, content))


def test_a_missing_column_is_told_with_the_nearest_one(tmp_path):
    table = read_table(put(tmp_path, "a.csv", "text,labels\na,b\n"))
    assert table.column("labels") == ["b"] and table.place(0) == f"{tmp_path / 'a.csv'}, row 1"
    with pytest.raises(DataError, match="a.csv has no column 'label'. Did you mean 'labels'?"):
        table.column("label")
