"""Published numbers, also means and those of other test documents than ours: judged with the error of both, or not."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.reporting.markdown import markdown
from harness.stats.document_variance import influence, variance_of_mean
from tests.harness.fake_sweep import DATASETS, cell, facts, noisy, scores, summary_of, sweep, the
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)
PUBLISHED = {"hiagm/none": {"wos": {"micro_f1": 75.0}}, "hiagm/masking": {"wos": {"micro_f1": 86.0}}}


def one(**statistics: Any) -> SweepFile:
    return sweep(
        models={"hiagm": {"label": "HiAGM"}},
        merges=("none", "masking"),
        datasets={"wos": {"label": "wos"}},
        seeds=ONE.seeds,
        published={"elsewhere": {"source": "elsewhere", "scores": PUBLISHED}},
        statistics=statistics,
    )


def test_the_error_of_both_samples_counts_in_cells_and_differences() -> None:
    sample, found = made_up({"none": 0.85, "masking": 0.93})
    same, other = one(), one(other_test_documents=("wos",))
    plain, wide = (find(planned, found, facts(planned), {"wos": sample}) for planned in (same, other))
    psi = {
        merge: np.mean(
            [influence(sample._runs["hiagm", merge, seed]["micro_f1"], "micro_f1") for seed in ONE.seeds], axis=0
        )
        for merge in ("none", "masking")
    }

    def half_width(values: list[float], documents: float, rounding: float) -> float:
        seed_variance = float(np.var(values, ddof=1)) * (1 + 1 / 5)
        total = seed_variance + 2 * documents
        df = total**2 / (seed_variance**2 / 4)
        return float(scipy.stats.t.isf(0.025, df) * math.sqrt(total) + rounding)

    runs = {merge: [f.scores["micro_f1"] for f in found if f.merge == merge and f.scores] for merge in psi}
    expected = half_width(runs["none"], variance_of_mean(psi["none"]), 0.005)
    assert cell(wide, "hiagm", "none", "wos micro").half_width == pytest.approx(expected)
    assert expected > cell(plain, "hiagm", "none", "wos micro").half_width
    differences = [a - b for a, b in zip(runs["masking"], runs["none"], strict=True)]
    expected = half_width(differences, variance_of_mean(psi["masking"] - psi["none"]), 0.01)
    judged = the(wide, "hiagm", "masking", "wos micro").judged
    assert judged is not None and judged.half_width == pytest.approx(expected)
    assert the(wide, "hiagm", "masking", "wos micro").test == the(plain, "hiagm", "masking", "wos micro").test


def test_without_predictions_it_is_not_known_and_the_report_says_so() -> None:
    _, found = made_up({"none": 0.85, "masking": 0.93})
    findings = find(one(other_test_documents=("wos",)), found, facts(one()))
    assert cell(findings, "hiagm", "none", "wos micro").prediction == "not comparable"
    item = the(findings, "hiagm", "masking", "wos micro")
    assert item.comparable is None and math.isnan(item.power)
    assert "or tested on others without predictions kept" in markdown(findings)


def test_the_report_says_whose_documents_differ() -> None:
    sample, found = made_up({"none": 0.94, "masking": 0.97}, num_documents=4000)
    planned = one(other_test_documents=("wos",))
    text = markdown(find(planned, found, facts(planned), {"wos": sample}))
    assert (
        "Published scores on wos are of other test documents than ours: those intervals count the error of both "
        "samples (twice the variance over our documents)." in text
    )
    assert "of other test documents than ours" not in markdown(SUMMARY)


def test_an_average_is_not_comparable_where_one_of_its_datasets_is_not() -> None:
    planned = sweep(statistics={"other_test_documents": ("rcv1",)})
    findings = summary_of(planned, noisy(planned))
    cells = zip(findings.columns, findings.rows[0].cells, strict=True)
    labels = {column.title: entry.prediction for column, entry in cells}
    assert labels["RCV1 micro"] == labels["Avg micro"] == "not comparable"
    assert labels["WOS micro"] in ("≈", "<", ">")


def test_published_differences_of_averages_are_judged_too() -> None:
    item = the(SUMMARY, "hiagm", "projection", "Avg macro")
    assert item.published == pytest.approx(0.39) and item.judged is not None
    parts = [np.array(list(found.values())) for found in item.differences]
    v = [part.var(ddof=1) * 1.1 for part in parts]
    df = sum(v) ** 2 / sum(value**2 / 9 for value in v)
    expected = scipy.stats.t.isf(0.025, df) * math.sqrt(sum(v)) / 3 + 0.01
    assert item.judged.half_width == pytest.approx(expected)


def test_scores_of_a_subset_of_the_documents_are_not_comparable():
    subset = sweep(datasets={"wos": {"train_documents": 100}, "rcv1": {}, "nyt": {}})
    findings = summary_of(subset, FOUND)
    cells = zip(findings.columns, findings.rows[0].cells, strict=True)
    labels = {column.title: entry.prediction for column, entry in cells}
    assert labels["wos micro"] == labels["Avg micro"] == "not comparable"
    assert labels["rcv1 micro"] in ("≈", "<", ">")


def with_sources(**scores: Any) -> SweepFile:
    """Two sources; HiAGM's scores on WOS are those given for the first one."""
    return sweep(
        published={
            "first": {"source": "First.", "scores": {"hiagm/none": {"wos": scores}}},
            "second": {
                "source": "Second.",
                "scores": {"hiagm/none": {"wos": {"micro_f1": 70.0}}, "hitin/masking": {"nyt": {"macro_f1": 60.0}}},
                "literature": {"HBGL": {key: {"micro_f1": {"mean": 80.0, "sd": 0.3, "n": 5}} for key in DATASETS}},
            },
        }
    )


