"""Frames have one type a column whatever has run, files are there whole or not at all, and trials are no look."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from harness.config.load import load
from harness.core.errors import ConfigError, StoreError
from harness.core.metric_names import DECISIONS, HEADLINE
from harness.reporting import frames
from harness.reporting.data_files import Rows
from harness.trials.plan import Plan
from harness.trials.store import Failure
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict
from tests.harness.trials.test_plan import finish, record

MADE = {"commit": "abc", "device": "cpu", "precision": "fp32", "cpu": "one", "host": "mine"}


def test_a_finished_trial_says_everything_that_its_record_says(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(path := write_sweep(models={"hiagm": {"label": "HiAGM"}}, merges=["projection"], seeds=[7])))
    (one,) = plan.trials
    finish(plan.store, one.key, one.settings)
    made = record(one.key, one.settings, seconds=30.0)
    changes = {"environment": MADE, "scores": {"micro_f1": 70.0, "macro_f1": 0.1 + 0.2, "valid_micro_f1": 71.0}}
    plan.store.finish(made.model_copy(update=changes))
    (row,) = frames.frame(frames.rows_of_trials(Plan.open(load(path)))).to_dict("records")
    cell = {"model": "hiagm", "merge": "projection", "dataset": "synthetic", "seed": 7}
    cost = {"seconds": 30.0, "train_seconds": 15.0, "peak_memory_mb": 1.0, "num_epochs": 2}
    cost |= {"num_parameters": 3, "num_parameters_encoder": 1, "num_parameters_heads": 2}
    scores = {"micro_f1": 70.0, "macro_f1": 0.30000000000000004, "valid_micro_f1": 71.0}
    expected = {"key": one.key, **cell, "title": "HiAGM+MTL (projection)", "control": False, "state": "done"}
    expected |= cost | scores | {name: MADE[name] for name in ("commit", "device", "precision", "cpu")}
    assert {name: row[name] for name in expected} == expected
    missing = {name for name, value in row.items() if pd.isna(value)}
    assert missing == {"still_improving", "failure_kind", "failure"}
    assert row.keys() == expected.keys() | missing | {"predictions_sha256"}


def test_a_column_has_one_type_whatever_has_run(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(path := write_sweep()))
    first, second, *others = plan.trials
    new = frames.frame(frames.rows_of_trials(plan))
    assert new[["micro_f1", "seconds", "failure", "num_epochs", "still_improving"]].isna().all(axis=None)
    assert new.key.notna().all(), "what a trial will be called is known before it runs"
    plan.store.folder(first.key).mkdir(parents=True)
    plan.store.fail(Failure(key=first.key, kind="too_large", message="no room", settings={}, attempts=1))
    finish(plan.store, second.key, second.settings)
    some = frames.frame(frames.rows_of_trials(Plan.open(load(path))))
    assert some[some.state == "failed"][["failure_kind", "failure"]].to_numpy().tolist() == [["too_large", "no room"]]
    assert some[some.failure.str.contains("room", na=False)].key.to_list() == [first.key]
    plan.store.forget_failure(first.key)
    for one in (first, *others):
        finish(plan.store, one.key, one.settings)
    done = frames.frame(frames.rows_of_trials(Plan.open(load(path))))
    assert done.num_parameters.to_list() == [3] * 8 and done.failure.isna().all()
    types = new.dtypes.to_dict()
    assert types.items() <= some.dtypes.to_dict().items() and some.dtypes.to_dict() == done.dtypes.to_dict()
    assert types["seed"] == np.int64 and types["num_epochs"] == "Int64" and types["failure"] == "str"
    assert types["micro_f1"] == np.float64 and types["control"] == "bool" and types["still_improving"] == "boolean"


def test_a_trial_whose_corpus_is_not_prepared_has_no_key(write_sweep: SweepWriter, tmp_path: Path) -> None:
    found = frames.frame(frames.rows_of_trials(Plan.open(load(write_sweep(data_dir=str(tmp_path / "nothing"))))))
    assert found.key.isna().all() and list(found.state) == ["new"] * 8


def test_scores_are_those_of_the_rule_that_the_sweep_names_and_of_every_other(write_sweep: SweepWriter) -> None:
    models = {"flat": {}}
    plan = Plan.open(load(write_sweep(models=models)))
    predict(plan, plan.trials, with_values=True)
    for rule in DECISIONS:
        found = frames.frame(frames.rows_of_trials(Plan.open(load(write_sweep(models=models, decision=rule)))))
        for metric in HEADLINE:
            assert (found[metric] == found[f"{metric}_by_{rule}"]).all()
    assert (found.micro_f1_by_validation != found["micro_f1_by_0.5"]).any()


def test_a_filter_keeps_the_order_of_the_report(write_sweep: SweepWriter) -> None:
    rows = frames.rows_of_trials(Plan.open(load(write_sweep()), ["model=flat"]))
    places = [("flat", "none", 1), ("flat", "none", 2), ("flat", "projection", 1), ("flat", "projection", 2)]
    assert [(row["model"], row["merge"], row["seed"]) for row in rows] == places


def test_comparisons_are_a_look_and_trials_are_none(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(path := write_sweep(models={"hiagm": {}})))
    predict(plan, plan.trials)
    plan = Plan.open(load(path))
    looks = plan.store.root / "tiny.looks.jsonl"
    frames.rows_of_trials(plan)
    assert not looks.exists()
    for _ in range(2):
        frames.rows_of_comparisons(plan, path)
        assert looks.read_text("utf-8").count("\n") == 1, "the same trials are one look"


def test_a_sweep_that_compares_nothing_says_why(write_sweep: SweepWriter) -> None:
    plan = Plan.open(load(path := write_sweep(models={"flat": {}}, merges=["none"])))
    predict(plan, plan.trials[:1])
    with pytest.raises(ConfigError, match="one row that is not a control. See `compare:` in .*tiny.yaml"):
        frames.rows_of_comparisons(Plan.open(load(path)), path)


ROWS: Rows = [
    {"row": "a/masking", "seed": 1, "delta": 0.5, "p": 0.00001, "sd": 3.0, "marks": "", "state": None},
    {"row": "b/m", "seed": 10, "delta": float("nan"), "p": float("nan"), "sd": 3.0, "marks": "▲*", "state": None},
]


def test_a_short_table_is_aligned_and_leaves_out_what_says_nothing() -> None:
    assert frames.shown(ROWS).splitlines() == [
        "row        seed  delta        p  marks",
        "a/masking     1  +0.50  <0.0001",
        "b/m          10      –      n/a  ▲*",
    ]


def test_a_file_that_fails_half_way_is_not_there_and_leaves_the_earlier_one(tmp_path: Path) -> None:
    for name in ("all.csv", "all.parquet"):
        frames.write(ROWS, tmp_path / name)
    assert_frame_equal(pd.read_parquet(tmp_path / "all.parquet"), frames.frame(ROWS))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    for path in before:
        with pytest.raises((UnicodeEncodeError, ValueError)):
            frames.write([*ROWS, {**ROWS[0], "row": "half a pair: \ud800"}], path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StoreError, match="folder.csv cannot be written .*; name another file"):
        frames.write(ROWS, tmp_path / "folder.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]
