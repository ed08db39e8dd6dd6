"""The command that runs trials in its own process: what it prints, and its exit code."""

import json
import resource
import shutil
from pathlib import Path

import pytest

import harness.trial as trial_door
from harness.config.load import load
from harness.core.errors import ConfigError, DataError
from harness.reporting.status import warnings
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.models.tiny_models import save_bert


def test_the_entry_point_runs_what_is_missing(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep()
    arguments = [str(path), "--filter", "model=flat", "seed=1"]
    assert trial_door.main(arguments) == 0
    output = capsys.readouterr().out
    assert output.count('"epoch": 2') == 2 and "2 of 2 trials done, 0 failed" in output
    assert trial_door.main(arguments) == 0
    assert '"epoch"' not in capsys.readouterr().out
    record = Store(Path(load(path).store)).record(Plan.open(load(path), arguments[2:]).selected[0].key)
    assert record is not None and json.loads(record.model_dump_json())["settings"]["model"] == "flat"


def test_a_trial_that_cannot_fit_is_a_failure_and_the_others_go_on(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"hiagm": {"options": {"node_width": 10_000_000}}, "flat": {}}
    path = write_sweep(models=models, seeds=[1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert trial_door.main([str(path)]) == 1
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    output = capsys.readouterr().out
    assert output.count("failed: too_large: TooLarge: The heads of hiagm with 53 labels and merge") == 2
    assert "2 of 4 trials done, 2 failed" in output
    store, plan = Store(tmp_path / "store"), Plan.open(load(path))
    for one in plan.trials:
        failure = store.failure(one.key)
        assert (failure is None) == (one.settings.model == "flat")
        if failure is not None:
            advice = "`projection`, a" if one.settings.merge == "none" else "Use a"
            assert failure.kind == "too_large" and f"{advice} `node_width` below 10000000" in failure.message
            assert "GiB to train; this process has" in failure.message and len(failure.message) < 500
    # The smallest of the refused tensors alone, 53 biases in each direction, has 4,000 MB.
    assert grown_mb < 500


def test_a_missing_corpus_is_refused_before_anything_is_written(write_sweep: SweepWriter, tmp_path: Path) -> None:
    path = write_sweep(data_dir=str(tmp_path / "none"))
    with pytest.raises(DataError, match="1 of the sweep's corpora cannot be used: synthetic"):
        trial_door.main([str(path)])
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_an_encoder_that_cannot_read_the_longest_text_is_refused_before_anything_is_written(
    write_sweep: SweepWriter, tmp_path: Path
) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    encoder = {"name": "transformer", "options": {"model": save_bert(folder), "max_length": 600}}
    path = write_sweep(encoder=encoder)
    with pytest.raises(ConfigError, match="of 512 tokens at most, .* `max_length` is 600. Set .*{max_length: 512}"):
        trial_door.main([str(path)])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bert", path.name]


def test_a_false_record_is_replaced_and_the_true_ones_are_kept(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2, 3])
    assert trial_door.main([str(path)]) == 0
    plan = Plan.open(load(path))
    files = [plan.store.folder(one.key) / "record.json" for one in plan.trials]
    first, second, third = (file.read_text("utf-8") for file in files)
    predictions = (files[0].parent / "predictions.parquet").read_bytes()
    shutil.copytree(files[1].parent, files[0].parent, dirs_exist_ok=True)
    (files[2].parent / "predictions.parquet").unlink()
    capsys.readouterr()
    assert trial_door.main([str(path)]) == 0
    said = capsys.readouterr()
    assert said.err.count("cannot be trusted") == 2 and "3 of 3 trials done" in said.out
    assert files[1].read_text("utf-8") == second, "what was true is not run again"
    for file, before in ((files[0], first), (files[2], third)):
        made, known = json.loads(file.read_text("utf-8")), json.loads(before)
        assert made["finished"] >= known["finished"]
        for name in ("key", "settings", "scores", "predictions_sha256"):
            assert made[name] == known[name]
    assert (files[0].parent / "predictions.parquet").read_bytes() == predictions
    assert warnings(Plan.open(load(path))) == []
