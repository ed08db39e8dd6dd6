"""The command that writes a report again: its exit code says whether the sweep is complete."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.report import main
from harness.trials.plan import Plan
from harness.trials.store import Failure
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict


def test_the_exit_code_is_1_until_every_trial_is_there(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    store, (*most, last) = plan.store, plan.trials
    predict(plan, most)
    report = tmp_path / "reports" / "tiny.md"
    assert main([str(path)]) == 1
    assert capsys.readouterr().out == f"{report}\n" and "Unfinished" in report.read_text("utf-8")
    store.folder(last.key).mkdir()
    store.fail(Failure(key=last.key, kind="error", message="no", settings={}, attempts=1))
    assert main([str(path)]) == 1
    assert "FAILED (1/2)" in report.read_text("utf-8")
    store.forget_failure(last.key)
    predict(plan, [last])
    assert main([str(path)]) == 0
    text = report.read_text("utf-8")
    assert "Unfinished" not in text and "FAILED" not in text


def test_the_report_of_a_part_is_printed_and_leaves_the_whole_one_alone(
    write_sweep: SweepWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    plan = Plan.open(load(path), ["model=flat"])
    predict(plan, plan.selected)
    assert main([str(path), "--filter", "model=flat"]) == 0, "all of the part is there"
    assert "Only the trials of --filter model=flat: 4 of the 8 planned ones" in capsys.readouterr().out
    assert main([str(path), "--filter", "seed=1"]) == 1
    assert not (tmp_path / "reports").exists()
