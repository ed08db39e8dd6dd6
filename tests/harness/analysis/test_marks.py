"""Stars after Holm over planned families: oracle, direction, level, what moves none of them."""

import dataclasses
import math

import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from harness.analysis.design import num_comparisons
from harness.analysis.marks import marks_of
from harness.analysis.summarise import find
from tests.harness.fake_sweep import (
    cell,
    facts,
    noisy,
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


def test_two_families_of_planned_size():
    assert num_comparisons(TABLE) == {"averages": 8, "datasets": 24}
    for family, size in num_comparisons(TABLE).items():
        members = [item for item in SUMMARY.comparisons if item.family == family]
        raw = [item.test.p for item in members]
        assert len(raw) == size
        assert [item.p_holm for item in members] == pytest.approx(multipletests(raw, method="holm")[1])
        assert [item.q_bh for item in members] == pytest.approx(multipletests(raw, method="fdr_bh")[1])
    arms = [scores(FOUND, "hitin", merge, "nyt", "micro_f1") for merge in ("masking", "none")]
    assert the(SUMMARY, "hitin", "masking", "NYT micro").test.p == pytest.approx(scipy.stats.ttest_rel(*arms).pvalue)


def test_a_missing_comparison_counts_with_one_and_shrinks_nothing():
    partial = summary_of(TABLE, without(FOUND, model="hitin", merge="projection"))
    family = [item for item in partial.comparisons if item.family == "datasets"]
    least = min((item for item in family if not math.isnan(item.test.p)), key=lambda item: item.test.p)
    assert least.p_holm == pytest.approx(24 * least.test.p)
    gone = the(partial, "hitin", "projection", "WOS micro")
    assert (gone.test.status, gone.marks, gone.test.num_pairs) == ("too few pairs", "", (0,))
    assert math.isnan(gone.p_holm)


def test_swapping_base_and_variant_negates_the_difference():
    two = {"merges": ("none", "masking"), "published": None}
    found = noisy(sweep(**two))
    forth = summary_of(sweep(**two), found)
    back = summary_of(sweep(statistics={"base": "masking"}, **two), found)
    for one, other in zip(forth.comparisons, back.comparisons, strict=True):
        assert (one.test.difference, one.test.p, one.p_holm) == (-other.test.difference, other.test.p, other.p_holm)
        assert one.p_exact == other.p_exact
        assert one.marks.translate(str.maketrans("▲▼", "▼▲")) == other.marks


def test_adding_a_constant_to_every_score_keeps_every_p():
    moved = [
        dataclasses.replace(one, scores={metric: score + 7 for metric, score in one.scores.items()}) for one in FOUND
    ]
    for one, other in zip(SUMMARY.comparisons, summary_of(TABLE, moved).comparisons, strict=True):
        assert other.test.p == pytest.approx(one.test.p, rel=1e-6)
        assert (other.p_exact, other.marks) == (one.p_exact, one.marks)


def test_stars_have_a_direction_and_a_level():
    for gain, arrow in ((1.0, "▲"), (-1.0, "▼")):
        _, _, findings = with_effect(gain)
        assert cell(findings, "hiagm", "masking", "WOS micro").marks == f"{arrow}***"
        assert cell(findings, "hiagm", "masking", "Avg micro").marks == f"{arrow}***"
        assert {item.marks for item in findings.comparisons if "micro" not in item.column.title} == {""}
        assert all(cell.marks == "" for row in findings.rows if row.merge == "none" for cell in row.cells)


def test_four_seeds_give_no_star_and_say_why():
    _, _, findings = with_effect(1.0, seeds=4)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert item.p_holm < 0.05
    assert (item.marks, item.obstacle) == ("", "4 complete pairs; a star needs at least 5")
    assert cell(findings, "hiagm", "masking", "Avg micro").marks == ""


def test_controls_stand_outside_the_families():
    sweep_file = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    found = noisy(sweep_file)
    findings = summary_of(sweep_file, found)
    alone = summary_of(sweep(models={"hiagm": {}}, published=None), [one for one in found if one.model == "hiagm"])
    assert [item.p_holm for item in findings.comparisons] == [item.p_holm for item in alone.comparisons]
    assert {item.model for item in findings.control_comparisons} == {"flat"}
    assert all(math.isnan(item.p_holm) and item.marks == "" for item in findings.control_comparisons)
    assert [row.control for row in findings.rows] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("p", "alpha", "stars"),
    [(0.05, 0.05, ""), (0.049, 0.05, "*"), (0.01, 0.05, "*"), (0.0099, 0.05, "**"), (0.0009, 0.05, "***")]
    + [(0.02, 0.01, ""), (0.009, 0.01, "*"), (0.0009, 0.01, "**"), (float("nan"), 0.05, "")],
)
def test_stars_count_the_levels_below_which_p_is(p: float, alpha: float, stars: str) -> None:
    sample, found = made_up({"none": 0.85, "masking": 0.93})
    (item, _) = find(ONE, found, facts(ONE), {"wos": sample}).comparisons
    low, high = item.documents.crossed.interval() if item.documents else (0.0, 0.0)
    assert 0 < low < high
    assert marks_of(item, p, alpha) == (f"▲{stars}†" if stars else "")
    alone = dataclasses.replace(item, documents=None)
    assert marks_of(alone, p, alpha) == (f"▲{stars}" if stars else "")
    falls = dataclasses.replace(alone, test=dataclasses.replace(item.test, difference=-1.0))
    assert marks_of(falls, p, alpha) == (f"▼{stars}" if stars else "")
