"""Web of Science in every form: published texts, label repair, and splits."""

import contextlib
import hashlib
import json
import random
from collections import Counter

import numpy as np
import openpyxl
import pytest
from sklearn.model_selection import train_test_split

from datasets.corpora import wos
from datasets.corpora.wos_labels import AREAS
from datasets.storage.corpus import write
from harness.core.errors import DataError
from tests.shared import shared

HEADER = "Y1\tY2\tY\tDomain\tarea\tkeywords\tAbstract"


def export(tmp_path, rows, encoding="utf-8", name="Data.txt"):
    path = tmp_path / name
    path.write_bytes("\r\n".join([HEADER, *("\t".join(map(str, row)) for row in rows), ""]).encode(encoding))
    return path


def some_rows(text="Ωmega – the 'abstract'", count=10):
    return [(0, 1, 1, "CS ", " Machine learning  ", "k", f"{text} {number}") for number in range(count)]


def texts(source):
    return sorted(document.text for document in source.documents)


def test_published_rows_give_the_published_files():
    source = wos.read(shared("data/wos/Data1k.txt"), form="natural")
    documents = list(source.documents)
    for split, size in (("train", 640), ("val", 160), ("test", 200)):
        lines = shared(f"data/wos/golden1k/wos_{split}.json").read_text("utf-8").splitlines()
        golden = [json.loads(line) for line in lines]
        ours = [document for document in documents if document.split == split]
        assert len(ours) == size
        assert [document.text for document in ours] == [record["doc_token"] for record in golden]
        assert [list(document.labels) for document in ours] == [record["doc_label"] for record in golden]
    assert "The areas of 11 rows were repaired as in HiAGM." in source.notes


def test_published_rows_become_a_corpus_of_seven_branches(tmp_path):
    source = wos.read(shared("data/wos/Data1k.txt"))
    counts = write(source, tmp_path / "wos", name="wos", options={}).meta["counts"]
    assert counts["splits"] == {"train": 640, "val": 160, "test": 200}
    assert counts["labels"] == 141 and len(counts["branches"]) == 7
    assert counts["labels_per_document"] == 2 and counts["documents_not_closed"] == 0


def test_complete_split_is_the_published_one():
    splits = wos.split_rows(46_985)
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 30_070, "val": 7_518, "test": 9_397}
    assert splits["train"][:5].tolist() == [43817, 20131, 22368, 39288, 2020]
    for split, rows in splits.items():
        joined = ",".join(map(str, rows.tolist()))
        assert hashlib.sha256(joined.encode()).hexdigest() == wos.SPLIT_SHA256[split]


@pytest.mark.parametrize("num_rows", [11, 99, 100, 1234])
def test_split_rule_equals_scikit_learn(num_rows):
    rows = list(range(num_rows))
    np.random.RandomState(7).shuffle(rows)
    rest, test = train_test_split(rows, test_size=0.2, random_state=0)
    train, val = train_test_split(rest, test_size=0.2, random_state=0)
    ours = wos.split_rows(num_rows)
    assert [ours[split].tolist() for split in ("train", "val", "test")] == [train, val, test]


def test_label_arrays_give_the_published_histogram(tmp_path):
    histogram = json.loads(shared("data/wos/wos_expected_histogram.json").read_text("utf-8"))
    folder = tmp_path / "WOS46985"
    folder.mkdir()
    for name in ("YL1.txt", "YL2.txt"):
        (folder / name).write_bytes(shared(f"data/wos/WOS46985/{name}").read_bytes())
    (folder / "X.txt").write_text("".join(f"made up abstract {number}\n" for number in range(46_985)))
    documents = list(wos.read(tmp_path).documents)
    ours = Counter((label, document.split) for document in documents for label in document.labels)
    for split in ("train", "val", "test"):
        for domain, counts in histogram["domains"].items():
            assert ours[domain, split] == counts[split]
        for pair in histogram["pairs"]:
            assert ours[AREAS[pair["domain"]][pair["Y2"]], split] == pair[split]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_label_arrays_are_read_beside_texts_in_any_encoding(tmp_path, encoding):
    text = "".join(f"Größe of {number}\r\n" for number in range(10))
    (tmp_path / "X.txt").write_bytes(text.encode(encoding))
    (tmp_path / "YL1.txt").write_text("1\n" * 10)
    (tmp_path / "YL2.txt").write_text("9\n" * 10)
    source = wos.read(tmp_path, form="natural")
    documents = list(source.documents)
    assert sorted(document.text for document in documents) == [f"größe of {number}" for number in range(10)]
    assert {document.labels for document in documents} == {("ECE", "Analog signal processing")}
    assert "7 root branches, not the 4 that the HiMTL paper states." in source.notes
    (tmp_path / "YL2.txt").write_text("9\n" * 9)
    with pytest.raises(DataError, match="have 10, 10 and 9 rows"):
        wos.read(tmp_path)


