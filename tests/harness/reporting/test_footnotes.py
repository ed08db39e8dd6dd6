"""Footnotes explain what the tables show, and nothing that they do not."""

import dataclasses
import json
import re
from csv import DictReader
from typing import get_args

import pytest

from harness.analysis.summarise import find
from harness.config.trainer import BestEpoch
from harness.reporting.checklist import updated
from harness.reporting.data_files import cells_csv
from harness.reporting.footnotes import BEST_EPOCH, best_epoch, footnotes, looks, pre_registration, published_scores
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from harness.reporting.notation import MEANINGS, NONE, explained
from tests.harness.fake_sweep import TABLE_1, facts, noisy, results, sweep
from tests.harness.reporting.reports import FOUND, TABLE, every_format, fixed, grid, summary_of
from tests.journeys.test_document_level import ONE, TEN, made_up


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


def test_seeds_are_those_that_the_rows_have():
    models = {"flat": {}, "mine": {"model": "flat", "seeds": (7, 8, 9)}, "linear": {}}
    few = sweep(models=models, seeds=(1, 2), published=None)
    text = footnotes(summary_of(few, noisy(few)))[0]
    assert text.startswith("Mean ± sd (ddof 1) over each row's seeds, 2 to 3, F in points")
    alone = sweep(models={"linear": {}, "nearest": {}}, published=None)
    assert footnotes(summary_of(alone, noisy(alone)))[0] == "F in points."
    found = summary_of(alone, noisy(alone), selection=())
    assert not any(one.startswith("Best epoch") for one in footnotes(found))
    assert "none, as nothing is trained in epochs; nothing is chosen on test data." in updated("", found)


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
    sample, made = made_up({"none": 0.85, "masking": 0.93}, seeds=TEN.seeds)
    findings = find(TEN, made, facts(TEN), {"wos": sample})
    table, notes = "".join(map("".join, grid(markdown(findings))[2:])), "\n".join(footnotes(findings))
    shown = {symbol for symbol in MEANINGS if symbol in table} - {NONE}
    assert shown == {"▲", "*", "☆", "†"}
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


def text_of(table, found):
    return " ".join(published_scores(summary_of(table, found)))


def test_scores_outside_their_interval_are_counted():
    text = text_of(TABLE, fixed(TABLE))
    published = [(81 if "masking" in row else 80, score) for row, scores in TABLE_1.items() for score in scores]
    outside = sum(abs(score - mean) > 0.8 for mean, score in published)
    assert f"{outside} of 36 published scores lie outside their interval (averages not counted); about 1.8" in text
    assert "≈ agrees, > is higher, < is lower, by the 95 % prediction interval" in text
    assert "Published: HiMTL, Table 1, one run." in text


def test_too_few_seeds_judge_nothing():
    for seeds, words in (((1,), "n/a: fewer than 2 seeds."), ((1, 2), "uninformative: inside an interval of fewer")):
        few = sweep(seeds=seeds)
        text = text_of(few, noisy(few))
        assert f"Published numbers that are not judged. {words}" in text and "prediction interval" not in text


def test_what_lies_inside_an_interval_that_says_little_counts_among_the_published_scores():
    scores = {"hiagm/none": {"wos": {"micro_f1": 80.0}}}
    few = sweep(seeds=(1, 2), published={"paper": {"source": "made up", "scores": scores}})
    found = results(few, lambda model, merge, dataset, seed, metric: 80 + 0.1 * seed)
    assert "0 of 1 published scores lie outside" in text_of(few, found)
    far = [dataclasses.replace(one, scores={key: score - 9 for key, score in one.scores.items()}) for one in found]
    assert "1 of 1 published scores lie outside" in text_of(few, far)


def test_a_subset_of_the_documents_is_not_compared():
    subset = sweep(datasets={key: {"train_documents": 9} for key in ("wos", "rcv1", "nyt")})
    text = text_of(subset, noisy(subset))
    assert "not comparable: trained on fewer documents than the published run." in text
    assert "prediction interval" not in text


def test_without_published_scores_there_is_nothing_to_say():
    bare = sweep(published=None)
    assert text_of(bare, fixed(bare)) == ""


def test_the_rule_of_the_best_epoch_is_named():
    (text,) = best_epoch(summary_of(TABLE, [], selection=("macro", "per_metric")))
    macro, per_metric = text.split(" / ")
    assert macro == "Best epoch: every metric from the epoch with the best validation macro F"
    assert per_metric.startswith("micro F from the epoch with the best validation micro F, macro F from the one")


def test_every_rule_of_a_sweep_file_has_words():
    assert set(BEST_EPOCH) == set(get_args(BestEpoch))


@pytest.mark.parametrize(("number", "is_more"), [(0, False), (1, False), (2, True)])
def test_looks_are_counted_and_more_than_one_is_told(number, is_more):
    counted, *more = looks(summary_of(TABLE, [], looks=number))
    assert counted == f"Planned n = 10, looks = {number}."
    assert [text.partition(":")[0] for text in more] == ["More looks than the planned one"] * is_more


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "yes (plan 0123456789ab, frozen 2026-01-01T00:00:00+00:00), and followed."),
        ({"frozen": ""}, "no; no plan was frozen before the first trial."),
        ({"num_older": 3}, "no; 3 results are older than the plan 0123456789ab, frozen 2026-01-01T00:00:00+00:00."),
        ({"changes": ("seeds: 1 -> 2", "x")}, "and not followed: seeds: 1 -> 2, x."),
    ],
)
def test_a_plan_is_frozen_and_followed_or_not(change, words):
    registration = dataclasses.replace(facts(TABLE).registration, **change)
    (text,) = pre_registration(summary_of(TABLE, [], registration=registration))
    assert text.startswith("Pre-registered: ") and text.endswith(words)


