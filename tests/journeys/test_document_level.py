"""Documents as a second source of error: in comparisons and their marks, in averages and in claims."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import sparse

from harness.analysis.summarise import find
from harness.config.literature import Claim
from harness.core.resampling import Resampling
from harness.reporting.figures import differences
from harness.reporting.markdown import markdown
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, influence, score, variance_of_mean
from tests.harness.fake_sweep import facts, result, sweep, the
from tests.harness.reporting.reports import grid, numbers

ONE = sweep(
    models={"hiagm": {"label": "HiAGM"}},
    merges=("none", "masking"),
    datasets={"wos": {"label": "wos"}},
    seeds=(1, 2, 3, 4, 5),
    published=None,
)
TEN = ONE.model_copy(update={"seeds": tuple(range(1, 11))})


def made_up(right_share, num_documents=400, seed=0, dataset="wos", alike=False, seeds=ONE.seeds):
    """Counts of runs of ONE on made-up documents, and outcomes with the scores that they give.

    Args:
        right_share: Of each merge, the share of right answers.
        num_documents: So many.
        seed: Of all draws.
        dataset: Name of the documents.
        alike: Whether the seeds of a merge make the same mistakes but for a few.
        seeds: Seeds of the runs.
    """
    rng = np.random.default_rng(seed)
    gold = sparse.csr_array(rng.random((num_documents, 5)) < 0.3)
    runs = {}
    for merge, share in right_share.items():
        common = rng.random(gold.shape)
        for number in seeds:
            own = rng.random(gold.shape)
            draws = np.where(rng.random(gold.shape) < 0.003, own, common) if alike else own
            flips = draws < 1 - share
            counts = Counts.of(sparse.csr_array(gold.toarray() ^ flips), gold)
            runs["hiagm", merge, number] = {"micro_f1": counts, "macro_f1": counts}
    sample = DocumentSample(dataset, runs, "abcde", gold.sum(0), Resampling(draws=500, swaps=500))
    found = [
        result(model, merge, dataset, number, {metric: score(one[metric], metric) for metric in one})
        for (model, merge, number), one in runs.items()
    ]
    return sample, found


def test_a_full_star_that_survives_documents_has_a_dagger():
    sample, found = made_up({"none": 0.85, "masking": 0.93}, seeds=TEN.seeds)
    findings = find(TEN, found, facts(TEN), {"wos": sample})
    item = the(findings, "hiagm", "masking", "wos micro")
    assert item.marks == "▲**☆†" and item.documents.p_swap == 1 / 501, "2 x 2 / 2^10 is .004"
    low, high = item.documents.crossed.interval()
    assert low > 0 and item.documents.crossed.value == pytest.approx(item.test.difference)
    assert the(find(TEN, found, facts(TEN)), "hiagm", "masking", "wos micro").marks == "▲**☆"
    text = markdown(findings)
    assert "† a full star that also holds over seeds and test documents together" in text
    assert f"[{low:+.2f}, {high:+.2f}]" in text


def test_five_seeds_fill_no_star_and_a_hollow_one_has_no_dagger():
    sample, found = made_up({"none": 0.85, "masking": 0.93})
    item = the(find(ONE, found, facts(ONE), {"wos": sample}), "hiagm", "masking", "wos micro")
    assert item.p_wider_holm < 0.001 and item.p_exact_holm == 2 * 2 / 2**5
    assert item.marks == "▲☆☆☆"


def test_a_dagger_is_corrected_over_the_family():
    """The other of two tests is missing and counts with 1, so that this one needs a p below .025."""
    sample, found = made_up({"none": 0.85, "masking": 0.866}, seed=1, alike=True, seeds=TEN.seeds)
    found = [dataclasses.replace(one, scores={"micro_f1": one.scores["micro_f1"]}) for one in found]
    item = the(find(TEN, found, facts(TEN), {"wos": sample}), "hiagm", "masking", "wos micro")
    assert item.documents.crossed.interval()[0] > 0 and 0.025 < item.p_wider < 0.05
    assert item.p_wider_holm == pytest.approx(2 * item.p_wider)
    assert item.marks.startswith("▲*") and "†" not in item.marks


def test_the_crossed_error_is_made_of_seeds_and_documents():
    sample, found = made_up({"none": 0.9, "masking": 0.91})
    item = the(find(ONE, found, facts(ONE), {"wos": sample}), "hiagm", "masking", "wos micro")
    psi = np.mean(
        [
            influence(sample._runs["hiagm", "masking", number]["micro_f1"], "micro_f1")
            - influence(sample._runs["hiagm", "none", number]["micro_f1"], "micro_f1")
            for number in ONE.seeds
        ],
        axis=0,
    )
    variance = variance_of_mean(psi)
    assert item.documents.crossed.error**2 == pytest.approx(item.test.sd**2 / 5 + variance)
    assert item.documents.share == pytest.approx(variance / item.documents.crossed.error**2)


def test_labels_explain_macro():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    findings = find(ONE, found, facts(ONE), {"wos": sample})
    assert [one.label for one in findings.label_differences] == list("abcde")
    mean = np.mean([one.difference for one in findings.label_differences])
    assert mean == pytest.approx(the(findings, "hiagm", "masking", "wos macro").test.difference)
    assert [one.support for one in findings.label_differences] == sample.support_L.tolist()


def test_without_one_run_s_predictions_there_is_no_document_level():
    sample, found = made_up({"none": 0.9, "masking": 0.95})
    del sample._runs["hiagm", "none", 3]
    assert the(find(ONE, found, facts(ONE), {"wos": sample}), "hiagm", "masking", "wos micro").documents is None


def test_order_of_documents_and_of_labels_changes_nothing_that_is_exact():
    sample, found = made_up({"none": 0.9, "masking": 0.91})
    order = np.random.default_rng(5).permutation(400)
    runs = {
        run: {metric: Counts(one.right[order][:, ::-1], one.size[order][:, ::-1]) for metric, one in counts.items()}
        for run, counts in sample._runs.items()
    }
    turned = DocumentSample("wos", runs, "edcba", sample.support_L[::-1], Resampling(draws=500, swaps=500))
    one, other = (
        the(find(ONE, found, facts(ONE), {"wos": kept}), "hiagm", "masking", "wos micro").documents
        for kept in (sample, turned)
    )
    assert one.crossed.error == pytest.approx(other.crossed.error, rel=1e-12)


def test_a_star_that_does_not_survive_documents_has_no_dagger():
    sample, found = made_up({"none": 0.85, "masking": 0.87}, num_documents=120, alike=True, seeds=TEN.seeds)
    item = the(find(TEN, found, facts(TEN), {"wos": sample}), "hiagm", "masking", "wos micro")
    low, high = item.documents.crossed.interval()
    assert item.test.p < 0.001 and low < 0 < high, "sure of these documents, and of no others"
    assert item.marks == "▲**☆"


def claiming_a_rise():
    claim = Claim.model_validate({"text": "so", "kind": "rises", "rows": ("hiagm/masking",), "data": ("wos",)})
    return ONE.model_copy(update={"claims": {"C": claim}})


def test_a_claim_is_judged_by_documents_too_where_that_is_less_sure():
    sample, found = made_up({"none": 0.85, "masking": 0.87}, num_documents=120, alike=True)
    rises = claiming_a_rise()
    (over_seeds,) = find(rises, found, facts(rises)).claims
    findings = find(rises, found, facts(rises), {"wos": sample})
    (over_both,) = findings.claims
    assert (over_seeds.verdict, over_both.verdict) == ("supported", "inconclusive")
    low, high = the(findings, "hiagm", "masking", "wos micro").documents.crossed.interval()
    assert over_both.parts[0].ours.endswith(f"[{low:+.2f}, {high:+.2f}]")
    assert [part.with_documents for part in (*over_seeds.parts, *over_both.parts)] == [False, False, True, True]
    assert "wider; those marked (seeds) are over seeds" in markdown(findings)


def test_a_claim_is_judged_by_seeds_alone_where_their_interval_is_the_wider():
    # Two seeds have one degree of freedom, and documents add many: 12.7 standard errors against a few larger ones.
    sample, found = made_up({"none": 0.85, "masking": 0.87}, num_documents=2000)
    few = [one for one in found if one.seed < 3]
    rises = claiming_a_rise()
    findings = find(rises, few, facts(rises), {"wos": sample})
    item = the(findings, "hiagm", "masking", "wos micro")
    narrow, wide = item.documents.crossed.interval(), (item.test.low, item.test.high)
    assert np.ptp(narrow) < np.ptp(wide) and item.documents.crossed.error > item.test.error
    assert item.estimate.interval() == pytest.approx(wide)
    # At every level by whichever is less sure there.
    for at in (0.6, 0.9, 0.95, 0.99):
        both = [one.interval(at) for one in (item.test.estimate, item.documents.crossed)]
        assert item.estimate.interval(at) == (min(low for low, _ in both), max(high for _, high in both))
    shown = f"[{wide[0]:+.2f}, {wide[1]:+.2f}]"
    assert findings.claims[0].parts[0].ours.endswith(shown)
    # The table, the figure and the CSV have the same interval, and both others in the CSV.
    assert item.interval == item.estimate.interval() and grid(markdown(findings), "Comparisons")[2][3] == shown
    row, drawn = item.as_row(), numbers(differences(findings))[0]
    for one in (row, drawn):
        assert (one["wider_low_95"], one["wider_high_95"]) == item.interval
        assert (one["crossed_low_95"], one["crossed_high_95"]) == narrow and one["low_95"] == item.test.low
    assert item.p_wider == row["p_wider"] == pytest.approx(item.test.p) and row["p_crossed"] < row["p"]


def test_macro_takes_the_variance_of_the_bootstrap():
    sample, found = made_up({"none": 0.85, "masking": 0.95})
    item = the(find(ONE, found, facts(ONE), {"wos": sample}), "hiagm", "masking", "wos macro")
    drawn = [sample._resampled["hiagm", merge, seed] for merge in ("masking", "none") for seed in ONE.seeds]
    variance = (np.mean(drawn[:5], axis=0) - np.mean(drawn[5:], axis=0)).var(ddof=1)
    assert item.documents.crossed.error**2 == pytest.approx(item.test.sd**2 / 5 + variance)


@pytest.mark.parametrize("metric", ["micro", "macro"])
def test_documents_of_an_average_are_independent_samples(metric):
    sizes = {"wos": 400, "rcv1": 150}
    two = ONE.model_copy(update={"datasets": sweep(datasets={key: {"label": key} for key in sizes}).datasets})
    made = {key: made_up({"none": 0.88, "masking": 0.9}, size, size, key) for key, size in sizes.items()}
    samples = {key: sample for key, (sample, _) in made.items()}
    findings = find(two, [one for _, found in made.values() for one in found], facts(two), samples)
    parts = [the(findings, "hiagm", "masking", f"{key} {metric}") for key in sizes]
    average = the(findings, "hiagm", "masking", f"Avg {metric}").documents
    documents = [part.documents.share * part.documents.crossed.error**2 for part in parts]
    seeds = [part.test.sd**2 / 5 for part in parts]
    total = (sum(seeds) + sum(documents)) / 4
    assert average.crossed.error**2 == pytest.approx(total)
    assert average.share == pytest.approx(sum(documents) / 4 / total)
    assert average.crossed.df == pytest.approx(total**2 / sum((one / 4) ** 2 / 4 for one in seeds))
    assert math.isnan(average.p_swap)