def test_label_repair_depends_on_the_order():
    def row(area):
        return wos.Row(("1", "9"), "ECE", area, "")

    rare, usual = row("Electrical generator"), row("Analog signal processing")
    assert wos.repaired_areas([rare, usual, usual, usual, rare]) == [
        "Electrical generator",
        "Analog signal processing",
        "Analog signal processing",
        "Analog signal processing",
        "Analog signal processing",
    ]
    # The first more frequent name that was met takes the place, not the most frequent one.
    names = ["b", "c", "a", "b", "c", "c"]
    assert wos.repaired_areas([row(name) for name in names]) == ["b", "c", "b", "c", "c", "c"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_exports_read_the_same(tmp_path, encoding):
    source = wos.read(export(tmp_path, some_rows(), encoding), form="natural")
    assert texts(source) == [f"ωmega – the 'abstract' {number}" for number in range(10)]
    assert len(source.hierarchy.roots) == 7


def test_windows_export_reads_the_same(tmp_path):
    source = wos.read(export(tmp_path, some_rows("Größe – “quoted”"), "cp1252"), form="natural")
    assert texts(source)[0] == "größe – “quoted” 0"


def test_outer_quotes_are_stripped_from_exports_only(tmp_path):
    rows = [(*row[:6], f'"says ""{row[0]}"" {number}"') for number, row in enumerate(some_rows())]
    assert texts(wos.read(export(tmp_path, rows), form="natural"))[0] == 'says ""0"" 0'
    book = openpyxl.Workbook()
    book.active.append(HEADER.split("\t"))
    for row in some_rows('"Quoted" start'):
        book.active.append(row)
    (tmp_path / "book" / "Meta-data").mkdir(parents=True)
    book.save(tmp_path / "book" / "Meta-data" / "Data.xlsx")
    assert texts(wos.read(tmp_path / "book", form="natural"))[0] == '"quoted" start 0'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0, 1, "CS"), "1 rows have other than 7 fields, first line 12 with 3"),
        ((0, 99, 1, "CS", "Astrology", "k", "t"), "1 rows have an area that is not one of the 134, first row 11"),
        ((5, 7, 1, "Medical", "Depression", "k", "t"), "first row 11: 'Depression' in 'Medical'"),
    ],
)
def test_broken_rows_are_counted(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        wos.read(export(tmp_path, [*some_rows(), row]))


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no Data.xlsx, Data.txt or X.txt"):
        wos.read(tmp_path)
    with pytest.raises(DataError, match="Mendeley Data"):
        wos.read(None)


def arrays(tmp_path, first="1", second="9"):
    (tmp_path / "X.txt").write_text("text\n" * 10)
    (tmp_path / "YL1.txt").write_text("1\n" * 9 + first + "\n")
    (tmp_path / "YL2.txt").write_text("9\n" * 9 + second + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("first", "second"), [("x", "9"), ("-1", "0"), ("1", "-1"), ("7", "0"), ("1", "8"), ("1", "²")]
)
def test_codes_that_name_no_label_are_refused(tmp_path, first, second):
    with pytest.raises(DataError, match=f"row 10: no label has the codes {first} and {second}"):
        wos.read(arrays(tmp_path, first, second))


def test_texts_without_their_labels_are_refused(tmp_path):
    (arrays(tmp_path) / "YL1.txt").unlink()
    with pytest.raises(DataError, match="YL1.txt is missing; X.txt has its labels in YL1.txt and YL2.txt beside it"):
        wos.read(tmp_path)


def test_a_workbook_that_is_cut_off_or_damaged_is_refused(tmp_path):
    book, path = openpyxl.Workbook(), tmp_path / "Data.xlsx"
    for row in [HEADER.split("\t"), *some_rows()]:
        book.active.append(row)
    book.save(path)
    expected, whole, stream = texts(wos.read(path)), path.read_bytes(), random.Random(0)
    for size in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="Data.xlsx cannot be read to its end"):
            wos.read(path)
    for place in stream.sample(range(len(whole)), 150):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with contextlib.suppress(DataError):
            assert texts(wos.read(path)) == expected


@pytest.mark.parametrize(("name", "size"), [("WOS5736", 5_736), ("WOS11967", 11_967)])
def test_the_smaller_sets_are_refused_since_their_codes_mean_other_areas(tmp_path, name, size):
    for code in ("YL1", "YL2"):
        (tmp_path / f"{code}.txt").write_bytes(shared(f"data/wos/{name}/{code}.txt").read_bytes())
    (tmp_path / "X.txt").write_text("text\n" * size)
    with pytest.raises(DataError, match=f"has {size:,} rows, so it is one of the smaller sets of HDLTex"):
        wos.read(tmp_path)


def test_the_published_split_of_web_of_science_index_for_index():
    import pyarrow.parquet as pq

    table = pq.read_table(shared("data/wos/wos_split.parquet")).to_pylist()
    ours = wos.split_rows(46_985)
    for split in ("train", "val", "test"):
        assert ours[split].tolist() == [row["index"] for row in table if row["split"] == split]
