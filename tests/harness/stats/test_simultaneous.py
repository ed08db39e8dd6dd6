"""Simultaneous intervals: the match with Holm, closed forms, joint coverage at and away from the null."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.estimate import Estimate
from harness.stats.multiple_testing import holm
from harness.stats.simultaneous import simultaneous_intervals


def with_p(p: float, sign: int, df: float = 9) -> Estimate:
    """A difference of a two-sided p, with an error of 1."""
    return Estimate(float(sign * scipy.stats.t.isf(p / 2, df)), 1.0, df)


def excludes_zero(interval: tuple[float, float]) -> bool:
    return interval[0] >= 0 or interval[1] <= 0


def rejected(found: list[Estimate | None], size: int, alpha: float = 0.05) -> list[bool]:
    return [p < alpha for p in holm([one.p_two_sided() if one else math.nan for one in found], size)]


FAMILY = st.lists(st.none() | st.tuples(st.floats(1e-9, 1.0), st.sampled_from([-1, 1])), min_size=1, max_size=12)


def made(family: list[tuple[float, int] | None]) -> list[Estimate | None]:
    # Small p-values, on which stepping down depends.
    return [None if one is None else with_p(one[0] ** 3, one[1]) for one in family]


@given(FAMILY, st.integers(0, 4))
def test_an_interval_excludes_zero_exactly_where_holm_rejects_if_all_that_it_rejects_have_one_sign(family, missing):
    found = made(family)
    size = len(found) + missing
    intervals = simultaneous_intervals(found, size)
    holms = rejected(found, size)
    ours = [not math.isnan(one[0]) and excludes_zero(one) for one in intervals]
    signs = {one.value > 0 for one, is_rejected in zip(found, holms, strict=True) if one and is_rejected}
    assert ours == holms if len(signs) < 2 else all(holm or not own for own, holm in zip(ours, holms, strict=True))
    for one, (low, high) in zip(found, intervals, strict=True):
        assert math.isnan(low) if one is None else low <= one.value <= high


@given(FAMILY)
def test_it_is_holm_over_the_one_sided_p_of_each_direction(family):
    found = made(family)
    above = [p < 0.025 for p in holm([one.p_above() if one else math.nan for one in found], len(found))]
    below = [p < 0.025 for p in holm([one.p_below() if one else math.nan for one in found], len(found))]
    for (low, high), is_above, is_below in zip(simultaneous_intervals(found, len(found)), above, below, strict=True):
        assert (low >= 0, high <= 0) == (is_above, is_below)


def test_the_ends_by_hand():
    t = scipy.stats.t.isf
    strong, weak = Estimate(9.0, 1.0, 9), Estimate(0.5, 1.0, 9)
    one, other = simultaneous_intervals([strong, weak], 2)
    assert one == (0.0, pytest.approx(9 + t(0.025 / 2, 9))), "of the first only the sign is known from below"
    assert other == pytest.approx((0.5 - t(0.025, 9), 0.5 + t(0.025 / 2, 9))), "one is left below, two above"
    both = simultaneous_intervals([strong, Estimate(3.0, 1.0, 9)], 2)
    assert both[0] == pytest.approx((9 - t(0.0125, 9), 9 + t(0.0125, 9))), "all are rejected: Bonferroni's"
    assert both[1] == pytest.approx((3 - t(0.0125, 9), 3 + t(0.0125, 9)))
    assert simultaneous_intervals([strong, None], 3)[1] == (pytest.approx(math.nan, nan_ok=True),) * 2
    assert simultaneous_intervals([strong], 1) == [pytest.approx(strong.interval())]
    ((low, high),) = simultaneous_intervals([Estimate(-9.0, 1.0, 9)], 2)
    assert (low, high) == (pytest.approx(-9 - t(0.0125, 9)), 0.0)


@pytest.mark.parametrize("shared", [0.0, 0.8])
@pytest.mark.parametrize(
    "truth",
    [
        np.zeros(8),
        np.array([0.0] + [3.0] * 7),
        np.array([0.0] + [3.0, -3.0] * 3 + [3.0]),
        np.array([0.0] * 4 + [3.0] * 4),
        np.full(8, 0.35),
        np.array([0.02, -0.02] * 4),
        np.array([0.0, 0.2, 0.4, 0.6, -0.2, -0.4, -0.6, 0.02]),
    ],
)
def test_all_differences_are_covered_together(truth, shared):
    """Nominal .95, less three Monte-Carlo errors of .007, in 1,000 studies of 8 tests and 8 seeds.

    Tests are independent, or of variants of one base. Intervals that cut off at 0 wherever two-sided Holm rejects would
    cover .92 of the studies with one true difference of 0 among large ones of both signs.
    """
    rng, covered = np.random.default_rng(6), 0
    for _ in range(1000):
        noise = (1 - shared) ** 0.5 * rng.normal(0, 0.5, (8, 8)) + shared**0.5 * rng.normal(0, 0.5, 8)
        d = truth[:, None] + noise
        found = [Estimate(row.mean(), row.std(ddof=1) / 8**0.5, 7) for row in d]
        intervals = simultaneous_intervals(found, 8)
        covered += all(
            (low < true if low == 0 else low <= true) and (true < high if high == 0 else true <= high)
            for true, (low, high) in zip(truth, intervals, strict=True)
        )
    assert covered / 1000 > 0.95 - 3 * (0.05 * 0.95 / 1000) ** 0.5
