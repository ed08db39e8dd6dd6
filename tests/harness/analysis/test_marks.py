"""Stars after Holm over planned families: oracle, direction, level, what moves none of them."""

import dataclasses
import math

import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from harness.analysis.design import num_comparisons
from harness.analysis.marks import marks_of
from tests.harness.fake_sweep import (
    cell,
    noisy,
    scores,
    summary_of,
    sweep,
    the,
    with_effect,
    without,
)

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
        assert cell(findings, "hiagm", "masking", "WOS micro").marks == f"{arrow}*☆☆", "24 x 2 / 2^10 is .047"
        assert cell(findings, "hiagm", "masking", "Avg micro").marks.startswith(f"{arrow}*")
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
    assert {item.contrast.row.model for item in findings.control_comparisons} == {"flat"}
    assert all(math.isnan(item.p_holm) and item.marks == "" for item in findings.control_comparisons)
    assert [row.control for row in findings.rows] == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("p", "alpha", "stars"),
    [(0.05, 0.05, ""), (0.049, 0.05, "*"), (0.01, 0.05, "*"), (0.0099, 0.05, "**"), (0.0009, 0.05, "***")]
    + [(0.02, 0.01, ""), (0.009, 0.01, "*"), (0.0009, 0.01, "**"), (math.nan, 0.05, "")],
)
def test_stars_count_the_levels_below_which_p_is(p: float, alpha: float, stars: str) -> None:
    item = the(SUMMARY, "hiagm", "projection", "RCV1 macro")
    assert item.test.difference > 0
    falls = dataclasses.replace(item, test=dataclasses.replace(item.test, difference=-1.0))
    for arrow, one in (("▲", item), ("▼", falls)):
        for p_wider, dagger in ((alpha - 1e-9, "†"), (alpha, ""), (math.nan, "")):
            assert marks_of(one, alpha, p, p, p_wider) == (f"{arrow}{stars}{dagger}" if stars else "")
            assert marks_of(one, alpha, p, alpha, p_wider) == (f"{arrow}{'☆' * len(stars)}" if stars else "")


@pytest.mark.parametrize(
    ("p_exact", "stars"), [(0.05, "☆☆☆"), (0.049, "*☆☆"), (0.01, "*☆☆"), (0.0099, "**☆"), (0.0009, "***")]
)
def test_a_star_is_full_where_the_exact_test_is_below_its_level_too(p_exact: float, stars: str) -> None:
    item = the(SUMMARY, "hiagm", "projection", "RCV1 macro")
    assert marks_of(item, 0.05, 0.0001, p_exact, math.nan) == f"▲{stars}"


def test_exact_and_wider_p_are_corrected_over_the_planned_family():
    for family in num_comparisons(TABLE):
        members = [item for item in SUMMARY.comparisons if item.family == family]
        exact = multipletests([item.p_exact for item in members], method="holm")[1]
        assert [item.p_exact_holm for item in members] == pytest.approx(exact)
    partial = summary_of(TABLE, without(FOUND, model="hitin", merge="projection"))
    family = [item for item in partial.comparisons if item.family == "datasets"]
    least = min((item for item in family if not math.isnan(item.p_exact)), key=lambda item: item.p_exact)
    assert least.p_exact_holm == 24 * least.p_exact, "a missing one counts with 1"
    assert all(math.isnan(item.p_wider_holm) for item in SUMMARY.comparisons), "no predictions"


def test_ten_seeds_fill_one_star_of_24_tests_and_sixteen_all_three():
    for seeds, marks in ((9, "▲☆☆☆"), (10, "▲*☆☆"), (12, "▲*☆☆"), (13, "▲**☆"), (16, "▲***")):
        assert cell(with_effect(1.0, seeds=seeds)[2], "hiagm", "masking", "WOS micro").marks == marks


def test_simultaneous_intervals_exclude_zero_where_a_star_stands():
    for findings in (SUMMARY, with_effect(1.0)[2], with_effect(-1.0)[2]):
        arrows = {item.marks[:1] for item in findings.comparisons} - {""}
        for item in findings.comparisons:
            low, high = item.simultaneous
            assert low < item.test.difference < high
            excludes = low >= 0 or high <= 0
            assert excludes == bool(item.marks) if len(arrows) == 1 else not excludes or item.marks
    few = with_effect(1.0, seeds=4)[2].comparisons
    assert all(math.isnan(end) for item in few for end in item.simultaneous), "no star is possible"
