"""Variances, power, labels and times are drawn from the numbers of the findings."""

import dataclasses

import pytest

from harness.analysis.findings import LabelDifference
from harness.analysis.summarise import find
from harness.reporting.figures_extra import labels, power, times, variances
from harness.stats.power import upper_sd
from tests.harness.fake_sweep import facts, noisy, sweep
from tests.harness.reporting.reports import numbers
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
TIMED = [
    dataclasses.replace(one, train_seconds=100.0 + one.seed + 30 * (one.merge != "none") * (1 + 0.1 * (one.seed % 2)))
    for one in noisy(TABLE)
]
SUMMARY = find(TABLE, TIMED, facts(TABLE))


def test_power_is_asked_at_the_published_difference_or_the_smallest():
    rows = numbers(power(SUMMARY))
    deltas = {row["delta"] for row in rows if row["row"] == "HiTIN+MTL (projection)" and row["column"] == "WOS micro"}
    assert deltas == {0.5}
    deltas = {row["delta"] for row in rows if row["row"] == "HiAGM+MTL (projection)" and row["column"] == "RCV1 macro"}
    assert deltas == {1.48}
    assert all(row["power"] > 0 for row in rows)
    assert {row["column"] for row in rows} == {column.title for column in SUMMARY.columns if not column.average}


def test_power_is_drawn_with_the_upper_limit_of_the_sd_and_not_from_two_pairs():
    first = SUMMARY.comparisons[0]
    rows = [row for row in numbers(power(SUMMARY)) if (row["row"], row["column"]) == (first.title, first.column.title)]
    assert {row["sd"] for row in rows} == {upper_sd(first.test.sd, 10)}
    two = sweep(seeds=(1, 2))
    assert power(find(two, noisy(two), facts(two))) is None


def test_documents_and_labels_where_predictions_are_known():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    findings = find(ONE, found, facts(ONE), {"wos": sample})
    (micro, _) = numbers(variances(findings))
    documents = next(item.documents for item in findings.comparisons)
    assert micro["sd_seeds"] ** 2 + micro["sd_documents"] ** 2 == pytest.approx(documents.crossed.error**2)
    rows = numbers(labels(findings))
    assert [LabelDifference(*row.values()) for row in rows] == list(findings.label_differences)


def test_times_are_ratios_to_the_base_and_paired_where_seeds_are():
    drawing = times(SUMMARY)
    rows = numbers(drawing)
    assert len(rows) == 4 * 3 and all(1.2 < row["low_95"] < row["ratio"] < row["high_95"] < 1.4 for row in rows)
    assert "paired by seed" in drawing.caption
    loose = sweep(statistics={"paired": False})
    assert "paired" not in times(find(loose, TIMED, facts(loose))).caption
