"""Corrections, the confidence set of the best, and what is reachable."""

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats import multiple_testing, t_tests
from harness.stats.pairing import Arms
from tests.harness.stats.test_pairing import arms_of, by_seed, pairs_of
from tests.harness.stats.test_t_tests import level, normal


def test_what_is_reachable():
    assert [multiple_testing.least_reachable_p(n) for n in (5, 6, 10)] == [0.0625, 0.03125, 0.001953125]
    assert multiple_testing.least_reachable_p(5, 24) == 1.0
    assert [multiple_testing.seeds_to_reach(0.05, m) for m in (1, 2, 4, 8, 12, 24)] == [6, 7, 8, 9, 9, 10]
    assert multiple_testing.seeds_to_reach(0.001, 24) == 16
    assert multiple_testing.why_no_star(5) == ""
    assert multiple_testing.why_no_star(1) == "1 complete pair; a star needs at least 5"


def test_holm_and_bh_by_hand():
    p = [0.03, 0.2, 0.001, 0.04]
    assert multiple_testing.holm(p, 4) == pytest.approx([0.09, 0.2, 0.004, 0.09])
    assert multiple_testing.benjamini_hochberg(p, 4) == pytest.approx([0.16 / 3, 0.2, 0.004, 0.16 / 3])
    assert multiple_testing.holm(p, 24) == pytest.approx([0.69, 1.0, 0.024, 0.88])
    assert multiple_testing.holm([], 0) == []


@settings(max_examples=20)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=24), st.integers(0, 8))
def test_corrections_are_statsmodels_on_the_planned_family(p, missing):
    whole = [1.0 if math.isnan(value) else value for value in p] + [1.0] * missing
    for ours, method in ((multiple_testing.holm, "holm"), (multiple_testing.benjamini_hochberg, "fdr_bh")):
        oracle = multipletests(whole, alpha=0.05, method=method)[1][: len(p)]
        for value, raw, expected in zip(ours(p, len(whole)), p, oracle, strict=True):
            assert math.isnan(value) if math.isnan(raw) else value == pytest.approx(expected, abs=1e-15)


def test_paired_t_with_holm_holds_its_level_under_the_null():
    rng = np.random.default_rng(7)
    num_studies, family, hits, starred = 400, 8, 0, 0
    for _ in range(num_studies):
        p = [t_tests.t_test([pairs_of(rng.normal(0, 0.3, 5))]).p for _ in range(family)]
        hits += sum(value < 0.05 for value in p)
        starred += min(multiple_testing.holm(p, family)) < 0.05
    assert 0.04 < hits / (num_studies * family) < 0.06
    assert 0.02 < starred / num_studies < 0.08


def test_confidence_set_is_pairwise_one_sided_t():
    rng = np.random.default_rng(2)
    for _ in range(40):
        scores = rng.normal([0, 0.2, 0.5], 0.3, (6, 3)).T
        expected = [
            not any(
                scipy.stats.ttest_rel(scores[j], scores[i], alternative="greater").pvalue < 0.05 / 2
                for j in range(3)
                if j != i
            )
            for i in range(3)
        ]
        assert multiple_testing.confidence_set([[by_seed(arm)] for arm in scores], 3) == expected


def test_confidence_set_keeps_the_best_and_the_untestable():
    rng = np.random.default_rng(4)
    kept = [
        multiple_testing.confidence_set([[by_seed(arm)] for arm in rng.normal(80, 0.3, (3, 5))], 3)[0]
        for _ in range(400)
    ]
    assert np.mean(kept) > 0.93
    good, bad = [by_seed([90, 90.1, 90.2, 90.1, 90])], [by_seed([10, 10.3, 10.1, 10, 10.2])]
    assert multiple_testing.confidence_set([good, bad, [{}]], 3) == [True, False, True]
    assert multiple_testing.p_not_best([good], 1) == multiple_testing.p_not_best([good], 3) == [1.0]


