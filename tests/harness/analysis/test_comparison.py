"""A comparison's row has every number of the record, by one name wherever it is written."""

import csv
import io
import math

import pytest

from harness.reporting.data_files import deltas_csv
from harness.trackers.metrics import aggregates, all_comparisons
from harness.trials.settings import CellKey
from tests.harness.fake_sweep import noisy, summary_of, sweep, the

TABLE = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
SUMMARY = summary_of(TABLE, noisy(TABLE))


def test_a_row_has_the_numbers_of_the_record():
    item = the(SUMMARY, "hiagm", "masking", "WOS micro")
    row = item.as_row()
    assert (row["row"], row["against"]) == ("hiagm/masking", "hiagm/none")
    assert (row["dataset"], row["metric"], row["family"]) == ("wos", "micro_f1", "B")
    assert (row["delta"], row["se"], row["p"]) == (item.test.difference, item.test.error, item.test.p)
    assert row["low_95"] + row["high_95"] == pytest.approx(2 * row["delta"])
    assert row["delta"] / row["se"] == pytest.approx(row["t"])
    assert (row["exact_test"], row["p_exact"], row["least_p_exact"]) == ("sign flip", item.p_exact, 2 / 2**10)
    assert row["p_better_low_95"] <= row["p_better"] <= row["p_better_high_95"]
    assert math.isnan(row["crossed_low_95"]) and row["published_delta"] is None
    average = the(SUMMARY, "hiagm", "masking", "Avg micro").as_row()
    assert (average["dataset"], average["family"], average["num_pairs"]) == ("average", "A", "10/10/10")
    assert math.isnan(average["p_better"])
    assert the(SUMMARY, "flat", "masking", "WOS micro").as_row()["family"] == "uncorrected"


def test_csv_and_mlflow_use_the_names_of_the_row():
    item = the(SUMMARY, "hiagm", "projection", "NYT macro")
    row = item.as_row()
    written = list(csv.DictReader(io.StringIO(deltas_csv(SUMMARY))))
    assert list(written[0]) == list(row)
    place = [row[name] for name in ("row", "against", "dataset", "metric")]
    (found,) = (one for one in written if [one[name] for name in ("row", "against", "dataset", "metric")] == place)
    of_sweep, of_cell = all_comparisons(SUMMARY), aggregates(SUMMARY, CellKey("hiagm", "projection", "nyt"), True)
    names = {name.rpartition("/")[2] for name in of_sweep}
    assert names <= row.keys() and {"delta", "low_95", "high_95", "p", "p_holm", "p_exact", "p_better"} <= names
    for name in names:
        place_of_sweep = f"{item.contrast.row}/vs/{'/'.join(place[1:])}/{name}"
        numbers = (
            row[name],
            of_sweep[place_of_sweep],
            of_cell[f"macro_f1_vs_hiagm/none_{name}"],
        )
        assert numbers == pytest.approx((row[name],) * 3, nan_ok=True)
        assert found[name] == ("" if math.isnan(row[name]) else repr(row[name]))
