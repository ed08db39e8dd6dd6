"""CSV and JSON hold the findings in full precision, and nothing twice."""

import csv
import dataclasses
import io
import json
import math

import pytest

from harness.reporting import data_files
from tests.harness.fake_sweep import cell, noisy, result, summary_of, sweep, the, without

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_there_is_a_row_per_planned_trial_whatever_became_of_it():
    found = [*without(FOUND, model="hiagm", merge="none", dataset="wos"), result("hiagm", "none", "wos", 7, None)]
    rows = rows_of(data_files.csv(summary_of(TABLE, found)))
    assert len(rows) == 180
    assert [row["state"] for row in rows[:10]] == ["new"] * 6 + ["failed"] + ["new"] * 3
    assert rows[6]["failure"] == "out of memory" and rows[6]["micro_f1"] == rows[0]["key"] == ""
    by_place = {(one.model, one.merge, one.dataset, str(one.seed)): one for one in found}
    for row in rows[10:]:
        one = by_place[row["model"], row["merge"], row["dataset"], row["seed"]]
        assert (row["state"], row["key"], row["control"]) == ("done", one.key, "False")
        assert {name: float(row[name]) for name in one.scores} == one.scores


def test_there_is_a_row_per_comparison_and_controls_come_last():
    table = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    findings = summary_of(table, noisy(table))
    rows = rows_of(data_files.deltas_csv(findings))
    assert [row["family"] for row in rows] == [*("BBBBBBAA" * 2), *["uncorrected"] * 16]
    assert rows[-1]["p_holm"] == "" and float(rows[0]["q_bh"]) == findings.comparisons[0].q_bh
    nothing = sweep(merges=("none",), published=None, compare="base")
    assert data_files.deltas_csv(summary_of(nothing, [])) == ""


def test_cells_are_those_of_the_table():
    rows = rows_of(data_files.cells_csv(SUMMARY))
    assert len(rows) == 6 * 8
    (row,) = (row for row in rows if (row["row"], row["column"]) == ("HiTIN+MTL (masking)", "NYT macro"))
    found = cell(SUMMARY, "hitin", "masking", "NYT macro")
    assert (float(row["mean"]), float(row["sd"]), row["num_runs"]) == (found.mean, found.sd, "10")
    assert (float(row["published"]), row["agreement"]) == (69.02, found.prediction)


def test_json_is_sorted_without_nan_and_has_comparisons_by_the_names_of_the_csv():
    text = data_files.json_text(SUMMARY)
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert text == json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    for item, written in zip(SUMMARY.comparisons, data["comparisons"], strict=True):
        expected = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in item.as_row().items()
        }
        assert {name: written[name] for name in expected} == expected
        assert [len(one) for one in written["differences"]] == list(item.test.num_pairs)
    assert data["family_sizes"] == {"A": 8, "B": 24}
    assert [one["key"] for one in data["results"]] == [one.key for one in FOUND]
    assert "label_differences" in data and data["label_differences"] == []


def test_numbers_keep_every_digit():
    found = [dataclasses.replace(FOUND[0], scores={"micro_f1": 0.1 + 0.2, "macro_f1": 1e-17}), *FOUND[1:]]
    findings = summary_of(TABLE, found)
    scores = json.loads(data_files.json_text(findings))["results"][0]["scores"]
    assert scores == {"micro_f1": 0.1 + 0.2, "macro_f1": 1e-17}
    p = the(findings, "hiagm", "masking", "WOS micro").test.p
    assert float(rows_of(data_files.deltas_csv(findings))[0]["p"]) == p