def test_the_best_needs_as_many_pairs_as_a_star():
    for num, is_enough in ((4, False), (5, True)):
        members = [[by_seed(np.random.default_rng(1).normal(mean, 0.1, num))] for mean in (90, 10, 10)]
        members[0] = [by_seed(np.random.default_rng(2).normal(90, 0.1, num))]
        assert multiple_testing.confidence_set(members, 3) == [True, not is_enough, not is_enough]
        assert multiple_testing.were_compared(members) == [is_enough] * 3


def test_the_p_of_being_the_best_is_bonferroni_over_the_rivals():
    scores = np.random.default_rng(3).normal([0, 0.2, 0.5], 0.3, (6, 3)).T
    p = [
        min(scipy.stats.ttest_rel(scores[j], scores[i], alternative="greater").pvalue for j in range(3) if j != i)
        for i in range(3)
    ]
    found = multiple_testing.p_not_best([[by_seed(arm)] for arm in scores], 3)
    assert found[:2] == pytest.approx([min(1, 2 * one) for one in p[:2]]) and found[2] == 1.0, "ahead of both"


def test_star_levels():
    assert multiple_testing.star_levels(0.05) == [0.05, 0.01, 0.001]
    assert multiple_testing.star_levels(0.01) == [0.01, 0.001]


def test_a_plan_that_asks_what_is_reachable_does_not_load_scipy():
    code = "import sys, harness.stats.multiple_testing as s; s.least_reachable_p(5); print('scipy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_q_values_hold_the_false_discovery_rate():
    rng = np.random.default_rng(24)
    true, shares = np.arange(24) < 12, []
    for _ in range(400):
        found = rng.normal(np.where(true, 0.0, 0.6), 0.3, (8, 24))
        p = 2 * scipy.stats.t.sf(np.abs(found.mean(0) / (found.std(0, ddof=1) / 8**0.5)), 7)
        hits = np.array(multiple_testing.benjamini_hochberg(p, 24)) < 0.05
        shares.append((hits & true).sum() / max(1, hits.sum()))
    assert np.mean(shares) < 0.04, "half of them are true, so about .025"


@pytest.mark.slow
def test_levels_in_a_large_simulation():
    t, flip = level(normal, 10, 20_000)
    assert 0.047 < t < 0.055 and 0.045 < flip < 0.055
    rng, starred = np.random.default_rng(25), 0
    for _ in range(3000):
        p = [t_tests.t_test([pairs_of(rng.normal(0, 0.3, 5))]).p for _ in range(24)]
        starred += min(multiple_testing.holm(p, 24)) < 0.05
    assert 0.04 < starred / 3000 < 0.06


def test_welchs_t_with_holm_holds_its_level_under_the_null():
    rng, starred = np.random.default_rng(33), 0
    for _ in range(300):
        p = [t_tests.t_test([arms_of(*rng.normal(80, 0.3, (2, 5)))]).p for _ in range(8)]
        starred += min(multiple_testing.holm(p, 8)) < 0.05
    assert 0.01 < starred / 300 < 0.08


def test_what_exchanges_of_runs_reach():
    assert multiple_testing.least_reachable_p(5, design=Arms) == 2 / 252
    assert multiple_testing.least_reachable_p(5, 24, 3, Arms) == pytest.approx(24 * 2 / 252**3)
    assert multiple_testing.seeds_to_reach(0.05, 24, design=Arms) == 7, (
        "24 x 2 / (14 choose 7) = .014, (12 choose 6) .052"
    )
    assert multiple_testing.seeds_to_reach(0.05, 8, num_strata=3) == 3, "8 x 2 / 2^9 = .03"
    assert (
        multiple_testing.why_no_star(4, paired=False) == "4 comparable runs in the smaller arm; a star needs at least 5"
    )


def test_confidence_set_of_arms_that_do_not_pair():
    rng = np.random.default_rng(2)
    for _ in range(20):
        scores = rng.normal([0, 0.2, 0.5], 0.3, (6, 3)).T
        expected = [
            not any(
                scipy.stats.ttest_ind(scores[j], scores[i], equal_var=False, alternative="greater").pvalue < 0.05 / 2
                for j in range(3)
                if j != i
            )
            for i in range(3)
        ]
        assert multiple_testing.confidence_set([[by_seed(arm)] for arm in scores], 3, Arms) == expected