def test_oddities_are_told():
    found = FOUND[:]
    found[0] = dataclasses.replace(found[0], scores={"micro_f1": 2.0, "macro_f1": float("nan")})
    found = [dataclasses.replace(one, predictions_sha256="x") if one.merge == "masking" else one for one in found]
    text = markdown(summary_of(TABLE, found))
    assert (
        "Collapsed runs, which stay in every number (the same labels for every document, or no score as high as "
        "that can have, or a score more than 10 points and 10 median absolute deviations below all others): HiAGM on "
        "WOS micro 1/10." in text
    )
    assert "NaN or infinite scores, which count as missing: 1." in text
    assert "The seed had no effect (equal predictions), so all seeds count as one: HiAGM+MTL (mask" in text
    assert {row[3].endswith("<br>n=1, seeds alike") for row in grid(text) if row[0].endswith("(masking)")} == {True}
    assert "No star in 16 of 32 comparisons: the seed had no effect" in text


def test_cells_with_batches_in_parts_are_marked():
    text = markdown(summary_of(TABLE, FOUND))
    assert "‡" not in text
    found = [
        dataclasses.replace(one, micro_batches=4)
        if (one.model, one.merge, one.dataset) == ("hitin", "masking", "nyt") and one.seed in (2, 7)
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    text = markdown(findings)
    marked = {(row[0], column) for row in grid(text) for column, cell in enumerate(row) if "‡" in cell}
    # On its dataset, and in the averages that it is in.
    assert marked == {("HiTIN+MTL (masking)", column) for column in (5, 6, 7, 8)}
    assert (
        "‡ out of memory, so trained on batches cut into parts whose gradients are added up; batch statistics and "
        "dropout are those of the parts. Trials, with the parts of a batch: HiTIN+MTL (masking) on NYT seed 2 (4), "
        "HiTIN+MTL (masking) on NYT seed 7 (4)." in text
    )
    assert r"$\ddagger$" in latex(findings) and "‡" not in latex(findings)


def improving(found, **where):
    """The same results, as trained to the end; those whose fields have the given values were still improving."""
    return [
        dataclasses.replace(one, still_improving=all(getattr(one, name) in value for name, value in where.items()))
        for one in found
    ]


def test_rows_that_were_still_improving_are_marked_in_every_format():
    # 16 and 15 of the 30 runs of a row, and its controls none.
    found = improving(FOUND, model=("hiagm",), merge=("masking",), dataset=("wos", "rcv1"), seed=range(1, 9))
    text, tex, runs, _, as_json = every_format(findings := summary_of(TABLE, found))
    assert "Convergence: in 16 of 180 runs a best epoch is the last one allowed." in text
    sentence = "so it is in most runs of the row, and more training may change its scores."
    assert f"- ↗ {sentence}" in text and rf"$\nearrow$ {sentence}" in tex
    assert [row[0] for row in grid(text)[2:] if "↗" in row[0]] == ["HiAGM+MTL (masking)↗"]
    assert r"HiAGM+MTL (masking)$\nearrow$" in tex and "↗" not in tex
    assert {row["title"]: row["still_improving"] for row in json.loads(as_json)["rows"]} == {
        row.title: row.title == "HiAGM+MTL (masking)" for row in findings.rows
    }
    cells = list(DictReader(cells_csv(findings).splitlines()))
    assert {row["row"] for row in cells if row["row_still_improving"] == "True"} == {"HiAGM+MTL (masking)"}
    numbers = {row["column"]: row["num_improving"] for row in cells if row["row"] == "HiAGM+MTL (masking)"}
    assert (numbers["WOS micro"], numbers["NYT macro"], numbers["Avg micro"]) == ("8", "0", "16")
    assert sum(row["still_improving"] == "True" for row in DictReader(runs.splitlines())) == 16
    half = improving(FOUND, model=("hiagm",), merge=("masking",), seed=range(1, 6))
    text = markdown(summary_of(TABLE, half))
    assert "in 15 of 180 runs" in text and "↗" not in text, "half of them are not most"


def test_nothing_is_said_of_convergence_where_trials_have_no_epochs():
    text, *_ = every_format(summary_of(TABLE, FOUND))
    assert "Convergence" not in text and "↗" not in text
    mixed = [dataclasses.replace(one, still_improving=True) if one.model == "hiagm" else one for one in FOUND]
    assert "in 90 of 90 runs" in markdown(summary_of(TABLE, mixed))


def test_a_label_without_gold_is_counted():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    sample.support_L[[0, 3]] = 0
    text = markdown(find(ONE, made, facts(ONE), {"wos": sample}))
    assert "Labels that no test document has, and that stay in the denominator of macro F: wos 2." in text
