import dataclasses
import math
import random

import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from harness.analysis.design import num_comparisons
from harness.analysis.summarise import find
from harness.reporting.data_files import json_text
from tests.harness.fake_sweep import AVERAGES, DATASETS, facts, noisy, result, results, sweep, without


def summary_of(sweep_file, found, **changes):
    return find(sweep_file, found, facts(sweep_file, **changes))


def the(findings, model, merge, label):
    return next(
        item
        for item in (*findings.comparisons, *findings.control_comparisons)
        if (item.model, item.merge, item.column.title) == (model, merge, label)
    )


def cell(findings, model, merge, label):
    row = next(row for row in findings.rows if (row.model, row.merge) == (model, merge))
    return next(cell for column, cell in zip(findings.columns, row.cells, strict=True) if column.title == label)


def scores(found, model, merge, dataset, metric):
    chosen = [one for one in found if (one.model, one.merge, one.dataset) == (model, merge, dataset)]
    return [one.scores[metric] for one in sorted(chosen, key=lambda one: one.seed) if one.scores]


TABLE = sweep()
FOUND = noisy(TABLE)
SUMMARY = summary_of(TABLE, FOUND)


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


def test_two_families_of_planned_size():
    assert num_comparisons(TABLE) == {"A": 8, "B": 24} == SUMMARY.family_sizes
    for family in "AB":
        members = [item for item in SUMMARY.comparisons if item.family == family]
        raw = [item.test.p for item in members]
        assert len(raw) == SUMMARY.family_sizes[family]
        assert [item.p_holm for item in members] == pytest.approx(multipletests(raw, method="holm")[1])
        assert [item.q_bh for item in members] == pytest.approx(multipletests(raw, method="fdr_bh")[1])
    arms = [scores(FOUND, "hitin", merge, "nyt", "micro_f1") for merge in ("masking", "none")]
    assert the(SUMMARY, "hitin", "masking", "NYT micro").test.p == pytest.approx(scipy.stats.ttest_rel(*arms).pvalue)


def test_family_sizes_of_other_plans():
    assert num_comparisons(sweep(datasets={"wos": {}}, published=None)) == {"A": 0, "B": 8}
    assert num_comparisons(sweep(merges=("masking", "projection"), published=None)) == {"A": 0, "B": 0}
    control = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    assert num_comparisons(control) == {"A": 4, "B": 12}


def test_a_missing_comparison_counts_with_one_and_shrinks_nothing():
    partial = summary_of(TABLE, without(FOUND, model="hitin", merge="projection"))
    family = [item for item in partial.comparisons if item.family == "B"]
    least = min((item for item in family if not math.isnan(item.test.p)), key=lambda item: item.test.p)
    assert least.p_holm == pytest.approx(24 * least.test.p)
    gone = the(partial, "hitin", "projection", "WOS micro")
    assert (gone.test.status, gone.marks, gone.test.num_pairs) == ("too few pairs", "", (0,))
    assert math.isnan(gone.p_holm)


def test_order_of_outcomes_changes_no_byte():
    shuffled = FOUND[:]
    random.Random(3).shuffle(shuffled)
    assert json_text(summary_of(TABLE, shuffled)) == json_text(SUMMARY)


def test_swapping_base_and_variant_negates_the_difference():
    two = {"merges": ("none", "masking"), "published": None}
    found = noisy(sweep(**two))
    forth = summary_of(sweep(**two), found)
    back = summary_of(sweep(statistics={"base": "masking"}, **two), found)
    for one, other in zip(forth.comparisons, back.comparisons, strict=True):
        assert (one.test.difference, one.test.p, one.p_holm) == (-other.test.difference, other.test.p, other.p_holm)
        assert one.p_sign_flip == other.p_sign_flip
        assert one.marks.translate(str.maketrans("▲▼", "▼▲")) == other.marks


def test_adding_a_constant_to_every_score_keeps_every_p():
    moved = [
        dataclasses.replace(one, scores={metric: score + 7 for metric, score in one.scores.items()}) for one in FOUND
    ]
    for one, other in zip(SUMMARY.comparisons, summary_of(TABLE, moved).comparisons, strict=True):
        assert other.test.p == pytest.approx(one.test.p, rel=1e-6)
        assert (other.p_sign_flip, other.marks) == (one.p_sign_flip, one.marks)


def with_effect(gain, seeds=10, **changes):
    """HiAGM+masking differs from its base by about `gain` on WOS micro, and from nothing elsewhere."""
    sweep_file = sweep(seeds=tuple(range(1, seeds + 1)), published=None, **changes)
    rng = random.Random(1)
    base = {}

    def score(model, merge, dataset, seed, metric):
        value = base.setdefault((model, dataset, seed, metric), 80 + rng.gauss(0, 0.3)) + rng.gauss(0, 0.05)
        return value + gain * (model == "hiagm" and merge == "masking" and dataset == "wos" and metric == "micro_f1")

    found = results(sweep_file, score)
    return sweep_file, found, summary_of(sweep_file, found)


