"""Footnotes on stars name the tests that were run, their number, and why a star is missing."""

from harness.analysis.summarise import find
from harness.reporting.footnotes_stars import comparisons_note, stars
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import facts, noisy, sweep, with_effect
from tests.harness.reporting.reports import TABLE, fixed, summary_of
from tests.journeys.test_document_level import ONE, made_up


def test_tests_and_the_sizes_of_their_families_are_named():
    text = " ".join(stars(summary_of(TABLE, fixed(TABLE))))
    assert "* p<.05, ** p<.01, *** p<.001, by a two-sided t test over 10 complete pairs of runs" in text
    assert "single datasets: paired t, Holm over 24 tests; averages: stratified t (Satterthwaite), Holm over 8" in text
    assert "each of the two families at .05, so that of both together is at most .1." in text


def test_levels_follow_alpha_and_one_dataset_has_one_family():
    one = sweep(datasets={"wos": {}}, published=None, statistics={"alpha": 0.01})
    text = " ".join(stars(summary_of(one, fixed(one))))
    assert "* p<.01, ** p<.001, by" in text and "; paired t, Holm over 8 tests." in text
    assert "averages" not in text and "two families" not in text


def test_arms_that_do_not_pair_are_said_to_be_compared_as_wholes():
    loose = sweep(statistics={"paired": False}, published=None)
    text = " ".join(stars(summary_of(loose, fixed(loose))))
    assert "10 runs of each arm, whose seeds do not pair" in text and "Welch's t, Holm over 24 tests" in text


def test_the_dagger_says_how_documents_were_drawn():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    text = " ".join(stars(find(ONE, made, facts(ONE), {"wos": sample})))
    assert "† a full star that also holds over seeds and test documents together" in text
    assert "Holm over the larger of both p." in text
    assert "500 draws of documents for the variance of macro F, 500 swaps, from root seed 0." in text
    assert "†" not in " ".join(stars(find(ONE, made, facts(ONE))))


def test_hollow_stars_say_how_many_seeds_would_fill_them():
    """24 x 2 / 2^n is below .05, .01 and .001 from n = 10, 13 and 16 on; 8 x 2 / 2^3n from 5, which a star needs."""
    text = " ".join(stars(with_effect(1.0)[2]))
    assert "☆ a star of the t test that the exact test does not confirm at its level, after Holm" in text
    assert "The exact test is the sign flip; where all seeds agree, it fills stars" in text
    assert "from these numbers of seeds on: * 5, ** 5, *** 5 (averages); * 10, ** 13, *** 16 (single datasets)." in text
    full = with_effect(1.0, seeds=16, models={"hiagm": {}})[2]
    assert {item.marks for item in full.comparisons} == {"", "▲***"} and "☆" not in " ".join(stars(full))


def test_the_table_of_comparisons_is_explained():
    sample, made = made_up({"none": 0.85, "masking": 0.93})
    both = comparisons_note(find(ONE, made, facts(ONE), {"wos": sample}))
    assert both.startswith("95 % CI: over seeds and test documents, or over seeds alone where that is wider, unadj")
    assert "one new run of each on a new draw of as many test documents, by a normal model" in both
    alone = comparisons_note(find(ONE, made, facts(ONE)))
    assert alone.startswith("95 % CI: over seeds, unadjusted.") and "on the same test documents, by" in alone
    only = sweep(models={"flat": {"control": True}}, published=None)
    assert comparisons_note(summary_of(only, fixed(only))) == ""


def test_no_stars_with_three_seeds_and_a_footnote_that_says_so():
    small = sweep(seeds=(1, 2, 3))
    text = markdown(summary_of(small, noisy(small)))
    assert "▲" not in text
    assert "No stars: 3 complete pairs; a star needs at least 5." in text


def test_detectable_differences_are_the_least_and_the_most_of_each_metric():
    findings = summary_of(TABLE, noisy(TABLE))
    ends = {
        metric: [one.detectable for one in findings.comparisons if one.column.metric == metric and one.detectable > 0]
        for metric in ("micro_f1", "macro_f1")
    }
    micro, macro = (f"{min(found):.2f} to {max(found):.2f} points of" for found in ends.values())
    assert f"these seeds detect differences of {micro} micro F and {macro} macro F on" in " ".join(stars(findings))


def test_nothing_is_counted_of_single_datasets_without_correction():
    text = " ".join(stars(summary_of(TABLE, fixed(TABLE))))
    assert "Datasets with an effect" not in text and "partial conjunction" not in text


def test_a_sweep_that_compares_nothing_says_why():
    only = sweep(models={"flat": {"control": True}}, published=None)
    assert list(stars(summary_of(only, fixed(only)))) == ["No comparisons: every model is a control."]
