"""Cells of the table: mean, spread, bold, underlined, published scores, counts of trials."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats

from harness.analysis.summarise import find
from harness.stats.collapse import best_constant
from tests.harness.fake_sweep import (
    AVERAGES,
    DATASETS,
    cell,
    facts,
    noisy,
    result,
    results,
    scores,
    summary_of,
    sweep,
    the,
    with_effect,
    without,
)
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)
MERGES = {"every": None, "without": ("masking", "projection"), "single": ("none",), "one": ("none", "projection")}
OWN = sweep(
    models={name: {"model": "hiagm", **({"merges": chosen} if chosen else {})} for name, chosen in MERGES.items()},
    published=None,
)


def test_published_averages_are_those_of_the_paper():
    for row, (micro, macro) in AVERAGES.items():
        model, merge = row.split("/")
        assert cell(SUMMARY, model, merge, "Avg micro").published == micro
        assert cell(SUMMARY, model, merge, "Avg macro").published == macro
    assert the(SUMMARY, "hiagm", "masking", "Avg micro").published == 0.05
    assert the(SUMMARY, "hitin", "masking", "Avg micro").published == 0.0
    assert the(SUMMARY, "hiagm", "projection", "RCV1 macro").published == 1.48


def test_the_p_of_a_published_score_is_that_of_a_further_run():
    values = scores(FOUND, "hitin", "none", "nyt", "micro_f1")
    distance = abs(79.75 - sum(values) / 10) / (scipy.stats.tstd(values) * math.sqrt(1 + 1 / 10))
    found = cell(SUMMARY, "hitin", "none", "NYT micro")
    assert found.p_published == pytest.approx(2 * scipy.stats.t.sf(distance, 9)) and found.prediction == "≈"


def test_cells_are_mean_and_sample_sd():
    values = scores(FOUND, "hiagm", "masking", "rcv1", "macro_f1")
    found = cell(SUMMARY, "hiagm", "masking", "RCV1 macro")
    assert found.mean == pytest.approx(sum(values) / 10)
    assert found.sd == pytest.approx(scipy.stats.tstd(values))
    parts = [cell(SUMMARY, "hiagm", "masking", f"{key.upper()} macro") for key in DATASETS]
    average = cell(SUMMARY, "hiagm", "masking", "Avg macro")
    assert average.mean == pytest.approx(sum(part.mean for part in parts) / 3)
    assert average.sd == pytest.approx(math.sqrt(sum(part.sd**2 for part in parts)) / 3)


def test_bold_is_the_confidence_set_and_underline_the_maximum():
    _, _, findings = with_effect(1.0)
    group = {merge: cell(findings, "hiagm", merge, "WOS micro") for merge in ("none", "masking", "projection")}
    assert {merge for merge, found in group.items() if found.bold} == {"masking"}
    assert {merge for merge, found in group.items() if found.underlined} == {"masking"}
    assert not any(cell(findings, "hitin", merge, "RCV1 micro").bold for merge in ("none", "masking", "projection"))
    _, _, findings = with_effect(-1.0)
    bold = {merge for merge in ("none", "masking", "projection") if cell(findings, "hiagm", merge, "WOS micro").bold}
    assert bold == {"none", "projection"}


def test_failed_and_missing_trials_are_counted_apart():
    found = without(FOUND, model="hiagm", merge="none", dataset="wos", seed=1)
    place = next(i for i, one in enumerate(found) if (one.model, one.merge, one.dataset) == ("hiagm", "none", "wos"))
    found[place] = result("hiagm", "none", "wos", found[place].seed, None)
    entry = cell(summary_of(TABLE, found), "hiagm", "none", "WOS micro")
    assert (entry.num_done, entry.num_failed, entry.num_planned) == ((8,), 1, 10)


def test_an_average_needs_every_dataset():
    partial = summary_of(TABLE, without(FOUND, model="hiagm", merge="none", dataset="nyt"))
    assert math.isnan(cell(partial, "hiagm", "none", "Avg micro").mean)
    assert not math.isnan(cell(partial, "hiagm", "none", "RCV1 micro").mean)


def test_runs_that_score_below_the_best_constant_prediction_have_collapsed():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    least = {metric: best_constant(metric, sample.support_L, 400) for metric in ("micro_f1", "macro_f1")}
    assert all(40 < score < 60 for score in least.values())
    # Below on both, on one, on none; a run that beats it on micro F has learnt something, whatever its macro F.
    for micro, macro, num in ((-1.0, -1.0, 5), (1.0, -1.0, 0), (-1.0, 1.0, 0), (1.0, 1.0, 0)):
        found = [
            dataclasses.replace(
                one,
                scores={
                    metric: least[metric] + offset + 0.1 * one.seed / 5
                    for metric, offset in (("micro_f1", micro), ("macro_f1", macro))
                },
            )
            if one.merge == "none"
            else one
            for one in made
        ]
        for column in ("wos micro", "wos macro"):
            assert cell(find(ONE, found, facts(ONE), {"wos": sample}), "hiagm", "none", column).num_collapsed == num
            assert cell(find(ONE, found, facts(ONE)), "hiagm", "none", column).num_collapsed == 0, "nothing is known"


def test_no_run_has_collapsed_that_is_two_points_below_others_that_agree():
    scores_of = dict(zip(TABLE.seeds, [75.8, 75.7, 75.9, 75.8, 73.3, 75.8, 75.7, 75.9, 75.8, 75.8], strict=True))
    found = results(TABLE, lambda model, merge, dataset, seed, metric: scores_of[seed])
    assert {cell.num_collapsed for row in summary_of(TABLE, found).rows for cell in row.cells} == {0}


def test_a_cell_that_was_never_compared_is_not_bold():
    _, found, _ = with_effect(1.0)
    for left_out in (
        [one for one in found if (one.model, one.merge) != ("hiagm", "projection") or one.seed == 1],
        [
            dataclasses.replace(one, predictions_sha256="same")
            if (one.model, one.merge) == ("hiagm", "projection")
            else one
            for one in found
        ],
        [
            dataclasses.replace(one, made_on="elsewhere") if (one.model, one.merge) == ("hiagm", "projection") else one
            for one in found
        ],
    ):
        findings = summary_of(sweep(published=None), left_out)
        group = {merge: cell(findings, "hiagm", merge, "WOS micro").bold for merge in ("none", "masking", "projection")}
        assert group == {"none": False, "masking": True, "projection": False}


def test_the_best_is_that_of_a_models_own_merges() -> None:
    gain = {"none": 0.0, "masking": 1.0, "projection": 2.0}
    rng = np.random.default_rng(4)
    findings = summary_of(OWN, results(OWN, lambda model, merge, *place: 80 + gain[merge] + float(rng.normal(0, 0.05))))
    bold = {
        (row.model, row.merge)
        for row in findings.rows
        for column, cell in zip(findings.columns, row.cells, strict=True)
        if cell.bold and column.title == "WOS micro"
    }
    assert bold == {("every", "projection"), ("without", "projection"), ("one", "projection")}
    assert not cell(findings, "single", "none", "WOS micro").underlined, "nothing to be higher than"