def test_stars_have_a_direction_and_a_level():
    for gain, arrow in ((1.0, "▲"), (-1.0, "▼")):
        _, _, findings = with_effect(gain)
        assert cell(findings, "hiagm", "masking", "WOS micro").marks == f"{arrow}***"
        assert cell(findings, "hiagm", "masking", "Avg micro").marks == f"{arrow}***"
        assert {item.marks for item in findings.comparisons if "micro" not in item.column.title} == {""}
        assert all(cell.marks == "" for row in findings.rows if row.merge == "none" for cell in row.cells)


def test_bold_is_the_confidence_set_and_underline_the_maximum():
    _, _, findings = with_effect(1.0)
    group = {merge: cell(findings, "hiagm", merge, "WOS micro") for merge in ("none", "masking", "projection")}
    assert {merge for merge, found in group.items() if found.bold} == {"masking"}
    assert {merge for merge, found in group.items() if found.underlined} == {"masking"}
    assert not any(cell(findings, "hitin", merge, "RCV1 micro").bold for merge in ("none", "masking", "projection"))
    _, _, findings = with_effect(-1.0)
    bold = {merge for merge in ("none", "masking", "projection") if cell(findings, "hiagm", merge, "WOS micro").bold}
    assert bold == {"none", "projection"}


def test_four_seeds_give_no_star_and_say_why():
    _, _, findings = with_effect(1.0, seeds=4)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert item.p_holm < 0.05
    assert (item.marks, item.obstacle) == ("", "4 complete pairs; a star needs at least 5")
    assert cell(findings, "hiagm", "masking", "Avg micro").marks == ""


def test_flag_p_where_the_sign_flip_cannot_survive_holm():
    assert "P" in the(with_effect(1.0, seeds=9)[2], "hiagm", "masking", "WOS micro").flags
    assert "P" not in the(with_effect(1.0, seeds=10)[2], "hiagm", "masking", "WOS micro").flags
    assert "P" not in the(with_effect(1.0, seeds=9)[2], "hiagm", "masking", "Avg micro").flags


def test_flag_u_follows_the_power_at_the_published_difference():
    for item in SUMMARY.comparisons:
        assert ("U" in item.flags) == (item.power < 0.8)
    assert the(SUMMARY, "hiagm", "projection", "RCV1 macro").power > 0.99
    assert the(SUMMARY, "hitin", "projection", "RCV1 micro").power < 0.2
    assert math.isnan(the(SUMMARY, "hiagm", "masking", "Avg micro").power)


def test_a_seed_that_one_arm_lacks_is_dropped_and_flagged():
    partial = summary_of(TABLE, without(FOUND, model="hiagm", merge="none", dataset="nyt", seed=4))
    item = the(partial, "hiagm", "masking", "NYT macro")
    assert (item.test.num_pairs, item.dropped) == ((9,), ("nyt/4",))
    assert "D" in item.flags
    assert the(partial, "hiagm", "masking", "Avg macro").test.num_pairs == (10, 10, 9)
    assert the(partial, "hiagm", "masking", "WOS macro").dropped == ()


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


def test_scores_that_are_not_numbers_count_as_missing():
    found = FOUND[:]
    found[0] = dataclasses.replace(found[0], scores={"micro_f1": math.nan, "macro_f1": 81.0})
    findings = summary_of(TABLE, found)
    assert findings.num_odd_scores == 1
    assert cell(findings, "hiagm", "none", "WOS micro").num_done == (9,)
    assert cell(findings, "hiagm", "none", "WOS macro").num_done == (10,)


