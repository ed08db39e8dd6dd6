"""CSV and JSON files hold every number in full precision."""

import csv
import io
import json

import pytest

from harness.reporting import data_files
from tests.harness.fake_sweep import noisy, sweep
from tests.harness.reporting.reports import FOUND, TABLE, summary_of


def test_csv_has_one_row_per_trial_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(data_files.csv(summary_of(TABLE, FOUND)))))
    assert len(rows) == 180
    assert [float(row["micro_f1"]) for row in rows] == [one.scores["micro_f1"] for one in FOUND]
    assert rows[0]["status"] == "done"
    assert (rows[11]["dataset"], rows[11]["seed"]) == ("rcv1", "2")


def test_deltas_csv_has_one_row_per_comparison():
    control = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    findings = summary_of(control, noisy(control))
    rows = list(csv.DictReader(io.StringIO(data_files.deltas_csv(findings))))
    assert [row["family"] for row in rows].count("control") == 16
    assert [row["dataset"] for row in rows[:8]] == ["wos", "wos", "rcv1", "rcv1", "nyt", "nyt", "average", "average"]
    assert float(rows[0]["p"]) == findings.comparisons[0].test.p
    assert rows[-1]["p_holm"] == ""


def test_json_is_whole_sorted_and_without_nan():
    text = data_files.json_text(summary_of(TABLE, FOUND))
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert text == json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert data["family_sizes"] == {"A": 8, "B": 24}
    assert data["sweep"]["seeds"] == list(range(1, 11))
    assert len(data["trials"]) == 180
    assert data["rows"][0]["cells"][0]["published"] == 87.52
    assert data["comparisons"][6]["power"] is None


def test_cells_csv_has_one_row_per_cell():
    rows = list(csv.DictReader(io.StringIO(data_files.cells_csv(summary_of(TABLE, FOUND)))))
    assert len(rows) == 6 * 8
    values = [one.scores["micro_f1"] for one in FOUND if one.key.startswith("hiagm-none-wos-")]
    assert float(rows[0]["mean"]) == pytest.approx(sum(values) / 10)
