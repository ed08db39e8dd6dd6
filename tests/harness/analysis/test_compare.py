"""Comparisons where seeds do not pair, or where models have merges of their own."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats

from harness.analysis.design import num_comparisons, reachable, why_no_comparisons
from harness.analysis.findings import Findings
from harness.analysis.summarise import find
from harness.config.schema import SweepFile
from harness.reporting.data_files import csv, deltas_csv
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from harness.stats.document_variance import crossed, influence, variance_of_mean
from harness.stats.power import power
from tests.harness.analysis.test_summarise import cell, scores, summary_of, the
from tests.harness.fake_sweep import DATASETS, facts, noisy, results, sweep, without
from tests.journeys.test_document_level import ONE, made_up

UNPAIRED = sweep(statistics={"paired": False})
FOUND = noisy(UNPAIRED)
SUMMARY = summary_of(UNPAIRED, FOUND)


def test_seeds_that_do_not_pair_are_tested_by_welch() -> None:
    arms = [scores(FOUND, "hitin", merge, "nyt", "micro_f1") for merge in ("masking", "none")]
    item = the(SUMMARY, "hitin", "masking", "NYT micro")
    oracle = scipy.stats.ttest_ind(*arms, equal_var=False)
    assert (item.test.p, item.test.df) == (pytest.approx(oracle.pvalue), pytest.approx(oracle.df))
    assert math.isnan(item.p_sign_flip) and 0 < item.p_exchange == item.p_exact
    assert item.p_exchange == pytest.approx(item.test.p, abs=0.03)
    assert item.seeds == ((tuple(range(1, 11)),) * 2,) and item.differences == ()
    sd = math.sqrt(np.var(arms[0], ddof=1) + np.var(arms[1], ddof=1))
    assert item.power == pytest.approx(power(item.published, sd, 10, num_strata=2))
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
        assert other.p_exchange == pytest.approx(one.p_exchange, abs=0.006), "sampled"
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
    assert "p exchange of runs" in text and "sign flip" not in text and "paired t" not in text
    assert "The exchange of runs is exact up to 99,999 ways" in text
    assert latex(SUMMARY).isascii() and "p_exchange" in deltas_csv(SUMMARY)


@pytest.mark.parametrize(("num_seeds", "least"), [(5, 24 * 2 / 252), (10, 24 * 2 / 184_756)])
def test_what_whole_arms_can_reach(num_seeds: int, least: float) -> None:
    planned = sweep(statistics={"paired": False}, seeds=tuple(range(num_seeds)))
    assert reachable(planned, "B") == (pytest.approx(least), 7)
    assert reachable(planned, "A") == (pytest.approx(8 * 2 / math.comb(2 * num_seeds, num_seeds) ** 3), 3)


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
    return {(item.model, item.merge) for item in findings.comparisons}


def test_only_what_has_the_base_and_another_merge_is_compared_and_counted() -> None:
    findings = summary_of(OWN, noisy(OWN))
    assert compared(findings) == {("every", "masking"), ("every", "projection"), ("one", "projection")}
    assert num_comparisons(OWN) == {"A": 6, "B": 18} == findings.family_sizes
    for family, size in findings.family_sizes.items():
        members = [item for item in findings.comparisons if item.family == family]
        least = min(members, key=lambda item: item.test.p)
        assert len(members) == size and least.p_holm == pytest.approx(min(1.0, size * least.test.p))
    assert [(row.model, row.merge) for row in findings.rows] == OWN.rows
    assert {item.title for item in findings.replications} == {
        "every+MTL (masking)",
        "every+MTL (projection)",
        "one+MTL (projection)",
    }


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


@pytest.mark.parametrize(
    ("merges", "words"),
    [
        ({"one": ("none",), "other": ("masking",)}, "no model that is not a control has the base merge"),
        ({"one": ("projection",), "other": ("masking",)}, "the base merge 'none' is not among"),
        ({"one": ("none",), "other": ("none",)}, "there is no merge but the base merge"),
    ],
)
def test_a_sweep_that_compares_nothing_says_why(merges: dict[str, tuple[str, ...]], words: str) -> None:
    planned = own(**merges)
    assert words in why_no_comparisons(planned)
    findings = summary_of(planned, noisy(planned))
    assert findings.comparisons == () and f"No comparisons: {words}" in markdown(findings)


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
