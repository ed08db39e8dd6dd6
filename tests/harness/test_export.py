"""The command that exports: a row's best model with card and record, kept or trained again."""

import json
import subprocess
from pathlib import Path

import pytest

from harness import export, trial
from harness.core.errors import ConfigError, StoreError
from models.load import load
from tests.conftest import SweepWriter
from tests.harness.finished_sweep import SWEEP, finished


def test_an_export_is_the_rows_best_model_with_its_card_and_record(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, out = finished(write_sweep), tmp_path / "models" / "flat"
    assert export.main([sweep, "--row", "flat/projection", "--out", str(out)]) == 0
    assert f'python -m harness.predict {out} --text "..."' in capsys.readouterr().out
    record = json.loads((out / "record.json").read_text("utf-8"))
    assert record["settings"]["merge"] == "projection"
    assert len(load(out).predict(["some text"], top=1)[0]) == 1
    names = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    kept = {"config.json", "model.safetensors", "tokenizer.json", "hierarchy.json", "thresholds.json"}
    assert names == {*kept, "README.md", "record.json", "SHA256SUMS"}
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)
    again = tmp_path / "again"
    export.main([sweep, "--row", "flat/projection", "--out", str(again)])
    assert all((again / name).read_bytes() == (out / name).read_bytes() for name in names), "equal bytes"


def test_nothing_is_overwritten(write_sweep: SweepWriter, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(ConfigError, match="something at .*out already"):
        export.main([str(write_sweep()), "--row", "flat/none", "--out", str(tmp_path / "out")])


def test_an_unfinished_row_and_a_model_that_was_not_kept_say_what_to_do(
    write_sweep: SweepWriter, tmp_path: Path
) -> None:
    path, out = str(write_sweep(**SWEEP, keep="none")), tmp_path / "out"
    row = [path, "--row", "flat/none", "--out", str(out)]
    with pytest.raises(StoreError, match="No trial of flat/none on synthetic is finished"):
        export.main(row)
    trial.main([path])
    with pytest.raises(StoreError, match="was not kept.*Add --train"):
        export.main(row)
    export.main([*row, "--train"])
    kept = str(write_sweep(**SWEEP, keep="all", store=str(tmp_path / "other")))
    trial.main([kept])
    export.main([kept, "--row", "flat/none", "--out", str(tmp_path / "kept")])
    same = (tmp_path / "kept" / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    assert same, "trained again it is the same model"
