"""Texts of a file: the same from every format, and refusals with their place."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.core.errors import DataError
from harness.predicting import documents
from harness.predicting.documents import Text, num_documents, stream

TEXTS = ["one", 'two, "quoted"', "three\nlines", "", "fünf"]


def write(folder: Path, ending: str, texts: list[str] = TEXTS, column: str = "text", ids: bool = True) -> Path:
    path = folder / f"docs{ending}"
    rows = [{**({"id": f"d{i}"} if ids else {}), column: text} for i, text in enumerate(texts)]
    if ending == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    elif ending == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t" if ending == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_texts(ending: str, tmp_path: Path) -> None:
    assert list(stream(write(tmp_path, ending), "text")) == [Text(f"d{i}", text) for i, text in enumerate(TEXTS)]
    named = write(tmp_path, ending, column="body", ids=False)
    assert list(stream(named, "body")) == [Text(str(i), text) for i, text in enumerate(TEXTS, 1)], "rows are numbered"


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("ids", [True, False])
def test_documents_at_the_start_are_left_out(
    ending: str, ids: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, ending, ids=ids)
    for at_once in (1, 2, 1024):
        monkeypatch.setattr(documents, "_ROWS_AT_ONCE", at_once)
        every = list(stream(path, "text"))
        assert [list(stream(path, "text", skipped)) for skipped in range(7)] == [
            every[skipped:] for skipped in range(7)
        ]


def test_an_id_may_be_zero_and_none_is_the_number_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": 0, "text": "a"}\n{"id": "", "text": "b"}\n{"id": null, "text": "c"}\n', "utf-8")
    assert [one.doc_id for one in stream(path, "text")] == ["0", "2", "3"]


def test_the_number_of_documents_is_known_from_the_end_of_a_file(tmp_path: Path) -> None:
    assert num_documents(write(tmp_path, ".parquet"), "text") == 5
    with pytest.raises(DataError, match=r"no column 'txt'\. Did you mean 'text'\?"):
        num_documents(write(tmp_path, ".parquet"), "txt")


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_a_column_that_is_not_there_is_named_with_the_nearest(ending: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'txt'\. Did you mean 'text'\?"):
        list(stream(write(tmp_path, ending), "txt"))


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    def made(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    cases = [
        (tmp_path / "nowhere.csv", "There is no file"),
        (made("docs.docx", b""), "is none of .jsonl, .csv, .tsv, .parquet by its name"),
        (made("a.jsonl", b'{"text": "x"}\n{"text": 3}\n'), r"a.jsonl, line 2: 'text' is no text"),
        (made("b.jsonl", b'{"text": "x"}\n[1]\n'), r"b.jsonl, line 2"),
        (made("c.jsonl", b'{"text": "\\ud800"}\n'), r"c.jsonl, line 1: 'text' is no text"),
        (made("d.csv", b"id,text\n1,a\n2,b,c\n"), "d.csv, row 2: there are more cells than columns"),
        (made("e.csv", b"id,text\n1,\xff\n"), "cannot be read as a table in UTF-8"),
        (made("f.parquet", b"PAR1"), "f.parquet"),
    ]
    for path, said in cases:
        with pytest.raises(DataError, match=said):
            list(stream(path, "text"))


def test_of_a_large_row_group_no_more_is_held_than_is_read(tmp_path: Path) -> None:
    path, random = tmp_path / "docs.parquet", np.random.default_rng(0)
    texts = [random.bytes(1000).hex() for _ in range(20_000)]
    parquet.write_table(pa.table({"text": texts}), path, row_group_size=len(texts), use_dictionary=False)
    assert path.stat().st_size > 20e6
    before = pa.total_allocated_bytes()
    coming = stream(path, "text", 10_000)
    assert next(coming) == Text("10001", texts[10_000])
    assert pa.total_allocated_bytes() - before < 10e6
    coming.close()  # type: ignore[attr-defined]


def test_a_text_of_a_megabyte_is_read(tmp_path: Path) -> None:
    long = "word " * 200_000
    for ending in (".csv", ".jsonl", ".parquet"):
        assert [one.text for one in stream(write(tmp_path, ending, [long, "x"]), "text")] == [long, "x"]