@pytest.mark.parametrize("how", ["digests", "scores"])
def test_a_seed_without_effect_counts_as_one(how):
    found = [
        dataclasses.replace(one, predictions_sha256="same", scores=one.scores if how == "digests" else dict(FIXED))
        if (one.model, one.merge) == ("hiagm", "none")
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert cell(findings, "hiagm", "none", "WOS micro").one_seed
    assert (item.test.status, item.marks) == ("one seed", "")
    assert math.isnan(item.test.p)
    assert "seed had no effect" in item.obstacle
    assert not cell(findings, "hitin", "none", "WOS micro").one_seed


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


FIXED = {"micro_f1": 80.0, "macro_f1": 70.0}


def test_a_constant_difference_is_no_test():
    sweep_file = sweep(published=None)
    found = results(sweep_file, lambda model, merge, dataset, seed, metric: 80 + seed + 0.5 * (merge == "masking"))
    findings = summary_of(sweep_file, found)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert (item.test.status, item.marks, item.test.difference) == ("degenerate", "", 0.5)
    average = the(findings, "hiagm", "masking", "Avg micro")
    assert average.marks == "" and average.obstacle.startswith("all seeds of a dataset differ by the same number")
    same = the(findings, "hiagm", "projection", "WOS micro")
    assert (same.test.status, same.test.p, same.p_holm, same.p_sign_flip) == ("identical", 1.0, 1.0, 1.0)


def test_controls_stand_outside_the_families():
    sweep_file = sweep(models={"hiagm": {}, "flat": {"control": True}}, published=None)
    found = noisy(sweep_file)
    findings = summary_of(sweep_file, found)
    alone = summary_of(sweep(models={"hiagm": {}}, published=None), [one for one in found if one.model == "hiagm"])
    assert [item.p_holm for item in findings.comparisons] == [item.p_holm for item in alone.comparisons]
    assert {item.model for item in findings.control_comparisons} == {"flat"}
    assert all(math.isnan(item.p_holm) and item.marks == "" for item in findings.control_comparisons)
    assert [row.control for row in findings.rows] == [False] * 3 + [True] * 3


def test_times_are_compared_by_the_geometric_mean_of_paired_ratios():
    found = [
        dataclasses.replace(one, seconds=100.0 * one.seed * ((1.2, 1.8)[one.seed % 2] if one.merge == "masking" else 1))
        for one in FOUND
    ]
    details = {(item.title, item.dataset): item for item in summary_of(TABLE, found).details}
    ratio, low, high = details["HiAGM+MTL (masking)", "WOS"].ratio
    assert ratio == pytest.approx(math.sqrt(1.2 * 1.8))
    assert math.sqrt(low * high) == pytest.approx(ratio)
    assert details["HiAGM", "WOS"].seconds[0] == pytest.approx(550)


def test_other_metrics_are_summarised_apart():
    found = [dataclasses.replace(one, scores={**one.scores, "hier_f1": 50.0 + one.seed}) for one in FOUND]
    detail = summary_of(TABLE, found).details[0]
    assert detail.metrics == {"hier_f1": (55.5, pytest.approx(math.sqrt(110 / 12)))}


def test_scores_of_a_subset_of_the_documents_are_not_comparable():
    subset = sweep(datasets={"wos": {"train_documents": 100}, "rcv1": {}, "nyt": {}})
    findings = summary_of(subset, FOUND)
    cells = zip(findings.columns, findings.rows[0].cells, strict=True)
    labels = {column.title: entry.prediction for column, entry in cells}
    assert labels["WOS micro"] == labels["Avg micro"] == "not comparable"
    assert labels["RCV1 micro"] in ("≈", "<", ">")


def test_a_subset_is_held_against_no_published_difference():
    subset = sweep(datasets={"wos": {"train_documents": 100}, "rcv1": {}, "nyt": {}})
    findings = summary_of(subset, noisy(subset, sd=1.0))
    for item in findings.comparisons:
        is_subset = "WOS" in item.column.title or "wos" in item.column.datasets
        assert (item.judged is not None and item.judged.agreement == "not comparable") == is_subset
        assert not is_subset or (math.isnan(item.power) and "U" not in item.flags and item.comparable is None)
    assert any("U" in item.flags for item in findings.comparisons)


def test_there_is_no_power_at_a_published_difference_of_nothing():
    item = the(SUMMARY, "hitin", "projection", "WOS micro")
    assert item.published == 0 and math.isnan(item.power) and "U" not in item.flags and item.judged is not None


def test_nothing_is_told_of_a_comparison_whose_seeds_made_no_difference():
    found = [
        dataclasses.replace(one, predictions_sha256="same")
        if (one.model, one.merge, one.dataset) == ("hiagm", "masking", "wos")
        else one
        for one in FOUND
    ]
    findings = summary_of(TABLE, found)
    for label in ("WOS micro", "Avg micro"):
        item, entry = the(findings, "hiagm", "masking", label), cell(findings, "hiagm", "masking", label)
        numbers = (item.test.statistic, item.test.df, item.test.error, item.least_p, item.better.value)
        assert all(map(math.isnan, numbers))
        assert (entry.prediction, math.isnan(entry.half_width)) == ("degenerate", True)
    assert cell(findings, "hiagm", "masking", "NYT micro").prediction in ("≈", "<", ">")


def test_two_outcomes_of_one_trial_and_strangers_are_refused():
    with pytest.raises(ValueError, match="hiagm/none/wos/1 .* has two outcomes"):
        summary_of(TABLE, [*FOUND, FOUND[0]])
    with pytest.raises(ValueError, match="hiagm/none/wos/77 .* is not part of the sweep"):
        summary_of(TABLE, [dataclasses.replace(FOUND[0], seed=77)])
