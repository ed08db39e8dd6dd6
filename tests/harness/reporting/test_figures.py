"""Figures draw what their CSV says, are the same bytes again, and stay away where there is nothing to draw."""

import csv
import dataclasses
import re
from pathlib import Path

import matplotlib.colors
import pytest

from harness.analysis.findings import LabelDifference
from harness.analysis.summarise import find
from harness.reporting import figures
from harness.reporting.figures import BLUE, draw, encoded
from harness.reporting.write import write
from tests.harness.fake_sweep import facts, noisy, results, sweep, without
from tests.journeys.test_document_level import ONE, made_up

TABLE = sweep()
TIMED = [
    dataclasses.replace(one, seconds=100.0 + one.seed + 30 * (one.merge != "none") * (1 + 0.1 * (one.seed % 2)))
    for one in noisy(TABLE)
]
SUMMARY = find(TABLE, TIMED, facts(TABLE))


@pytest.fixture(scope="module")
def drawings():
    return {one.name: one for one in draw(SUMMARY)}


def columns(drawing):
    head, *rows = drawing.rows
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_what_is_there_is_drawn(drawings):
    assert list(drawings) == ["differences", "seeds", "published", "power", "times"], "no predictions, no others"
    assert all(one.caption.endswith(".") for one in drawings.values())


def test_differences_show_every_comparison(drawings):
    rows = columns(drawings["differences"])
    assert len(rows) == 32
    assert all(row["low_95"] < row["delta"] < row["high_95"] for row in rows)
    axis = drawings["differences"].figure.axes[0]
    assert axis.get_title() == "WOS micro"
    points = [line for line in axis.lines if line.get_marker() == "o"]
    expected = [item.test.difference for item in SUMMARY.comparisons if item.column.title == "WOS micro"]
    assert [line.get_xdata()[0] for line in points] == pytest.approx(expected)
    assert {matplotlib.colors.to_hex(line.get_color()).upper() for line in points} == {BLUE.upper()}
    diamonds = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "D"]
    assert diamonds == pytest.approx([0.09, -0.63, 0.44, 0.0])


def test_seeds_show_every_run(drawings):
    rows = columns(drawings["seeds"])
    assert len(rows) == 360
    one = next(row for row in rows if (row["row"], row["column"], row["seed"]) == ("HiTIN", "NYT macro", 7))
    trial = next(t for t in TIMED if (t.model, t.merge, t.dataset, t.seed) == ("hitin", "none", "nyt", 7))
    assert one["score"] == trial.scores["macro_f1"]


def test_published_scores_in_half_widths(drawings):
    rows = columns(drawings["published"])
    assert len(rows) == 48
    for row in rows:
        assert row["distance"] * row["half_width"] == pytest.approx(row["published"] - row["ours"])


def test_a_score_that_is_not_judged_is_not_drawn_as_one_that_ours_could_be():
    two = sweep(seeds=(1, 2))
    assert "published" not in {one.name for one in draw(find(two, noisy(two), facts(two)))}


def test_a_published_score_of_other_documents_is_not_drawn():
    def diamonds(table):
        drawn = {one.name: one for one in draw(find(table, noisy(table), facts(table)))}
        panels = [axis for name in ("differences", "seeds") for axis in drawn[name].figure.axes if axis.get_title()]
        return [sum(line.get_marker() == "D" for line in axis.lines) for axis in panels]

    subset = {"models": {"hiagm": {}}, "datasets": {"wos": {}, "nyt": {"train_documents": 9}}, "seeds": (1, 2, 3)}
    # Differences on WOS, NYT and the average, two metrics each; then the runs of both corpora.
    assert diamonds(sweep(**subset)) == [2, 2, 0, 0, 0, 0, 3, 3, 0, 0]


def test_power_is_asked_at_the_published_difference_or_the_smallest(drawings):
    rows = columns(drawings["power"])
    deltas = {row["delta"] for row in rows if row["row"] == "HiTIN+MTL (projection)" and row["column"] == "WOS micro"}
    assert deltas == {0.5}
    deltas = {row["delta"] for row in rows if row["row"] == "HiAGM+MTL (projection)" and row["column"] == "RCV1 macro"}
    assert deltas == {1.48}
    assert all(row["power"] > 0 for row in rows)


def test_documents_and_labels_where_predictions_are_known():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    findings = find(ONE, found, facts(ONE), {"wos": sample})
    drawn = {one.name: one for one in draw(findings)}
    (micro, _) = columns(drawn["variances"])
    documents = next(item.documents for item in findings.comparisons)
    assert micro["sd_seeds"] ** 2 + micro["sd_documents"] ** 2 == pytest.approx(documents.crossed.error**2)
    rows = columns(drawn["labels"])
    assert [LabelDifference(*row.values()) for row in rows] == list(findings.label_differences)


def test_equal_numbers_give_equal_bytes(drawings):
    again = next(one for one in draw(SUMMARY) if one.name == "differences")
    one, other = encoded(drawings["differences"]), encoded(again)
    assert one == other
    assert one["png"].startswith(b"\x89PNG") and b"RCV1 macro" in one["svg"]


def test_nothing_to_draw():
    assert list(draw(find(TABLE, [], facts(TABLE)))) == []
    one_seed = sweep(seeds=(1,), published=None)
    assert [one.name for one in draw(find(one_seed, noisy(one_seed), facts(one_seed)))] == ["seeds"]


def test_a_missing_arm_leaves_its_place_empty():
    found = without(TIMED, model="hitin", merge="masking")
    drawn = {one.name: one for one in draw(find(TABLE, found, facts(TABLE)))}
    assert len(columns(drawn["differences"])) == 24


def test_a_report_links_its_figures_and_every_link_is_a_file(tmp_path: Path):
    small = sweep(models={"hiagm": {"label": "HiAGM"}}, datasets={"wos": {}}, published=None)
    findings = find(small, results(small, lambda *place: 80.0 + place[3] % 3 + 0.1 * len(place[1])), facts(small))
    text = write(findings, tmp_path).read_text("utf-8")
    links = re.findall(r"\]\((fig/[^)]+)\)", text)
    assert len(links) >= 3 and all((tmp_path / link).is_file() for link in links)
    names = {path.name for path in (tmp_path / "fig").iterdir()}
    assert names == {Path(link).name for link in links}
    with (tmp_path / "fig" / "table1-seeds.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 60
    assert {
        "table1.md",
        "table1.tex",
        "table1.json",
        "table1-cells.csv",
        "table1-deltas.csv",
        "reproducibility.md",
    } <= {path.name for path in tmp_path.iterdir()}


def test_colours_are_apart():
    assert len(set(figures.COLOURS)) == 6
