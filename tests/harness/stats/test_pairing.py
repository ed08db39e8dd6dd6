"""Runs of two arms: paired by seed and origin, or compared as wholes made on one thing."""

import math

import numpy as np
import pytest
import scipy.stats

from harness.stats import pairing
from harness.stats.pairing import Arms, Constant, Pairs, SeedKey
from harness.stats.t_tests import t_test


def by_seed(values):
    return {SeedKey(seed): float(value) for seed, value in enumerate(values)}


def pairs_of(differences, base=80.0):
    return Pairs.of(by_seed(base + float(d) for d in differences), by_seed([base] * len(differences)))


def arms_of(variant, base):
    return Arms.of(by_seed(variant), by_seed(base))


def made(**scores):
    """Scores by origin and seed: `a3=80.0` is the run of seed 3 that was made on a."""
    return {SeedKey(int(name[1:]), name[0]): score for name, score in scores.items()}


def test_pairing_is_by_seed_and_drops_what_one_arm_lacks():
    variant, base = {3: 1.0, 1: 2.0, 2: math.nan, 9: 4.0}, {9: 1.0, 1: 0.5, 2: 3.0, 3: math.inf}
    found = Pairs.of(*({SeedKey(seed): score for seed, score in arm.items()} for arm in (variant, base)))
    assert found.seeds == ((1, 9), (1, 9)) and found.size == 2
    assert found.differences == {1: 1.5, 9: 3.0} and found.samples[0].tolist() == [1.5, 3.0]
    assert (found.dropped, found.mixed) == ((2, 3), ())


def test_runs_of_one_seed_that_were_made_on_two_things_are_no_pair():
    found = Pairs.of(made(a1=1.0, b2=2.0, a3=3.0, a4=4.0), made(a1=0.5, a2=0.5, a3=0.5))
    assert found.differences == {1: 0.5, 3: 2.5}
    assert (found.dropped, found.mixed) == ((4,), (2,))


def test_arms_are_compared_on_what_leaves_most_runs_in_the_smaller_one():
    variant, base = made(a0=1.0, a1=2.0, b3=3.0, b4=4.0, b5=math.nan), made(a0=5.0, b3=6.0, b4=7.0, b6=8.0)
    found = Arms.of(variant, base)
    assert found.seeds == ((3, 4), (3, 4, 6)) and found.size == 2 and found.differences == {}
    assert (found.dropped, found.mixed) == ((), (0, 1))
    anywhere = [{SeedKey(key.seed): score for key, score in arm.items()} for arm in (variant, base)]
    assert Arms.of(*anywhere).seeds == ((0, 1, 3, 4), (0, 3, 4, 6))
    nobody = Arms.of({}, base)
    assert nobody.size == 0 and nobody.mixed == (), "nothing to be unlike"
    unlike = Arms.of(made(a0=1.0), made(b3=1.0))
    assert unlike.size == 0 and unlike.mixed == (0, 3)


@pytest.mark.parametrize("design", [Pairs, Arms])
def test_samples_are_independent_and_their_means_add_up_to_the_difference(design):
    rng = np.random.default_rng(0)
    variant, base = rng.normal(80, 1, (2, 6))
    found = design.of(by_seed(variant), by_seed(base))
    assert sum(sample.mean() for sample in found.samples) == pytest.approx(variant.mean() - base.mean())
    arms = [by_seed(arm) for arm in rng.normal(80, 1, (3, 6))]
    arms[2].pop(SeedKey(4))
    shared = design.shared(arms)
    assert [len(arm) for arm in shared] == ([5, 5, 5] if design is Pairs else [6, 6, 5])
    weighted = [np.array(list(arm.values())) * weight for arm, weight in zip(shared, (0.5, 0.5, -1.0), strict=True)]
    total = sum(values.mean() for values in weighted)
    assert sum(sample.mean() for sample in design.combined(weighted)) == pytest.approx(total)


def test_least_p_is_reached_and_never_passed():
    assert pairing.least_p([pairs_of([1, 2, 3])]) == 2 / 8 == Pairs.exact_p([pairs_of([1, 2, 3])])
    assert pairing.least_p([pairs_of([1, 2, 3]), pairs_of([1, 2])]) == 2 / 32
    unequal = arms_of([10, 11], [0, 1, 2, 3, 4])
    assert pairing.least_p([unequal]) == 1 / 21 == Arms.exact_p([unequal])
    assert pairing.least_p([pairs_of([])]) == 1


LONE = {SeedKey(0, "", "constant"): 80.0}


@pytest.mark.parametrize("design", [Pairs, Arms])
def test_runs_are_held_against_a_constant_by_the_one_sample_t_test_in_any_design(design):
    runs = {
        SeedKey(seed, made_on): 80 + score for seed, made_on, score in [(1, "a", 1.0), (2, "a", 2.0), (3, "b", 4.5)]
    }
    found = design.of(runs, LONE)
    assert isinstance(found, Constant) and found.exact_test == "sign flip"
    assert found.seeds == ((1, 2, 3), (0,)) and found.differences == {1: 1.0, 2: 2.0, 3: 4.5}
    oracle = scipy.stats.ttest_1samp([81, 82, 84.5], 80)
    test = t_test([found])
    assert (test.p, test.df) == pytest.approx((oracle.pvalue, 2))
    turned = design.of(LONE, runs)
    assert turned.seeds == ((0,), (1, 2, 3)) and t_test([turned]).difference == pytest.approx(-test.difference)
    assert turned.differences == {1: -1.0, 2: -2.0, 3: -4.5}


def test_two_constants_are_one_pair_and_a_missing_one_is_none():
    both = Pairs.of(LONE, {SeedKey(0, "", "constant"): 79.0})
    assert (both.size, both.seeds, t_test([both]).status) == (1, ((0,), (0,)), "too few pairs")
    none = Pairs.of({SeedKey(1): 81.0}, {})
    assert none.size == 0 and Pairs.of({}, LONE).size == 0


def test_an_arm_whose_seeds_are_its_own_is_compared_as_a_whole_and_with_any_hardware():
    ours = {SeedKey(seed, "gpu"): 80.0 + seed for seed in (1, 2, 3)}
    theirs = {SeedKey(seed, "", "unpaired"): 70.0 + seed for seed in (1, 2)}
    found = Pairs.of(ours, theirs)
    assert type(found) is Arms and found.seeds == ((1, 2, 3), (1, 2)) and found.mixed == ()
    oracle = scipy.stats.ttest_ind([81, 82, 83], [71, 72], equal_var=False)
    assert t_test([found]).p == pytest.approx(oracle.pvalue)
