"""Metrics of a tracker: what a cell says of its comparisons."""

import math

from harness.trackers.metrics import aggregates, all_comparisons, marks, row
from harness.trials.settings import CellKey
from tests.harness.fake_sweep import noisy, summary_of, sweep, the

FOUND = summary_of(declared := sweep(), noisy(declared))
CELL = CellKey("hitin", "masking", "wos")


def test_a_cell_has_its_mean_and_its_comparisons_where_all_is_there() -> None:
    comparison = the(FOUND, "hitin", "masking", "WOS micro")
    values = aggregates(FOUND, CELL, is_complete=True)
    assert values["micro_f1_vs_hitin/none_delta"] == comparison.test.difference
    assert values["n"] == 10 and math.isclose(values["micro_f1_mean"], row(FOUND, CELL).cells[0].mean)
    assert not any("_vs_" in name for name in aggregates(FOUND, CELL, is_complete=False))


def test_marks_are_those_of_the_report() -> None:
    assert marks(FOUND, CELL)["micro_f1_vs_hitin/none_marks"] == the(FOUND, "hitin", "masking", "WOS micro").marks


def test_every_comparison_has_a_name_of_its_own() -> None:
    values = all_comparisons(FOUND)
    assert len(values) == 13 * len(FOUND.comparisons)
