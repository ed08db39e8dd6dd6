import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from harness.stats import effects, families, power, published, seeds

finite = st.floats(0, 100, allow_nan=False)


def by_seed(values):
    return dict(enumerate(map(float, values)))


def pairs_of(differences, base=80.0):
    base_scores = by_seed([base] * len(differences))
    return seeds.pair({seed: base + float(d) for seed, d in enumerate(differences)}, base_scores)


def test_pairing_is_by_seed_and_drops_what_one_arm_lacks():
    pairs = seeds.pair({3: 1.0, 1: 2.0, 2: math.nan, 9: 4.0}, {9: 1.0, 1: 0.5, 2: 3.0, 3: math.inf})
    assert pairs.seeds == (1, 9)
    assert pairs.differences.tolist() == [1.5, 3.0]
    assert pairs.dropped == (2, 3)


def test_paired_t_closed_form_with_two_degrees_of_freedom():
    test = seeds.t_test([pairs_of([1, 2, 3])])
    t = 2 * math.sqrt(3)
    assert test.status == "tested"
    assert test.p == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-12)
    assert (test.difference, test.sd, test.df) == pytest.approx((2, 1, 2))
    assert test.num_pairs == (3,)
    assert test.low == pytest.approx(2 - 4.302652729911275 / math.sqrt(3))


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=12))
def test_paired_t_is_scipys(rows):
    variant, base = np.array(rows).T
    test = seeds.t_test([seeds.pair(by_seed(variant), by_seed(base))])
    if np.std(variant - base) > 1e-3:
        oracle = scipy.stats.ttest_rel(variant, base)
        interval = oracle.confidence_interval(0.95)
        assert test.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-14)
        assert (test.low, test.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


def test_stratified_t_by_hand():
    test = seeds.t_test([pairs_of([0, 2]), pairs_of([1, 2, 3])])
    assert test.difference == pytest.approx(1.5)
    assert test.difference / test.statistic == pytest.approx(math.sqrt(1 + 1 / 3) / 2)
    assert test.df == pytest.approx((4 / 3) ** 2 / (1 / 1 + (1 / 9) / 2))
    assert test.sd == pytest.approx(math.sqrt(2 + 1) / 2)
    assert test.p == pytest.approx(2 * scipy.stats.t.sf(1.5 / math.sqrt(1 / 3), test.df))


@pytest.mark.parametrize(
    ("variant", "base", "status", "p"),
    [
        ([0.1 + 0.2, 0.3, 0.3], [0.3, 0.3, 0.3], "identical", 1.0),
        ([80.0, 81.0], [80.0, 81.0], "identical", 1.0),
        ([80.1, 81.1, 82.1], [80.0, 81.0, 82.0], "degenerate", None),
        ([80.1], [80.0], "too few pairs", None),
        ([], [], "too few pairs", None),
    ],
)
def test_guards(variant, base, status, p):
    test = seeds.t_test([seeds.pair(by_seed(variant), by_seed(base))])
    assert test.status == status
    assert test.p == p if p is not None else math.isnan(test.p)
    assert math.isnan(test.low)


@given(st.lists(st.tuples(finite, finite), min_size=3, max_size=8), finite, st.randoms())
def test_t_invariances(rows, shift, random):
    variant, base = (by_seed(column) for column in zip(*rows, strict=True))
    test = seeds.t_test([seeds.pair(variant, base)])
    swapped = seeds.t_test([seeds.pair(base, variant)])
    shuffled = list(variant.items())
    random.shuffle(shuffled)
    assert (swapped.status, swapped.difference) == (test.status, -test.difference)
    assert repr(seeds.t_test([seeds.pair(dict(shuffled), base)])) == repr(test)
    if test.status == "tested":
        assert swapped.p == test.p
        if test.sd > 1e-3:
            moved = [{seed: score + shift for seed, score in arm.items()} for arm in (variant, base)]
            assert seeds.t_test([seeds.pair(*moved)]).p == pytest.approx(test.p, rel=1e-6, abs=1e-12)


def brute_force_sign_flip(strata):
    terms = np.concatenate([np.asarray(d) / len(d) for d in strata])
    signs = np.array(list(itertools.product([-1, 1], repeat=terms.size)))
    return np.mean(np.abs(signs @ terms) >= abs(terms.sum()) - 1e-10 * np.abs(terms).sum())


def test_sign_flip_is_scipys_and_brute_force():
    rng = np.random.default_rng(1)
    for n in (2, 5, 8, 11):
        d = rng.normal(0.5, 1, n)
        oracle = scipy.stats.permutation_test(
            (d,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
        )
        assert seeds.sign_flip([d]) == pytest.approx(oracle.pvalue, abs=1e-15)
    ties = np.array([0.1, 0.1, -0.1, 0.2, 0.3, -0.3, 0.1, 0.2])
    assert seeds.sign_flip([ties]) == brute_force_sign_flip([ties])
    strata = [rng.normal(0.4, 1, size) for size in (3, 5, 9)]
    assert seeds.sign_flip(strata) == brute_force_sign_flip(strata)


def test_sign_flip_extremes():
    assert seeds.sign_flip([np.full(10, 0.3)]) == 2 / 2**10
    assert seeds.sign_flip([np.zeros(6)]) == 1.0
    assert seeds.sign_flip([np.arange(1.0, 41)]) == 2 / 2**40
    assert math.isnan(seeds.sign_flip([np.array([])]))


def test_sign_flip_beyond_forty_pairs_agrees_with_the_exact_one(monkeypatch):
    d = np.random.default_rng(3).normal(0.2, 1, 42)
    sampled = seeds.sign_flip([d])
    monkeypatch.setattr(seeds, "_MOST_EXACT", 42)
    exact = seeds.sign_flip([d])
    assert sampled != exact
    assert sampled == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 99_999))


