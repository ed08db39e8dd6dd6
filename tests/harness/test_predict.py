"""The command that predicts: one text, a file, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness import predict
from harness.core.errors import ConfigError
from tests.harness.predicting.made_up import made_up
from tests.harness.predicting.test_documents import write


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
        (["--text", "x", "--output", "out.csv"], "go together"),
        (["--text", "x", "--rule", "valid"], "no thresholds by the rule 'valid'"),
        (["--text", "x", "--top", "0"], "highest 0 cannot be shown"),
        (["--text", "x", "--threshold", "-1"], "from 0 to below 1"),
    ],
)
def test_bad_input_is_one_paragraph(arguments: list[Any], said: str, folder: str) -> None:
    with pytest.raises(ConfigError, match=said):
        predict.main([folder, *arguments])
