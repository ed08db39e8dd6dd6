"""The command that tells how far a sweep is: every state with its reason, exit code 0 whatever it is."""

from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError
from harness.plan import main as plan_main
from harness.report import main as report
from harness.reporting.status import describe
from harness.results import main as results
from harness.status import main
from harness.sweep import main as sweep
from harness.tracking import main as tracking
from harness.trials.plan import Plan
from harness.trials.store import Failure, Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import finish


def test_states_are_counted_and_a_failure_is_no_mistake(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    store, (first, second, *_) = Store(Path(load(path).store)), Plan.open(load(path)).trials
    finish(store, first.key, first.settings)
    store.folder(second.key).mkdir()
    store.fail(Failure(key=second.key, kind="non_finite", message="the loss is nan", settings={}, attempts=1))
    before = sorted(store.root.rglob("*"))
    assert main([str(path)]) == 0
    output = capsys.readouterr().out
    assert output == describe(Plan.open(load(path))) + "\n"
    assert "8 trials: 1 done, 1 failed, 6 new." in output and "non_finite: the loss is nan" in output
    assert sweep([str(path), "--dry-run"]) == 0
    assert capsys.readouterr().out == output, "the same under two names"
    assert sorted(store.root.rglob("*")) == before, "nothing is run, and nothing written"


def test_a_record_that_cannot_be_trusted_is_named_by_every_command(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    first, *_ = plan.trials
    finish(plan.store, first.key, first.settings)
    file = plan.store.folder(first.key) / "record.json"
    file.write_bytes(file.read_bytes()[:50])
    for command, code in ((main, 0), (report, 1), (results, 1), (plan_main, 0), (tracking, 0)):
        words = ["--sd", "0.3"] if command is plan_main else []
        assert command([str(path), *words]) == code
        said = capsys.readouterr()
        assert f"The record {file} cannot be trusted: it cannot be read" in said.out + said.err
        assert "running the sweep again replaces it" in said.out + said.err


def test_a_filter_narrows_what_is_counted(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write_sweep()), "--filter", "model=flat", "seed!=1"]) == 0
    output = capsys.readouterr().out
    assert "2 trials: 0 done, 0 failed, 2 new." in output and "hiagm" not in output
    with pytest.raises(ConfigError, match="Did you mean 'flat'"):
        main([str(write_sweep()), "--filter", "model=flatt"])