def test_what_is_reachable():
    assert [families.least_reachable_p(n) for n in (5, 6, 10)] == [0.0625, 0.03125, 0.001953125]
    assert families.least_reachable_p(5, 24) == 1.0
    assert [families.pairs_to_reach(0.05, m) for m in (1, 2, 4, 8, 12, 24)] == [6, 7, 8, 9, 9, 10]
    assert families.pairs_to_reach(0.001, 24) == 16
    assert families.why_no_star(5) == ""
    assert families.why_no_star(1) == "1 complete pair; a star needs at least 5"


def test_holm_and_bh_by_hand():
    p = [0.03, 0.2, 0.001, 0.04]
    assert families.holm(p, 4) == pytest.approx([0.09, 0.2, 0.004, 0.09])
    assert families.benjamini_hochberg(p, 4) == pytest.approx([0.16 / 3, 0.2, 0.004, 0.16 / 3])
    assert families.holm(p, 24) == pytest.approx([0.69, 1.0, 0.024, 0.88])
    assert families.holm([], 0) == []


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=24), st.integers(0, 8))
def test_corrections_are_statsmodels_on_the_planned_family(p, missing):
    whole = [1.0 if math.isnan(value) else value for value in p] + [1.0] * missing
    for ours, method in ((families.holm, "holm"), (families.benjamini_hochberg, "fdr_bh")):
        oracle = multipletests(whole, alpha=0.05, method=method)[1][: len(p)]
        for value, raw, expected in zip(ours(p, len(whole)), p, oracle, strict=True):
            assert math.isnan(value) if math.isnan(raw) else value == pytest.approx(expected, abs=1e-15)


def test_paired_t_with_holm_holds_its_level_under_the_null():
    rng = np.random.default_rng(7)
    num_studies, family, hits, starred = 400, 8, 0, 0
    for _ in range(num_studies):
        p = [seeds.t_test([pairs_of(rng.normal(0, 0.3, 5))]).p for _ in range(family)]
        hits += sum(value < 0.05 for value in p)
        starred += min(families.holm(p, family)) < 0.05
    assert 0.04 < hits / (num_studies * family) < 0.06
    assert 0.02 < starred / num_studies < 0.08


def test_stratified_t_holds_its_level_under_the_null():
    rng = np.random.default_rng(8)
    p = [seeds.t_test([pairs_of(rng.normal(0, sd, 5)) for sd in (0.2, 0.3, 0.6)]).p for _ in range(1500)]
    assert 0.025 < np.mean(np.array(p) < 0.05) < 0.06


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
        assert families.confidence_set([[by_seed(arm)] for arm in scores], 3) == expected