def test_the_first_source_is_held_against_ours_and_the_others_are_shown() -> None:
    table = with_sources(micro_f1=87.5)
    findings = summary_of(table, FOUND)
    assert cell(findings, "hiagm", "none", "WOS micro").published == 87.5
    assert cell(findings, "hitin", "masking", "NYT macro").published is None
    shown = {
        (row.title, row.source, column.title): number
        for row in findings.literature
        for column, number in zip(findings.columns, row.scores, strict=True)
        if number
    }
    assert {key: number.value for key, number in shown.items()} == {
        ("HiAGM", "second", "WOS micro"): 70.0,
        ("HiTIN+MTL (masking)", "second", "NYT macro"): 60.0,
        **{("HBGL", "second", f"{name} micro"): 80.0 for name in ("WOS", "RCV1", "NYT", "Avg")},
    }
    average = shown["HBGL", "second", "Avg micro"]
    assert average.sd == pytest.approx(0.3 / math.sqrt(3)) and average.runs == 5


def test_a_mean_with_spread_is_judged_by_the_two_means() -> None:
    runs = np.array(scores(FOUND, "hiagm", "none", "wos", "micro_f1"))
    theirs = np.array([87.3, 87.5, 87.9, 87.0])
    mean = {"mean": float(theirs.mean()), "sd": float(theirs.std(ddof=1)), "n": 4}
    findings = summary_of(with_sources(micro_f1=mean), FOUND)
    found = cell(findings, "hiagm", "none", "WOS micro")
    low, high = scipy.stats.ttest_ind(runs, theirs, equal_var=False).confidence_interval(0.95)
    assert found.half_width == pytest.approx((high - low) / 2 + 0.005)
    assert "as of 2 runs where the number of runs is not stated" in markdown(findings)
    assert "as of 2 runs" not in markdown(SUMMARY)


def test_a_mean_over_an_unknown_number_of_runs_counts_as_that_of_two() -> None:
    halves = [
        cell(summary_of(with_sources(micro_f1={"mean": 87.5, "sd": 0.2, **n}), FOUND), "hiagm", "none", "WOS micro")
        for n in ({}, {"n": 2}, {"n": 10})
    ]
    assert halves[0].half_width == halves[1].half_width > halves[2].half_width


def test_nothing_is_shown_where_nothing_more_is_published() -> None:
    assert SUMMARY.literature == () and summary_of(sweep(published=None), FOUND).literature == ()
