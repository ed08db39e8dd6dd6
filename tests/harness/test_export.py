"""The command that exports: a row's best model with card and record, and what it refuses."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import export, trial
from harness.core.errors import ConfigError, StoreError
from harness.trials.store import Store
from models.load import load
from tests.conftest import SweepWriter

SWEEP = {"models": {"flat": {"label": "Flat"}}, "merges": ["none", "projection"], "seeds": [1, 2]}


@pytest.fixture
def sweep(write_sweep: SweepWriter) -> str:
    """A finished sweep of four trials."""
    path = str(write_sweep(**SWEEP))
    assert trial.main([path]) == 0
    return path


def test_an_export_is_the_rows_best_model_with_its_card_and_record(
    sweep: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models" / "flat"
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


def test_the_card_has_the_scores_terms_and_limits(sweep: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export.main([sweep, "--row", "flat/projection", "--out", str(out)])
    _, head, text = (out / "README.md").read_text("utf-8").split("---\n", 2)
    metadata = yaml.safe_load(head)
    store = Store(tmp_path / "store")
    records = [one for one in store.records() if one.settings["merge"] == "projection"]
    micro = [one.scores["micro_f1"] for one in records]
    mean = sum(micro) / 2
    sd = abs(micro[0] - micro[1]) / 2**0.5
    assert f"| all finished seeds, n = 2 | {mean:.2f} ± {sd:.2f} |" in text
    best = max(records, key=lambda one: one.scores["valid_micro_f1"])
    assert f"this model, seed {best.settings['seed']} | {best.scores['micro_f1']:.2f} |" in text
    results = metadata["model-index"][0]["results"][0]
    assert results["metrics"][0]["value"] == round(best.scores["micro_f1"], 2)
    for said in ("# Flat for synthetic, merge projection", "must not be used for", "Terms of the texts", "Fingerprint"):
        assert said in text
    assert not re.search(r"[^\n]{400,}", text), "no endless lines"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "flat/masking"], "no row 'flat/masking'. Did you mean 'flat/"),
        (["--row", "flat"], "no row 'flat'"),
        (["--row", "flat/none", "--dataset", "synthetik"], "no dataset 'synthetik'. Did you mean 'synthetic'"),
    ],
)
def test_what_the_sweep_does_not_have_is_refused(arguments: list[Any], said: str, sweep: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        export.main([sweep, *arguments, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(sweep: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(ConfigError, match="something at .*out already"):
        export.main([sweep, "--row", "flat/none", "--out", str(tmp_path / "out")])


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


def test_a_damaged_kept_model_is_not_handed_on(sweep: str, tmp_path: Path) -> None:
    (weights,) = [path for path in (tmp_path / "store").rglob("model.safetensors") if "projection" in _merge_of(path)]
    weights.write_bytes(b"")
    with pytest.raises(ValueError, match="is not what was exported"):
        export.main([sweep, "--row", "flat/projection", "--out", str(tmp_path / "out")])
    shutil.rmtree(weights.parent)
    with pytest.raises(StoreError, match="was not kept"):
        export.main([sweep, "--row", "flat/projection", "--out", str(tmp_path / "out")])


def _merge_of(weights: Path) -> str:
    record = json.loads((weights.parent.parent / "record.json").read_text("utf-8"))
    return str(record["settings"]["merge"])