def test_confidence_set_keeps_the_best_and_the_untestable():
    rng = np.random.default_rng(4)
    kept = [families.confidence_set([[by_seed(arm)] for arm in rng.normal(80, 0.3, (3, 5))], 3)[0] for _ in range(400)]
    assert np.mean(kept) > 0.93
    good, bad = [by_seed([90, 90.1, 90.2])], [by_seed([10, 10.3, 10.1])]
    assert families.confidence_set([good, bad, [{}]], 3) == [True, False, True]


def test_prediction_interval_by_hand():
    scores = [80.0, 80.1, 80.2]
    half_width = 4.302652729911275 * 0.1 * math.sqrt(4 / 3) + 0.005
    judged = published.prediction([scores], 80.1 + half_width - 1e-6)
    assert (judged.label, judged.half_width) == ("≈", pytest.approx(half_width))
    assert published.prediction([scores], 80.1 + half_width + 1e-6).label == "<"
    assert published.prediction([scores], 80.1 - half_width - 1e-6).label == ">"
    assert published.prediction([scores], 80.1 + half_width - 0.005).p == pytest.approx(0.05)
    assert published.prediction([[70.0, 80.0, 90.0]], 80.0).label == "uninformative"
    assert published.prediction([[80.0, 80.01]], 80.0).label == "uninformative"
    assert published.prediction([[80.0, 80.0, 80.0]], 80.0).label == "degenerate"
    assert published.prediction([[80.0]], 80.0).label == "n/a"


def test_prediction_interval_of_an_average():
    first, second = [80.0, 80.1, 80.2], [70.0, 70.4]
    v = [0.01 * (1 + 1 / 3), 0.08 * (1 + 1 / 2)]
    df = sum(v) ** 2 / (v[0] ** 2 / 2 + v[1] ** 2 / 1)
    judged = published.prediction([first, second], 75.0)
    assert judged.half_width == pytest.approx(scipy.stats.t.isf(0.025, df) * math.sqrt(sum(v)) / 2 + 0.005)


def test_prediction_interval_covers_a_further_run():
    runs = np.random.default_rng(5).normal(80, 0.3, (2000, 6))
    inside = [published.prediction([row[:5]], row[5], rounding=0.0).label == "≈" for row in runs]
    assert 0.935 < np.mean(inside) < 0.965


def test_power_is_statsmodels():
    for d, n in ((0.5, 10), (1.0, 5), (2.0, 4)):
        assert power.power(d * 0.3, 0.3, n) == pytest.approx(TTestPower().power(d, n, 0.05), abs=1e-9)
    assert power.power(-0.3, 0.3, 5) == power.power(0.3, 0.3, 5)
    assert power.power(0.0, 0.3, 5) == pytest.approx(0.05)
    assert math.isnan(power.power(0.3, 0.0, 5))
    assert math.isnan(power.power(0.3, math.nan, 5))
    assert math.isnan(power.power(0.3, 0.3, 1))


def test_power_survives_the_far_tail():
    left = scipy.stats.nct.cdf(-scipy.stats.t.isf(0.025, 3), 3, 15)
    assert math.isnan(left) or left < 1e-9
    assert power.power(15 / 2, 1.0, 4) == pytest.approx(1.0, abs=1e-6)
    assert power.seeds_needed(1.5, 0.2) == 3
    assert power.power(100, 0.1, 5) == 1.0


@pytest.mark.parametrize(
    ("sd", "alpha", "expected"),
    [
        (0.2, 0.05, [34, 10, 6, 4, 4, 3, 3]),
        (0.3, 0.05 / 8, [119, 33, 17, 10, 9, 5, 4]),
        (0.5, 0.05 / 24, [389, 101, 48, 25, 21, 9, 6]),
    ],
)
def test_seeds_needed(sd, alpha, expected):
    assert [power.seeds_needed(d, sd, alpha) for d in (0.1, 0.2, 0.3, 0.44, 0.5, 1.0, 1.5)] == expected


def test_seeds_needed_for_next_to_nothing():
    assert power.seeds_needed(0.001, 1.0) is None


def test_power_rises():
    by_difference = [power.power(d, 0.3, 5) for d in np.linspace(0, 3, 31)]
    by_pairs = [power.power(0.3, 0.3, n) for n in range(2, 30)]
    assert by_difference == sorted(by_difference)
    assert by_pairs == sorted(by_pairs)


