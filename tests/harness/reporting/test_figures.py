"""Figures are drawn where their numbers say: three, and others where they are asked for and there is something."""

import matplotlib.colors
import pytest

from harness.analysis.summarise import find
from harness.reporting.drawing import BLUE
from harness.reporting.figures import differences, draw, published, seeds
from tests.harness.fake_sweep import facts, noisy, sweep, without
from tests.harness.reporting.reports import numbers
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = find(TABLE, FOUND, facts(TABLE))


def test_differences_show_every_comparison():
    rows = numbers(differences(SUMMARY))
    assert len(rows) == 32
    assert all(row["low_95"] < row["delta"] < row["high_95"] for row in rows)
    axis = differences(SUMMARY).figure.axes[0]
    assert axis.get_title() == "WOS micro"
    points = [line for line in axis.lines if line.get_marker() == "o"]
    expected = [item.test.difference for item in SUMMARY.comparisons if item.column.title == "WOS micro"]
    assert [line.get_xdata()[0] for line in points] == pytest.approx(expected)
    assert {matplotlib.colors.to_hex(line.get_color()).upper() for line in points} == {BLUE.upper()}
    marks = [item.marks for item in SUMMARY.comparisons if item.column.title == "RCV1 macro"]
    assert [text.get_text() for text in differences(SUMMARY).figure.axes[3].texts] == marks and any(marks)
    diamonds = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "D"]
    assert diamonds == pytest.approx([0.09, -0.63, 0.44, 0.0])


def test_differences_show_the_wider_interval_where_documents_count():
    sample, found = made_up({"none": 0.85, "masking": 0.87}, num_documents=2000)
    for kept in (found, [one for one in found if one.seed < 3]):
        findings = find(ONE, kept, facts(ONE), {"wos": sample})
        drawing, (item, _) = differences(findings), findings.comparisons
        thin = [line.get_xdata() for line in drawing.figure.axes[0].lines if line.get_marker() == "|"]
        assert tuple(thin[0]) == item.interval and item.interval[0] <= item.test.low
        assert "or over seeds alone where that is wider" in drawing.caption


def test_seeds_show_every_run():
    rows = numbers(seeds(SUMMARY))
    assert len(rows) == 360
    one = next(row for row in rows if (row["row"], row["column"], row["seed"]) == ("HiTIN", "NYT macro", 7))
    trial = next(t for t in FOUND if (t.model, t.merge, t.dataset, t.seed) == ("hitin", "none", "nyt", 7))
    assert one["score"] == trial.scores["macro_f1"]


def test_published_scores_in_half_widths():
    rows = numbers(published(SUMMARY))
    assert len(rows) == 48
    for row in rows:
        assert row["distance"] * row["half_width"] == pytest.approx(row["published"] - row["ours"])


def test_a_score_that_is_not_judged_is_not_drawn_as_one_that_ours_could_be():
    two = sweep(seeds=(1, 2))
    assert published(find(two, noisy(two), facts(two))) is None


def test_a_published_score_of_other_documents_is_not_drawn():
    def diamonds(table):
        findings = find(table, noisy(table), facts(table))
        panels = [axis for one in (differences, seeds) for axis in one(findings).figure.axes if axis.get_title()]
        return [sum(line.get_marker() == "D" for line in axis.lines) for axis in panels]

    subset = {"models": {"hiagm": {}}, "datasets": {"wos": {}, "nyt": {"train_documents": 9}}, "seeds": (1, 2, 3)}
    # Differences on WOS, NYT and the average, two metrics each; then the runs of both corpora.
    assert diamonds(sweep(**subset)) == [2, 2, 0, 0, 0, 0, 3, 3, 0, 0]


def test_a_missing_arm_leaves_its_place_empty():
    found = without(FOUND, model="hitin", merge="masking")
    assert len(numbers(differences(find(TABLE, found, facts(TABLE))))) == 24


def names(findings, *which):
    return [one.name for one in draw(findings, *which)]


def test_a_report_has_four_figures_unless_all_are_asked_for():
    assert names(SUMMARY) == names(SUMMARY, "main") == ["differences", "seeds", "published", "ranks"]
    assert names(SUMMARY, "all") == ["differences", "seeds", "published", "ranks", "power"], "no predictions, no others"
    assert all(one.caption.endswith(".") for one in draw(SUMMARY, "all"))


def test_figures_of_documents_need_predictions():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    findings = find(ONE, found, facts(ONE), {"wos": sample})
    assert names(findings, "all") == ["differences", "seeds", "variances", "power", "labels"]


def test_nothing_to_draw():
    assert names(find(TABLE, [], facts(TABLE)), "all") == []
    one_seed = sweep(seeds=(1,), published=None)
    assert names(find(one_seed, noisy(one_seed), facts(one_seed)), "all") == ["seeds"]
