"""Tuning curves against their closed form, and how often their bands hold."""

import numpy as np
import pytest

from harness.stats.tuning_curves import tuning_curve


def test_the_median_best_of_k_draws_is_a_quantile_of_one() -> None:
    """P(best of k <= y) = F(y)^k, so that the median of the best is the quantile 0.5^(1/k) of a draw."""
    scores = np.random.default_rng(0).uniform(60, 90, 400)
    curve = tuning_curve(scores.tolist())
    assert curve is not None
    expected = [60 + 30 * 0.5 ** (1 / k) for k in (1, 2, 5, 20)]
    assert [curve.median[k - 1] for k in (1, 2, 5, 20)] == pytest.approx(expected, abs=2.0)
    assert curve.median[0] == pytest.approx(np.median(scores), abs=0.3)


def test_curves_rise_within_their_bands_and_end_at_the_best() -> None:
    scores = [70.0, 81.0, 64.0, 90.5, 77.0, 80.0, 0.0]
    curve = tuning_curve(scores)
    assert curve is not None
    for values in (curve.low, curve.median, curve.high):
        assert list(values) == sorted(values)
    assert all(a <= b <= c for a, b, c in zip(curve.low, curve.median, curve.high, strict=True))
    assert curve.median[-1] == max(scores) and curve.high[-1] == 100.0


def test_the_whole_band_holds_as_often_as_it_says() -> None:
    rng, hits, repetitions, num = np.random.default_rng(1), 0, 400, 12
    truth = [50 + 40 * 0.5 ** (1 / k) for k in range(1, num + 1)]
    for _ in range(repetitions):
        curve = tuning_curve(rng.uniform(50, 90, num).tolist(), level=0.8)
        assert curve is not None
        hits += all(low <= true <= high for low, true, high in zip(curve.low, truth, curve.high, strict=True))
    # Simultaneous over the whole distribution, of which the curve to k = 12 is a part: at least its level.
    assert hits / repetitions > 0.8 - 3 * (0.8 * 0.2 / repetitions) ** 0.5


def test_with_ties_the_band_holds_at_least_as_often_as_it_says() -> None:
    """Half of the draws are 0, as of trials that collapse, the others uniform: F(y) = 0.5 + 0.5 y / 90."""
    rng, hits, repetitions, num = np.random.default_rng(2), 0, 400, 12
    truth = [max(0.0, 90 * (0.5 ** (1 / k) - 0.5) / 0.5) for k in range(1, num + 1)]
    for _ in range(repetitions):
        scores = np.where(rng.random(num) < 0.5, 0.0, rng.uniform(0, 90, num))
        curve = tuning_curve(scores.tolist(), level=0.8)
        assert curve is not None
        hits += all(low <= true <= high for low, true, high in zip(curve.low, truth, curve.high, strict=True))
    assert hits / repetitions > 0.8


def test_one_draw_has_no_curve() -> None:
    assert tuning_curve([80.0]) is None
    assert tuning_curve([]) is None