def test_correlation():
    pairs = seeds.pair(by_seed([1, 2, 3]), by_seed([2, 4, 7]))
    assert effects.correlation(pairs) == pytest.approx(np.corrcoef([1, 2, 3], [2, 4, 7])[0, 1])
    assert math.isnan(effects.correlation(seeds.pair(by_seed([1, 2, 3]), by_seed([5, 5, 5]))))


def test_collapsed_runs():
    assert effects.num_collapsed([80.0, 80.1, 79.9, 80.2, 3.0]) == 1
    assert effects.num_collapsed([80.0, 80.1, 79.9, 80.2, 79.8]) == 0
    assert effects.num_collapsed([80.0, 80.0, 80.0]) == 0
    assert effects.num_collapsed([87.9, 87.9, 87.9, 88.0, 86.5]) == 0, "close together by chance"


def test_star_levels():
    assert families.star_levels(0.05) == [0.05, 0.01, 0.001]
    assert families.star_levels(0.01) == [0.01, 0.001]


def test_a_plan_that_asks_what_is_reachable_does_not_load_scipy():
    code = "import sys, harness.stats.families as s; s.least_reachable_p(5); print('scipy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def level(law, num_pairs, num_studies, flip=True):
    """Shares of t and sign-flip p below .05 where nothing differs."""
    rng = np.random.default_rng(21)
    differences = law(rng, (num_studies, num_pairs)) - law(rng, (num_studies, num_pairs))
    t = np.mean([seeds.t_test([pairs_of(row)]).p < 0.05 for row in differences])
    return t, np.mean([seeds.sign_flip([row]) < 0.05 for row in differences]) if flip else math.nan


def normal(rng, shape):
    return rng.normal(0, 0.3, shape)


def collapsing(rng, shape):
    return rng.normal(0, 0.3, shape) - 5 * (rng.random(shape) < 0.1)


def test_both_seed_tests_hold_their_level_for_normal_scores():
    t, flip = level(normal, 8, 2000)
    assert 0.037 < t < 0.063
    assert 0.037 < flip < 0.063, "the least p is .0078, so it can be near its level"
    assert level(normal, 5, 50)[1] == 0, "five pairs cannot reach .05"


def test_both_seed_tests_are_not_fooled_by_runs_that_collapse():
    t, flip = level(collapsing, 10, 1500)
    assert t < 0.035 and flip < 0.065


def test_stratified_sign_flip_holds_its_level():
    rng = np.random.default_rng(22)
    p = [seeds.sign_flip([rng.normal(0, sd, 4) for sd in (0.2, 0.3, 0.6)]) for _ in range(1500)]
    assert 0.035 < np.mean(np.array(p) < 0.05) < 0.065


def test_seed_intervals_cover():
    rng = np.random.default_rng(23)
    inside = np.zeros(2)
    for _ in range(2000):
        strata = [pairs_of(0.2 + rng.normal(0, sd, n)) for sd, n in ((0.2, 5), (0.3, 6), (0.6, 4))]
        for place, chosen in enumerate((strata[:1], strata)):
            test = seeds.t_test(chosen)
            inside[place] += test.low <= 0.2 <= test.high
    single, average = inside / 2000
    assert 0.937 < single < 0.963
    assert 0.937 < average < 0.975, "Satterthwaite errs on the safe side with few pairs"


def test_q_values_hold_the_false_discovery_rate():
    rng = np.random.default_rng(24)
    true, shares = np.arange(24) < 12, []
    for _ in range(400):
        found = rng.normal(np.where(true, 0.0, 0.6), 0.3, (8, 24))
        p = 2 * scipy.stats.t.sf(np.abs(found.mean(0) / (found.std(0, ddof=1) / 8**0.5)), 7)
        hits = np.array(families.benjamini_hochberg(p, 24)) < 0.05
        shares.append((hits & true).sum() / max(1, hits.sum()))
    assert np.mean(shares) < 0.04, "half of them are true, so about .025"


@pytest.mark.slow
def test_levels_in_a_large_simulation():
    t, flip = level(normal, 10, 20_000)
    assert 0.047 < t < 0.055 and 0.045 < flip < 0.055
    rng, starred = np.random.default_rng(25), 0
    for _ in range(3000):
        p = [seeds.t_test([pairs_of(rng.normal(0, 0.3, 5))]).p for _ in range(24)]
        starred += min(families.holm(p, 24)) < 0.05
    assert 0.04 < starred / 3000 < 0.06
