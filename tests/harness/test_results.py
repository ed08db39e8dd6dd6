"""The command that shows a sweep's trials and comparisons: the report's own numbers, whole, in every form."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from harness.config.load import load
from harness.core.errors import ConfigError, StoreError
from harness.report import main as report
from harness.results import frame, main
from harness.trials.plan import Plan
from harness.trials.store import Failure
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict


def test_both_tables_have_the_numbers_of_the_report_bit_for_bit(write_sweep: SweepWriter, tmp_path: Path) -> None:
    path = write_sweep(models={"hiagm": {}})
    plan = Plan.open(load(path))
    predict(plan, plan.trials, with_values=True)
    assert report([str(path)]) == 0
    for words, part, num_rows in (([], "", 4), (["--comparisons"], "-deltas", 2)):
        written, copy = tmp_path / "reports" / f"tiny{part}.csv", tmp_path / "copy.csv"
        found = frame(path, comparisons=bool(words))
        with written.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        assert len(lines) == num_rows and [*lines[0]] == [*found]
        for line, row in zip(lines, found.to_dict("records"), strict=True):
            assert {name: "" if pd.isna(value) else str(value) for name, value in row.items()} == line
        assert main([str(path), *words, "--output", str(copy)]) == 0 and copy.read_bytes() == written.read_bytes()


def test_every_planned_trial_has_a_line_whatever_became_of_it(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    (first,) = (one for one in plan.trials if one.settings.name == "hiagm none synthetic seed 2")
    (second,) = (one for one in plan.trials if one.settings.name == "flat projection synthetic seed 1")
    scores = predict(plan, [first])[first.key]
    plan.store.folder(second.key).mkdir()
    plan.store.fail(Failure(key=second.key, kind="non_finite", message="the loss is nan", settings={}, attempts=1))
    assert main([str(path)]) == 1, "not all of them are there"
    head, *lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["model", "merge", "dataset", "seed", "state", "micro_f1", "macro_f1", "seconds", "failure_kind"]
    numbers = [f"{scores['micro_f1']:.2f}", f"{scores['macro_f1']:.2f}", "10.00"]
    assert lines[1] == ["hiagm", "none", "synthetic", "2", "done", *numbers, "–"]
    assert lines[6] == ["flat", "projection", "synthetic", "1", "failed", "–", "–", "–", "non_finite"]
    assert [line[4] for line in lines] == ["new", "done", "new", "new", "new", "new", "failed", "new"]


def test_a_filter_narrows_both_tables(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep()
    plan = Plan.open(load(path), ["model=flat"])
    predict(plan, plan.selected)
    assert main([str(path), "--filter", "model=flat"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["model", *["flat"] * 4]
    assert main([str(path), "--comparisons", "--filter", "model=flat"]) == 0
    head, *lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    place = head.index("num_pairs")
    assert [(line[0], line[place]) for line in lines] == [
        *[("hiagm/projection", "0")] * 2,
        *[("flat/projection", "2")] * 2,
    ]


def test_comparisons_of_a_sweep_without_a_finished_trial_say_what_to_run(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    with pytest.raises(StoreError, match=f"^No trial has finished, .*; run `python -m harness.sweep {path}`.$"):
        main([str(path), "--comparisons"])
    with pytest.raises(StoreError, match="No trial that passes the filter 'seed=1' has finished"):
        main([str(path), "--comparisons", "--filter", "seed=1"])
    assert list(frame(path).state) == ["new"] * 8, "the trials have their rows"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("trials.xlsx", "ends in neither .csv nor .parquet"),
        ("trials", "ends in neither .csv nor .parquet"),
        ("missing/trials.csv", "names a folder that is not there"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, output: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        main([str(tmp_path / "no-such-sweep.yaml"), "--output", str(tmp_path / output)])


def test_what_a_notebook_reads_from_the_text_of_a_path(write_sweep: SweepWriter) -> None:
    path = write_sweep()
    plan = Plan.open(load(path))
    expected = predict(plan, plan.trials)
    found = frame(str(path)).set_index("key").micro_f1
    assert found.to_dict() == {key: scores["micro_f1"] for key, scores in expected.items()}
