"""Comparisons where seeds do not pair, or where models have merges of their own."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats
from scipy.sparse import csr_array

from harness.analysis.design import num_comparisons
from harness.analysis.findings import Findings
from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.core.metric_names import HEADLINE as METRICS
from harness.core.resampling import Resampling
from harness.reporting.data_files import csv, deltas_csv
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, crossed, influence, score, variance_of_mean
from harness.stats.power import detectable, power, upper_sd
from tests.harness.fake_sweep import DATASETS, cell, facts, noisy, results, scores, summary_of, sweep, the, without
from tests.journeys.test_document_level import ONE, made_up

UNPAIRED = sweep(statistics={"paired": False})
FOUND = noisy(UNPAIRED)
SUMMARY = summary_of(UNPAIRED, FOUND)


def test_seeds_that_do_not_pair_are_tested_by_welch() -> None:
    arms = [scores(FOUND, "hitin", merge, "nyt", "micro_f1") for merge in ("masking", "none")]
    item = the(SUMMARY, "hitin", "masking", "NYT micro")
    oracle = scipy.stats.ttest_ind(*arms, equal_var=False)
    assert (item.test.p, item.test.df) == (pytest.approx(oracle.pvalue), pytest.approx(oracle.df))
    assert item.exact_test == "exchange of runs" and item.p_exact > 0
    assert item.p_exact == pytest.approx(item.test.p, abs=0.03)
    assert item.seeds == ((tuple(range(1, 11)),) * 2,) and item.differences == ({},)
    variances = tuple(float(np.var(arm, ddof=1)) for arm in arms)
    assert item.power == pytest.approx(
        power(item.published, upper_sd(math.sqrt(sum(variances)), 10), 10, 0.05, variances)
    )
    merges = ("masking", "none")
    parts = [scores(FOUND, "hitin", merge, dataset, "micro_f1") for dataset in DATASETS for merge in merges]
    v = [np.var(part, ddof=1) / 10 for part in parts]
    average = the(SUMMARY, "hitin", "masking", "Avg micro").test
    assert average.error == pytest.approx(math.sqrt(sum(v)) / 3)
    assert average.df == pytest.approx(sum(v) ** 2 / sum(one**2 / 9 for one in v))


def test_arms_of_unequal_sizes_are_kept_whole() -> None:
    partial = without(FOUND, model="hiagm", merge="none", dataset="nyt", seed=4)
    item = the(summary_of(UNPAIRED, partial), "hiagm", "masking", "NYT macro")
    assert (item.test.num_pairs, item.dropped, item.mixed) == ((9,), (), ())
    assert [len(arm) for arm in item.seeds[0]] == [10, 9]
    few = [one for one in FOUND if one.merge != "masking" or one.seed < 5]
    item = the(summary_of(UNPAIRED, few), "hiagm", "masking", "NYT macro")
    assert item.obstacle == "4 comparable runs in the smaller arm; a star needs at least 5" and item.marks == ""


def test_order_of_seeds_changes_nothing_where_they_do_not_pair_and_swapping_arms_turns_the_sign() -> None:
    renamed = [dataclasses.replace(one, seed=11 - one.seed if one.merge == "masking" else one.seed) for one in FOUND]
    for one, other in zip(SUMMARY.comparisons, summary_of(UNPAIRED, renamed).comparisons, strict=True):
        assert other.test.p == pytest.approx(one.test.p) and other.marks == one.marks
        assert other.p_exact == pytest.approx(one.p_exact, abs=0.006), "sampled"
    swapped = sweep(merges=("none", "masking"), published=None, statistics={"paired": False, "base": "masking"})
    kept = [one for one in FOUND if one.merge != "projection"]
    two = sweep(merges=("none", "masking"), published=None, statistics={"paired": False})
    for one, other in zip(summary_of(two, kept).comparisons, summary_of(swapped, kept).comparisons, strict=True):
        assert (one.test.difference, one.test.p) == pytest.approx((-other.test.difference, other.test.p))


def test_runs_of_other_hardware_than_the_other_arm_has_are_left_out_of_whole_arms() -> None:
    made = [
        dataclasses.replace(one, made_on="b" if one.merge == "masking" and one.seed in (2, 5) else "a") for one in FOUND
    ]
    item = the(summary_of(UNPAIRED, made), "hiagm", "masking", "WOS micro")
    assert item.seeds == (((1, 3, 4, 6, 7, 8, 9, 10), tuple(range(1, 11))),)
    assert item.mixed == ("wos/2", "wos/5") and "M" in item.flags and item.test.num_pairs == (8,)
    told = sweep(statistics={"paired": False, "allow_mixed": True})
    assert (
        the(summary_of(told, made), "hiagm", "masking", "WOS micro").test
        == the(SUMMARY, "hiagm", "masking", "WOS micro").test
    )


def test_the_report_says_that_seeds_do_not_pair() -> None:
    text = markdown(SUMMARY)
    assert "by a two-sided t test over 10 runs of each arm, whose seeds do not pair, as the sweep file says" in text
    assert "single datasets: Welch's t, Holm over 24 tests; averages: stratified t (Satterthwaite)" in text
    assert "p of the exchange of runs" in text and "sign flip" not in text and "paired t" not in text
    assert "The exchange of runs is exact up to 99,999 ways" in text
    assert latex(SUMMARY).isascii() and "exchange of runs" in deltas_csv(SUMMARY)


def test_documents_cross_with_whole_arms() -> None:
    sample, found = made_up({"none": 0.85, "masking": 0.93})
    one = sweep(
        models={"hiagm": {"label": "HiAGM"}},
        merges=("none", "masking"),
        datasets={"wos": {"label": "wos"}},
        seeds=ONE.seeds,
        published=None,
        statistics={"paired": False},
    )
    found = without(found, merge="none", seed=2)
    item = the(find(one, found, facts(one), {"wos": sample}), "hiagm", "masking", "wos micro")
    assert item.documents is not None and math.isnan(item.documents.p_swap)
    values = {
        merge: np.array([one.scores["micro_f1"] for one in found if one.merge == merge and one.scores])
        for merge in ("none", "masking")
    }
    psi = {
        merge: np.mean(
            [influence(sample._runs["hiagm", merge, seed]["micro_f1"], "micro_f1") for seed in seeds], axis=0
        )
        for merge, seeds in (("none", (1, 3, 4, 5)), ("masking", (1, 2, 3, 4, 5)))
    }
    documents = variance_of_mean(psi["masking"] - psi["none"])
    seed_variance = values["masking"].var(ddof=1) / 5 + values["none"].var(ddof=1) / 4
    assert item.documents.crossed.error**2 == pytest.approx(seed_variance + documents)
    assert item.documents.share == pytest.approx(documents / (seed_variance + documents))
    expected = crossed([values["masking"], -values["none"]], [documents, 0.0], [1.0, 1.0])
    assert item.documents.crossed.interval() == pytest.approx(expected.interval())
    assert "p swap is" not in markdown(find(one, found, facts(one), {"wos": sample}))


# Models with merges of their own.


def own(**merges: tuple[str, ...] | None) -> SweepFile:
    models = {name: {"model": "hiagm", **({"merges": chosen} if chosen else {})} for name, chosen in merges.items()}
    return sweep(models=models, published=None)


OWN = own(every=None, without=("masking", "projection"), single=("none",), one=("none", "projection"))


def compared(findings: Findings) -> set[tuple[str, str]]:
    return {item.contrast.row for item in findings.comparisons}


def test_only_what_has_the_base_and_another_merge_is_compared_and_counted() -> None:
    findings = summary_of(OWN, noisy(OWN))
    assert compared(findings) == {("every", "masking"), ("every", "projection"), ("one", "projection")}
    assert num_comparisons(OWN) == {"averages": 6, "datasets": 18}
    for family, size in num_comparisons(OWN).items():
        members = [item for item in findings.comparisons if item.family == family]
        least = min(members, key=lambda item: item.test.p)
        assert len(members) == size and least.p_holm == pytest.approx(min(1.0, size * least.test.p))
    assert [(row.model, row.merge) for row in findings.rows] == OWN.rows


def test_every_report_file_has_exactly_the_rows_that_there_are() -> None:
    findings = summary_of(OWN, noisy(OWN))
    text = markdown(findings)
    assert text.count("| every+MTL (masking) | WOS micro |") == 1
    assert "| single |" in text and "single+MTL" not in text and "| without |" not in text
    assert csv(findings).count("\n") == 1 + 8 * 3 * 10
    assert deltas_csv(findings).count("\n") == 1 + 24
    for row in findings.rows:
        assert f"| {row.title} |" in text
    latex(findings)


def test_models_gain_over_the_merges_that_both_have() -> None:
    claim = {"text": "one gains more", "kind": "larger_gain", "rows": ("one", "other"), "data": ("wos",)}
    planned = sweep(
        models={"one": {"model": "hiagm", "merges": ("none", "masking")}, "other": {"model": "hiagm"}},
        published=None,
        claims={"C": claim},
    )
    rng = np.random.default_rng(1)
    gain = {"one/masking": 1.0, "other/masking": 0.5, "other/projection": 5.0}
    for statistics in ({}, {"paired": False}):
        changed = SweepFile.model_validate(planned.model_dump() | {"statistics": statistics})
        found = results(changed, lambda m, merge, *place: 80 + gain.get(f"{m}/{merge}", 0.0) + rng.normal(0, 0.05))
        (result,) = summary_of(changed, found).claims
        assert result.verdict == "supported" and result.parts[0].ours.startswith("+0.")
        scores_of = {
            (m, merge): np.array(scores(found, m, merge, "wos", "micro_f1"))
            for m in ("one", "other")
            for merge in ("none", "masking")
        }
        difference = {m: scores_of[m, "masking"] - scores_of[m, "none"] for m in ("one", "other")}
        value = difference["one"].mean() - difference["other"].mean()
        error = math.sqrt(sum(one.var(ddof=1) / 10 for one in difference.values()))
        if statistics:
            error = math.sqrt(sum(one.var(ddof=1) / 10 for one in scores_of.values()))
        low, high = (float(end) for end in result.parts[0].ours.partition("[")[2].rstrip("]").split(", "))
        assert (low + high) / 2 == pytest.approx(value, abs=0.01)
        df = {False: 18, True: 36}[bool(statistics)]
        assert (high - low) / 2 == pytest.approx(scipy.stats.t.isf(0.025, df) * error, abs=0.012)


# Seeds that pair.

TABLE = sweep()
PAIRED = noisy(TABLE)
OF_PAIRS = summary_of(TABLE, PAIRED)


def test_a_constant_difference_is_no_test():
    sweep_file = sweep(published=None)
    found = results(sweep_file, lambda model, merge, dataset, seed, metric: 80 + seed + 0.5 * (merge == "masking"))
    findings = summary_of(sweep_file, found)
    item = the(findings, "hiagm", "masking", "WOS micro")
    assert (item.test.status, item.marks, item.test.difference) == ("degenerate", "", 0.5)
    average = the(findings, "hiagm", "masking", "Avg micro")
    assert average.marks == "" and average.obstacle.startswith("all seeds of a dataset differ by the same number")
    same = the(findings, "hiagm", "projection", "WOS micro")
    assert (same.test.status, same.test.p, same.p_holm, same.p_exact) == ("identical", 1.0, 1.0, 1.0)


def test_a_subset_is_held_against_no_published_difference():
    subset = sweep(datasets={"wos": {"train_documents": 100}, "rcv1": {}, "nyt": {}})
    findings = summary_of(subset, noisy(subset, sd=1.0))
    for item in findings.comparisons:
        is_subset = "WOS" in item.column.title or "wos" in item.column.datasets
        assert (item.judged is not None and item.judged.agreement == "not comparable") == is_subset
        assert not is_subset or (math.isnan(item.power) and "U" not in item.flags and item.comparable is None)
    assert any("U" in item.flags for item in findings.comparisons)


def test_there_is_no_power_at_a_published_difference_of_nothing():
    item = the(OF_PAIRS, "hitin", "projection", "WOS micro")
    assert item.published == 0 and math.isnan(item.power) and "U" not in item.flags and item.judged is not None


def test_power_is_asked_with_the_upper_limit_of_the_sd_as_a_plan_does():
    item = the(OF_PAIRS, "hiagm", "projection", "RCV1 micro")
    sd = upper_sd(item.test.sd, 10)
    assert sd > 1.2 * item.test.sd
    assert item.power == power(0.12, sd, 10) and item.detectable == detectable(sd, 10)


@pytest.mark.parametrize(("num_seeds", "has_power", "has_r"), [(2, False, False), (3, True, False), (5, True, True)])
def test_few_pairs_have_no_power_and_no_correlation(num_seeds, has_power, has_r):
    few = sweep(seeds=tuple(range(num_seeds)))
    item = the(summary_of(few, noisy(few)), "hiagm", "projection", "RCV1 macro")
    assert item.test.status == "tested"
    assert [not math.isnan(number) for number in (item.power, item.detectable)] == [has_power] * 2
    assert math.isnan(item.correlation) != has_r


def test_nothing_is_told_of_a_comparison_whose_seeds_made_no_difference():
    found = [
        dataclasses.replace(one, predictions_sha256="same")
        if (one.model, one.merge, one.dataset) == ("hiagm", "masking", "wos")
        else one
        for one in PAIRED
    ]
    findings = summary_of(TABLE, found)
    for label in ("WOS micro", "Avg micro"):
        item, entry = the(findings, "hiagm", "masking", label), cell(findings, "hiagm", "masking", label)
        numbers = (item.test.statistic, item.test.df, item.test.error, item.least_p, item.better.value)
        assert all(map(math.isnan, numbers))
        assert (entry.prediction, math.isnan(entry.half_width)) == ("degenerate", True)
    assert cell(findings, "hiagm", "masking", "NYT micro").prediction in ("≈", "<", ">")


def test_pairs_of_different_commits_or_hardware_are_refused_unless_told_to():
    table = sweep(seeds=(1, 2, 3, 4, 5, 6), published=None)
    found = [dataclasses.replace(one, made_on="a, cpu", train_seconds=100.0 + one.seed**2) for one in noisy(table)]
    plain = summary_of(table, found)
    mixed = [
        dataclasses.replace(one, made_on="b, cpu", train_seconds=300.0 + one.seed)
        if (one.model, one.merge, one.dataset) == ("hiagm", "masking", "wos") and one.seed in (2, 5)
        else one
        for one in found
    ]
    item = the(summary_of(table, mixed), "hiagm", "masking", "WOS micro")
    assert item.test.num_pairs == (4,) and item.mixed == ("wos/2", "wos/5") and item.dropped == ()
    assert "M" in item.flags
    assert item.obstacle.startswith("4 complete pairs") and "allow_mixed" in item.obstacle
    assert cell(summary_of(table, mixed), "hiagm", "masking", "WOS micro").num_done == (6,), "means keep every run"
    told = sweep(seeds=(1, 2, 3, 4, 5, 6), published=None, statistics={"allow_mixed": True})
    allowed = the(summary_of(told, mixed), "hiagm", "masking", "WOS micro")
    assert allowed.test == the(plain, "hiagm", "masking", "WOS micro").test and allowed.mixed == ()
    ratio, *_ = next(one.ratio for one in summary_of(told, mixed).details if one.title == "HiAGM+MTL (masking)")
    assert ratio == 1, "times on different hardware are compared under no setting"
    both = [dataclasses.replace(one, made_on="b, cpu") if one.seed == 2 else one for one in found]
    assert the(summary_of(table, both), "hiagm", "masking", "WOS micro").mixed == (), "both arms moved together"


def systems(rows: dict[str, float], num_documents: int = 400):  # type: ignore[no-untyped-def]
    """A sweep of systems, or of a trained model under `none`, on made-up documents: row to share of right answers."""
    sample, found = made_up(rows, num_documents=num_documents)
    runs = {(merge, "none", seed if merge == "hiagm" else 0): run for (_, merge, seed), run in sample._runs.items()}
    kept = {place for place in runs}
    sample = DocumentSample("wos", runs, sample.labels, sample.support_L, sample.how)
    planned = sweep(
        models={name: {} for name in rows},
        merges=("none",),
        datasets={"wos": {"label": "wos"}},
        seeds=ONE.seeds,
        published=None,
    )
    done = [
        dataclasses.replace(one, model=one.merge, merge="none", seed=one.seed if one.merge == "hiagm" else 0)
        for one in found
        if one.merge == "hiagm" or one.seed == ONE.seeds[-1]
    ]
    assert {(one.model, one.merge, one.seed) for one in done} == kept
    return planned, done, sample


def test_a_row_of_one_run_is_a_constant_over_seeds_and_a_sample_over_documents() -> None:
    planned, found, sample = systems({"hiagm": 0.93, "linear": 0.90})
    item = the(find(planned, found, facts(planned), {"wos": sample}), "hiagm", "none", "wos micro")
    ours = np.array([one.scores["micro_f1"] for one in found if one.model == "hiagm" and one.scores])
    (lone,) = (one.scores["micro_f1"] for one in found if one.model == "linear" and one.scores)
    oracle = scipy.stats.ttest_1samp(ours, lone)
    assert (item.test.p, item.test.df) == (pytest.approx(oracle.pvalue), 4)
    assert item.seeds == (((1, 2, 3, 4, 5), (0,)),)
    psi = np.mean([influence(sample._runs["hiagm", "none", s]["micro_f1"], "micro_f1") for s in ONE.seeds], axis=0)
    psi -= influence(sample._runs["linear", "none", 0]["micro_f1"], "micro_f1")
    assert item.documents is not None and 0 < item.documents.p_swap < 1
    assert item.documents.crossed.error**2 == pytest.approx(ours.var(ddof=1) / 5 + variance_of_mean(psi))


def test_two_rows_of_one_run_are_compared_over_documents_alone() -> None:
    planned, found, sample = systems({"constant": 0.80, "linear": 0.90}, num_documents=1000)
    findings = find(planned, found, facts(planned), {"wos": sample})
    item = the(findings, "constant", "none", "wos micro")
    psi = influence(sample._runs["constant", "none", 0]["micro_f1"], "micro_f1")
    psi -= influence(sample._runs["linear", "none", 0]["micro_f1"], "micro_f1")
    z = item.test.difference / math.sqrt(variance_of_mean(psi))
    assert item.test.p == pytest.approx(2 * scipy.stats.norm.sf(abs(z)), rel=1e-2) and item.documents is not None
    assert item.documents.share == pytest.approx(1) and item.marks == "▼***†" and not item.obstacle
    text = markdown(findings)
    assert "by a two-sided test; Holm over 2 tests." in text and "t test over" not in text
    assert "Two rows of one run each are compared by the normal distribution" in text
    unknown = the(find(planned, found, facts(planned)), "constant", "none", "wos micro")
    assert unknown.marks == "" and "predictions are not known" in unknown.obstacle


def test_stars_of_one_run_against_another_are_filled_by_swaps_of_documents() -> None:
    # Of 400 documents, each with the first label, one row misses it in six: its other half of all swaps is 2 in 64.
    gold = np.zeros((400, 5), dtype=bool)
    gold[:, 0] = True
    missed = gold.copy()
    missed[:6, 0] = False
    planned, done, sample = systems({"constant": 0.80, "linear": 0.90})
    predicted = {"linear": gold, "constant": missed}
    counts = {name: Counts.of(csr_array(labels), csr_array(gold)) for name, labels in predicted.items()}
    runs = {(name, "none", 0): dict.fromkeys(METRICS, one) for name, one in counts.items()}
    sample = DocumentSample("wos", runs, sample.labels, gold.sum(0), Resampling(draws=500, confirming=20_000))
    done = [dataclasses.replace(one, scores={name: score(counts[one.model], name) for name in METRICS}) for one in done]
    for metric in ("micro", "macro"):
        item = the(find(planned, done, facts(planned), {"wos": sample}), "constant", "none", f"wos {metric}")
        assert item.exact_test == "approximate randomisation"
        assert item.p_exact == pytest.approx(2 / 64, abs=0.005) and item.test.p < 0.025
        assert item.marks == "▼☆", "2 / 64 is above .05 after Holm over two tests, and the normal p is not"
    text = markdown(find(planned, done, facts(planned), {"wos": sample}))
    assert "a star of theirs is hollow where 20,000 random swaps do not confirm it." in text
