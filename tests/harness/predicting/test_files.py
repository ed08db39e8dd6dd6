"""Predictions of a file: the same in every format, going on after an interruption, and whole or not there."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from harness.core.errors import ConfigError, DataError
from harness.predicting.files import predict_file
from harness.predicting.parts import Asked, Parts
from tests.harness.predicting.made_up import made_up
from tests.harness.predicting.test_documents import write

TEXTS = ["Art Music", "", "Law", "nothing", "Opera Art Contracts"]
LABELS = [["Art", "Music"], [], ["Law"], [], ["Art", "Opera", "Contracts"]]


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()  # type: ignore[no-any-return]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{**row, "labels": json.loads(row["labels"]), "values": json.loads(row["values"])} for row in rows]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_every_format_has_a_row_per_text(
    ending: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parts, "size", size)
    output = tmp_path / f"out{ending}"
    assert predict_file(made_up(tmp_path / "model"), write(tmp_path, ".jsonl", TEXTS), output, Asked()) == (5, 1)
    found = read(output)
    assert [row["id"] for row in found] == [f"d{i}" for i in range(5)]
    assert [sorted(row["labels"]) for row in found] == [sorted(labels) for labels in LABELS]
    assert all(row["values"] == pytest.approx([0.9] * len(row["labels"])) for row in found)
    assert [path.name for path in tmp_path.glob(".out*")] == [], "nothing is left behind"


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_an_interrupted_one_goes_on_and_ends_in_the_same_file(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parts, "size", 1)
    source, predictor = write(tmp_path, ending, TEXTS), made_up(tmp_path / "model")
    whole, output = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    predict_file(predictor, source, whole, Asked())
    asked: list[str] = []
    batch_values = predictor._batch_values

    def counted(texts: list[str], least: int) -> Any:
        if len(asked) >= least:
            raise KeyboardInterrupt
        asked.extend(texts)
        return batch_values(texts)

    monkeypatch.setattr(predictor, "_batch_values", lambda texts: counted(texts, 3))
    with pytest.raises(KeyboardInterrupt):
        predict_file(predictor, source, output, Asked())
    assert not output.exists() and asked == TEXTS[:3]
    monkeypatch.setattr(predictor, "_batch_values", lambda texts: counted(texts, 99))
    assert predict_file(predictor, source, output, Asked()) == (5, 1)
    assert asked == TEXTS, "each text once"
    assert output.read_bytes() == whole.read_bytes()


def test_what_is_there_of_another_input_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parts, "size", 1)
    predictor, output = made_up(tmp_path / "model"), tmp_path / "out.jsonl"
    Parts(output).open({"input": "another"})
    Parts(output).write(0, [{"id": "another", "labels": [], "values": []}])
    assert predict_file(predictor, write(tmp_path, ".jsonl", TEXTS[:-1]), output, Asked(top=2)) == (4, 1)
    assert [(row["id"], len(row["labels"])) for row in read(output)] == [("d0", 2), ("d1", 0), ("d2", 2), ("d3", 2)]


def test_what_cannot_be_asked_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    predictor, source = made_up(tmp_path / "model"), write(tmp_path, ".jsonl", TEXTS)
    with pytest.raises(ConfigError, match=r"out.txt is none of .jsonl, .csv, .parquet by its name"):
        predict_file(predictor, source, tmp_path / "out.txt", Asked())
    with pytest.raises(ConfigError, match="no thresholds by the rule 'per_label'"):
        predict_file(predictor, source, tmp_path / "out.csv", Asked(rule="per_label"))
    with pytest.raises(DataError, match="There is no file"):
        predict_file(predictor, tmp_path / "nowhere.csv", tmp_path / "out.csv", Asked())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["docs.jsonl", "model"]
