"""Footnotes explain what the tables show, and nothing that they do not."""

import json
import re

import pytest

from harness.analysis.summarise import find
from harness.reporting.footnotes import footnotes
from harness.reporting.markdown import markdown
from harness.reporting.symbols import MEANINGS, NONE, explained
from tests.harness.fake_sweep import facts, noisy, sweep
from tests.harness.reporting.reports import FOUND, TABLE, every_format, fixed, grid, summary_of
from tests.journeys.test_document_level import ONE, made_up


def test_footnotes_follow_the_order_in_which_a_table_is_read():
    notes = footnotes(summary_of(TABLE, fixed(TABLE)))
    starts = ["Mean ±", "Avg is", "Among the merges", "In brackets", "▲ better", "Best epoch", "Planned n", "Pre-reg"]
    places = [next(place for place, note in enumerate(notes) if note.startswith(start)) for start in starts]
    assert places == sorted(places)


def test_without_averages_and_published_scores_nothing_is_said_of_them():
    one = sweep(datasets={"wos": {}}, published=None)
    text = " ".join(footnotes(summary_of(one, fixed(one)))).lower()
    assert "avg" not in text and "averages" not in text and "published" not in text


@pytest.mark.parametrize(("seeds", "words"), [((1,), "One seed: F in points"), ((1, 2), "Mean ± sd (ddof 1) over 2")])
def test_spread_is_explained_where_there_is_one(seeds, words):
    few = sweep(seeds=seeds)
    assert footnotes(summary_of(few, noisy(few)))[0].startswith(words)


def test_rows_of_a_reconstruction_are_marked_wherever_they_stand_and_a_footnote_says_why():
    models = {"hiagm": {"label": "HiAGM"}, "mine": {"model": "hmgdn", "label": "HMGDN"}}
    with_one = sweep(models=models, published=None)
    text, tex, *_, as_json = every_format(summary_of(with_one, fixed(with_one)))
    signs = [("HiAGM", ""), ("HMGDN", "§")]
    rows = [f"{label}{sign}{merge}" for label, sign in signs for merge in ("", "+MTL (masking)", "+MTL (projection)")]
    assert [row[0] for row in grid(text)[2:]] == rows
    assert {row[0] for row in grid(text, "Comparisons")[2:]} == {rows[1], rows[2], rows[4], rows[5]}
    assert {row["title"] for row in json.loads(as_json)["rows"]} == {*rows}
    sentence = "a reconstruction, whose scores are not those of the published model. HMGDN (built from one sentence"
    assert f"- § {sentence}" in text and rf"\S{{}} {sentence}" in tex
    assert r"HMGDN\S{}+MTL (masking)" in tex and tex.isascii()
    assert "§" not in markdown(summary_of(TABLE, FOUND))


def test_every_symbol_of_the_main_table_is_explained_once():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    findings = find(ONE, made, facts(ONE), {"wos": sample})
    table, notes = "".join(map("".join, grid(markdown(findings))[2:])), "\n".join(footnotes(findings))
    shown = {symbol for symbol in MEANINGS if symbol in table} - {NONE}
    assert shown == {"▲", "*", "†"}
    for symbol in shown:
        words = re.escape(explained(symbol))
        assert len(re.findall(rf"(?<!\S){words}", notes)) == 1


def test_what_few_pairs_cannot_reach_is_said_of_holm():
    few = sweep(seeds=(1, 2, 3, 4, 5))
    assert "the exact sign flip cannot reach .05 after Holm" in markdown(summary_of(few, noisy(few)))


def test_a_sampled_sign_flip_is_not_called_exact():
    many = sweep(seeds=tuple(range(14)), models={"hiagm": {}}, merges=("none", "masking"), published=None)
    text = markdown(summary_of(many, noisy(many)))
    assert (
        "The sign flip is exact up to 40 differences; of more, as in an average over many seeds, it is sampled" in text
    )
    assert "sampled" not in markdown(summary_of(TABLE, FOUND)), "30 in an average"
