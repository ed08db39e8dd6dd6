"""Imported predictions: looked up by document, run by run, and refused where they do not fit the corpus."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datasets.storage.documents import Document
from datasets.storage.texts import Texts
from harness.core.errors import ConfigError, DataError
from models.systems.imported import Imported
from tests.datasets.storage.small_corpus import HIERARCHY, made

ORIGIN = {"made_by": "the authors", "how": "their program", "made_on": "2026-01-01"}
GOOD = [
    {"doc_id": "v", "labels": ["a"]},
    {"doc_id": "s", "labels": []},
    {"doc_id": "t", "labels": ["a", "b", "x"], "values": [0.9, 0.8, 0.6]},
]


@pytest.fixture
def splits(tmp_path: Path) -> dict[str, Texts]:
    placed = {"r": "train", "v": "val", "s": "test", "t": "test"}
    corpus = made(tmp_path, [Document(name, f"text {name}", ("a",), split) for name, split in placed.items()])
    return {split: Texts.of(corpus, split) for split in ("train", "val", "test")}


def system(tmp_path: Path, records: list[dict[str, Any]], **options: Any) -> Imported:
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    return Imported(HIERARCHY, file=str(path), **ORIGIN, **options)


def dense(values: Any) -> list[dict[str, float]]:
    return [
        {HIERARCHY.labels[label]: round(float(row[label]), 4) for label in np.flatnonzero(row)}
        for row in values.toarray()
    ]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_every_document_has_the_values_of_its_line(tmp_path: Path, splits: dict[str, Texts], ending: str) -> None:
    one = system(tmp_path, GOOD)
    if ending == "parquet":
        path = tmp_path / "predictions.parquet"
        pq.write_table(pa.Table.from_pylist([{"values": None, **record} for record in GOOD]), path)
        one = Imported(HIERARCHY, file=str(path), **ORIGIN)
    one.check(splits["val"], splits["test"], 0)
    assert one.fit(splits["train"], splits["val"], 0) == {
        "made by": "the authors", "how": "their program", "made on": "2026-01-01",
    }  # fmt: skip
    assert dense(one.values(splits["test"])) == [{}, {"a": 0.9, "b": 0.8, "x": 0.6}]
    assert dense(one.values(splits["val"])) == [{"a": 1.0}]


def test_a_file_may_hold_several_runs(tmp_path: Path, splits: dict[str, Texts]) -> None:
    runs = [
        {**record, "seed": seed, "labels": ["a"] * seed, "values": [0.9] * seed} for seed in (0, 1) for record in GOOD
    ]
    one = system(tmp_path, runs)
    for seed in (0, 1):
        one.check(splits["val"], splits["test"], seed)
        one.fit(splits["train"], splits["val"], seed)
        assert dense(one.values(splits["test"])) == [{"a": 0.9}] * 2 if seed else [{}, {}]
    with pytest.raises(DataError, match=r"no prediction under seed 7, but under 0, 1. Name its seeds .*seeds: \[...\]"):
        one.check(splits["val"], splits["test"], 7)


def test_seeds_may_be_text_or_have_decimals(tmp_path: Path, splits: dict[str, Texts]) -> None:
    for seed in ("3", 3.0):
        system(tmp_path, [{**record, "seed": seed} for record in GOOD]).check(splits["val"], splits["test"], 3)


def test_validation_documents_may_be_unknown_all_together(tmp_path: Path, splits: dict[str, Texts]) -> None:
    one = system(tmp_path, GOOD[1:])
    one.check(splits["val"], splits["test"], 0)
    one.fit(splits["train"], splits["val"], 0)
    assert dense(one.values(splits["val"])) == [{}]
    assert not one.knows_validation
    whole = system(tmp_path, GOOD)
    whole.fit(splits["train"], splits["val"], 0)
    assert whole.knows_validation


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (GOOD[:2], "1 of the corpus's 2 test documents have no prediction under seed 0: t"),
        ([*GOOD, GOOD[2]], "line 4: t has a second prediction under seed 0. Keep one"),
        (
            [*GOOD, {"doc_id": "r", "labels": []}],
            "1 of its 4 documents are no test or validation documents .*: r. Is it",
        ),
        (
            [*GOOD[:2], {"doc_id": "t", "labels": ["loan"]}],
            "line 3: the corpus has no label 'loan'. Did you mean 'lone'",
        ),
        ([*GOOD[:2], {"doc_id": "t", "labels": ["a", "a"]}], "line 3: a label is named twice"),
        ([*GOOD[:2], {"doc_id": "t", "labels": "a"}], "line 3: `labels` has to be a list of label names"),
        ([*GOOD[:2], {"doc_id": "t", "labels": ["a"], "values": [1.5]}], r"line 3: `values` .* a number in \[0, 1\]"),
        ([*GOOD[:2], {"doc_id": "t", "labels": ["a"], "values": []}], "line 3: `values` has to be a list of a number"),
        ([*GOOD[:2], {**GOOD[0], "doc_id": "t", "values": 0.9}], "line 3: `values` has to be a list of a number"),
        ([*GOOD[:2], {"doc_id": "t", "labels": ["a"], "values": [True]}], "line 3: `values` has to be a list of a num"),
        ([*GOOD[:2], {"labels": ["a"]}], "line 3: `doc_id` is missing"),
        ([*GOOD[:2], {"doc_id": None, "labels": ["a"]}], "line 3: `doc_id` is missing"),
        (
            [*GOOD[:2], {"doc_id": ["t"], "labels": ["a"]}],
            r"line 3: `doc_id` is \"\['t'\]\", and has to be the name of",
        ),
        ([*GOOD[:2], {**GOOD[2], "seed": "one"}], "line 3: `seed` is 'one', and has to be a whole number"),
        ([*GOOD[:2], {**GOOD[2], "seed": 0.5}], "line 3: `seed` is '0.5', and has to be a whole number"),
        ([*GOOD[:2], {**GOOD[2], "seed": float("nan")}], "line 3: `seed` is 'nan', and has to be a whole number"),
        ([*GOOD[:2], {**GOOD[2], "seed": [0]}], r"line 3: `seed` is '\[0\]', and has to be a whole number"),
        ([{**GOOD[0], "system": "one"}, {**GOOD[1], "system": "two"}], "it holds predictions of one, two. Give each a"),
        (
            [*GOOD[:2], {"doc_id": "t", "labels": ["x"]}],
            "1 of its 3 predictions lack an ancestor .*: t lacks a, b. Set",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, splits: dict[str, Texts], records: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        system(tmp_path, records).check(splits["val"], splits["test"], 0)


def test_unclosed_predictions_are_closed_or_kept_where_that_is_asked_for(
    tmp_path: Path, splits: dict[str, Texts]
) -> None:
    records = [*GOOD[:2], {"doc_id": "t", "labels": ["y", "a"], "values": [0.7, 0.2]}]
    for unclosed, expected in (("close", {"a": 0.7, "b": 0.7, "x": 0.7, "y": 0.7}), ("keep", {"a": 0.2, "y": 0.7})):
        one = system(tmp_path, records, unclosed=unclosed)
        one.check(splits["val"], splits["test"], 0)
        one.fit(splits["train"], splits["val"], 0)
        assert dense(one.values(splits["test"])) == [{}, expected]


def test_nobodys_predictions_and_no_file_are_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with pytest.raises(ConfigError, match=f"there is no file '{path}'. Name one"):
        Imported.try_out({"file": str(path), **ORIGIN})
    path.touch()
    with pytest.raises(ConfigError, match="do not say made_by, made_on. A reader has to know"):
        Imported.try_out({"file": str(path), "made_by": "", "how": "x", "made_on": ""})
    Imported.try_out({"file": str(path), **ORIGIN})


def test_a_damaged_parquet_file_is_named(tmp_path: Path, splits: dict[str, Texts]) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=f"The predictions {path} cannot be read"):
        Imported(HIERARCHY, file=str(path), **ORIGIN).check(splits["val"], splits["test"], 0)


def test_rows_of_parquet_are_numbered_from_one_and_have_to_be_text(tmp_path: Path, splits: dict[str, Texts]) -> None:
    path = tmp_path / "p.parquet"
    one = Imported(HIERARCHY, file=str(path), **ORIGIN)
    pq.write_table(pa.table({"labels": [["a"]]}), path)
    with pytest.raises(DataError, match="p.parquet, row 1: `doc_id` is missing"):
        one.check(splits["val"], splits["test"], 0)
    half = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    pq.write_table(pa.table({"doc_id": half, "labels": [["a"]]}), path)
    with pytest.raises(DataError, match="p.parquet cannot be read: .*can't decode byte 0xff"):
        one.check(splits["val"], splits["test"], 0)
