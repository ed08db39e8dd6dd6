"""Every rule at both sides of each of its bounds."""

import numpy as np
import pytest

from harness.stats.claim_rules import Judged, best, conjunction, direction, no_gain, within
from harness.stats.multiple_testing import p_not_best
from harness.stats.t_tests import Estimate
from tests.harness.stats.test_pairing import by_seed

T95, T90 = 2.7764451, 2.1318468  # Four degrees of freedom.


def at(value, error=0.1):
    return Estimate(value, error, 4)


@pytest.mark.parametrize(
    ("value", "error", "sign", "verdict"),
    [
        (0.28, 0.1, 1, "supported"),
        (0.27, 0.1, 1, "negligible"),
        (0.27, 0.1, -1, "negligible"),
        (0.28, 0.1, -1, "contradicted"),
        (-0.28, 0.1, -1, "supported"),
        (0.29, 0.11, 1, "inconclusive"),  # 0.29 + 2.13 x 0.11 = 0.52.
    ],
)
def test_direction(value, error, sign, verdict):
    assert direction(at(value, error), sign, 0.5).verdict == verdict
    assert direction(None, sign, 0.5).verdict == "not tested"
    # A fall is a rise of the difference with its sign turned, also where documents make it less sure.
    for wider in (error, 3 * error):
        found, turned = (at(one, error).guarded(Estimate(one, wider, 9)) for one in (value, -value))
        assert direction(found, sign, 0.5) == direction(turned, -sign, 0.5)


def test_no_gain():
    assert no_gain(at(0.1 * T95 + 0.001), 0.5).verdict == "contradicted"
    assert no_gain(at(0.1 * T95 - 0.001), 0.5).verdict == "supported"
    assert no_gain(at(0.5 - 0.2 * T90 + 0.001, 0.2), 0.5).verdict == "inconclusive"
    assert no_gain(at(0.5 - 0.2 * T90 - 0.001, 0.2), 0.5).verdict == "supported"
    assert no_gain(at(-3.0), 0.5).verdict == "supported"


def test_within():
    assert within(at(0.78), -1, 1).verdict == "supported"
    assert within(at(0.79), -1, 1).verdict == "inconclusive"
    assert within(at(1 + 0.1 * T95 - 0.001), -1, 1).verdict == "inconclusive"
    assert within(at(1 + 0.1 * T95 + 0.001), -1, 1).verdict == "contradicted"
    assert within(at(-1 - 0.1 * T95 - 0.001), -1, 1).verdict == "contradicted"


def test_best():
    assert best({"none": 0.049, "masking": 0.9}, "masking").verdict == "supported"
    assert best({"none": 0.05, "masking": 0.9}, "masking").verdict == "inconclusive"
    assert best({"none": 0.9, "masking": 0.05}, "masking").verdict == "inconclusive"
    assert best({"none": 0.9, "masking": 0.049}, "masking") == Judged("contradicted", 0.049, 0.05)


def parts(*verdicts):
    return [Judged(verdict, p) for verdict, p in verdicts]


def test_a_conjunction_needs_every_part_and_one_contradiction_that_survives_holm():
    assert conjunction(parts(("supported", 0.9), ("supported", 0.9))) == "supported"
    assert conjunction(parts(("supported", 0.9), ("negligible", 0.9))) == "inconclusive"
    assert conjunction(parts(("negligible", 0.9), ("negligible", 0.9))) == "not supported"
    assert conjunction(parts(("contradicted", 0.012), ("supported", 0.9))) == "not supported"
    assert conjunction(parts(("contradicted", 0.013), ("supported", 0.9))) == "inconclusive"
    assert conjunction([Judged("contradicted", 0.024, 0.05), Judged("supported", 0.9, 0.05)]) == "not supported"
    assert conjunction([Judged("contradicted", 0.025, 0.05), Judged("supported", 0.9, 0.05)]) == "inconclusive"
    assert conjunction(parts(("not tested", float("nan")), ("supported", 0.9))) == "inconclusive"
    assert conjunction(parts(("not tested", float("nan")))) == "not tested"
    with pytest.raises(AssertionError):
        conjunction([])


def test_false_verdicts_are_rare_where_the_claim_is_false_or_true_by_a_hair():
    rng, wrong_support, wrong_denial = np.random.default_rng(0), 0, 0
    for _ in range(2000):
        d = rng.normal(0.0, 0.3, (2, 5))
        found = [Estimate(row.mean(), row.std(ddof=1) / 5**0.5, 4) for row in d]
        verdict = conjunction([direction(one, 1, 0.05) for one in found])
        wrong_support += verdict == "supported"
        moved = [Estimate(one.value + 0.001, one.error, 4) for one in found]  # Both truly above 0, barely.
        judged = [direction(one, 1, 0.0) for one in moved]
        wrong_denial += conjunction(judged) == "not supported"
    assert wrong_support / 2000 < 0.01
    assert wrong_denial / 2000 < 0.04


def test_a_claim_of_eight_best_places_is_seldom_denied_where_it_is_true_by_a_hair():
    """One excluded place in eight is no denial: uncorrected, 15 % of true claims would be denied."""
    rng, denied, uncorrected = np.random.default_rng(0), 0, 0
    for _ in range(400):
        judged = []
        for _ in range(8):
            members = [[by_seed(arm)] for arm in rng.normal([80.001, 80, 70], 0.3, (6, 3)).T]
            judged.append(best(dict(zip("abc", p_not_best(members, 3), strict=True)), "a"))
        denied += conjunction(judged) == "not supported"
        uncorrected += any(one.verdict == "contradicted" for one in judged)
    assert denied / 400 < 0.04 and uncorrected / 400 > 0.12
