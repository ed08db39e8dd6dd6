"""The command that predicts: one text, a file, a folder on Ray, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from datasets.storage.corpus import open_corpus
from harness import predict
from harness.core.errors import ConfigError, DataError, UserError
from tests.conftest import SweepWriter
from tests.harness.predicting.made_up import made_up
from tests.harness.predicting.test_documents import write
from tests.harness.predicting.test_folders import times
from tests.harness.scheduling.clusters import free_port, started_cluster
from tests.models.test_load import kept_model, texts_of
from tests.shared import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(predict, "load", made_up)
    return str(tmp_path / "model")


def test_one_text_is_shown_as_a_tree(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main([folder, "--text", "Art Opera"]) == 0
    assert capsys.readouterr().out == "Art  0.900\n  Music  -\n    Opera  0.900\n"
    predict.main([folder, "--text", "Art Opera", "--depth-by-confidence"])
    assert capsys.readouterr().out == "Art  0.900\n", "Opera is below Music, which is not sure"
    predict.main([folder, "--text", "Law", "--threshold", "0.05"])
    assert len(capsys.readouterr().out.splitlines()) == 6
    predict.main([folder, "--text", "Law", "--top", "1"])
    assert capsys.readouterr().out == "Law  0.900\n"


def test_where_nothing_is_predicted_the_highest_are_shown(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main([folder, "--text", "nothing"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "No label is predicted. The 3 highest:\n" and shown.out.count("0.100") >= 3


def test_a_file_becomes_a_file(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = write(tmp_path, ".csv", ["Law", "", "Art"], column="body"), tmp_path / "out.jsonl"
    assert predict.main([folder, "--input", str(source), "--column", "body", "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 3 texts, 1 of them empty and without labels\n"
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert rows[0] == {"id": "d0", "labels": ["Law"], "values": [0.9]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--text", ""], "The text is empty"),
        (["--text", " \n"], "The text is empty"),
        (["--text", "\udcff"], "no Unicode text"),
        (["--input", "docs.csv"], "go together"),
        (["--text", "x", "--address", "auto"], "--address is for a folder"),
        (["--input", "docs.csv", "--output", "out.csv", "--address", "auto"], "--address is for a folder"),
        (["--text", "x", "--output", "out.csv"], "go together"),
        (["--text", "x", "--rule", "valid"], "no thresholds by the rule 'valid'"),
        (["--text", "x", "--top", "0"], "highest 0 cannot be shown"),
        (["--text", "x", "--threshold", "-1"], "from 0 to below 1"),
    ],
)
def test_bad_input_is_one_paragraph(arguments: list[Any], said: str, folder: str) -> None:
    with pytest.raises(ConfigError, match=said):
        predict.main([folder, *arguments])


SIZES = {"a": 5000, "b": 300, "c": 0, "d": 1, "e": 40}


@pytest.fixture
def model(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> Path:
    return kept_model(write_sweep, data_dir, tmp_path, "flat")


@pytest.fixture
def source(data_dir: Path, tmp_path: Path) -> Path:
    """A folder of five files of the synthetic corpus's texts; one takes two batches, one has none."""
    texts = texts_of(open_corpus(next(data_dir.glob("synthetic*"))))
    (folder := tmp_path / "texts").mkdir()
    for name, size in SIZES.items():
        some = [texts[i % len(texts)] if i % 7 else "" for i in range(size)]
        parquet.write_table(pa.table({"body": pa.array(some, pa.string())}), folder / f"{name}.parquet")
    return folder


def asked(model: Path, source: Path, output: Path, *more: str) -> list[str]:
    return [str(model), "--input", str(source), "--column", "body", "--output", str(output), *more]


@pytest.mark.xdist_group("ray")
def test_a_folder_becomes_a_folder_with_the_bytes_of_single_files(
    model: Path, source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output, rule = tmp_path / "labels", ("--rule", "validation")
    assert predict.main(asked(model, source, output, *rule)) == 0
    said = capfd.readouterr()
    num_empty = sum(-(-size // 7) for size in SIZES.values())
    assert said.out == f"{output}: 5 files, 5,341 texts, {num_empty} of them empty and without labels\n"
    assert said.err == ""
    for name in SIZES:
        alone = tmp_path / "alone.parquet"
        predict.main(asked(model, source / f"{name}.parquet", alone, *rule))
        assert (output / f"{name}.parquet").read_bytes() == alone.read_bytes()

    # Nothing is left to do: Ray is not started, and no file touched.
    before = times(output)
    capfd.readouterr()
    assert predict.main(asked(model, source, output, *rule, "--address", f"127.0.0.1:{free_port()}")) == 0
    assert capfd.readouterr().out == f"{output}: 0 files, 0 texts; 5 files were there already\n"
    assert times(output) == before and len(before) == 5

    # One is missing, another cannot be read, and a third is what a killed process had begun with.
    (output / "b.parquet").unlink()
    (output / ".b.parquet.4711").write_text("PAR1", "utf-8")
    (source / "bad.parquet").write_text("no Parquet", "utf-8")
    assert predict.main(asked(model, source, output, *rule)) == 1
    said = capfd.readouterr()
    assert said.out.startswith(f"{output}: 1 files, 300 texts") and said.out.endswith("; 4 files were there already\n")
    assert said.err.startswith(f"error: 1 of 6 files could not be predicted. {source}/bad.parquet cannot be read")
    now = times(output)
    assert {name for name in now if now[name] != before.get(name)} == {"b.parquet", ".b.parquet.4711"}
    assert parquet.read_table(output / "b.parquet").num_rows == 300


def test_a_folder_of_which_nothing_can_be_read_is_refused(model: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^No file could be predicted\. .*a.parquet has no column 'text'"):
        predict.main([str(model), "--input", str(source), "--output", str(tmp_path / "labels")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no Parquet file in"):
        predict.main(asked(model, tmp_path / "empty", tmp_path / "labels"))


def test_a_cluster_that_is_not_there_is_told(model: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No Ray cluster answers"):
        predict.main(asked(model, source, tmp_path / "labels", "--address", f"127.0.0.1:{free_port()}"))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_folder_is_predicted_on_a_cluster(model: Path, source: Path, tmp_path: Path) -> None:
    with started_cluster(tmp_path) as address:
        command = [sys.executable, "-m", "harness.predict", *asked(model, source, tmp_path / "labels")]
        run = subprocess.run(
            [*command, "--address", address],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "RAY_AUTH_MODE": "token"},
        )
    assert run.returncode == 0 and run.stderr == "", run.stderr
    assert "5 files, 5,341 texts" in run.stdout
    assert parquet.read_table(tmp_path / "labels" / "a.parquet").num_rows == 5000
