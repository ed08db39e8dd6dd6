"""Replay of successive halving on curves whose outcome is known."""

import pytest

from tests.bench.halving import Curve, replay


def curve(score: float, epochs: int = 9, seconds: float = 9.0) -> Curve:
    return Curve(
        [{"epoch": float(e), "valid_micro_f1": score, "valid_macro_f1": score} for e in range(1, epochs + 1)],
        epochs,
        seconds,
    )


def test_what_falls_behind_costs_one_epoch_and_the_best_is_kept() -> None:
    found = replay([curve(90.0), *(curve(float(score)) for score in range(80, 65, -1))], "mean", slots=1)
    assert (found.score, found.num_stopped) == (90.0, 15)
    assert found.seconds == pytest.approx(9.0 + 15 * 1.0)


def test_what_rises_is_not_stopped() -> None:
    found = replay([curve(float(score)) for score in range(60, 70)], "mean", slots=1)
    assert (found.score, found.num_stopped, found.seconds) == (69.0, 0, 90.0)


def test_a_trial_that_starts_slowly_is_lost() -> None:
    slow = curve(50.0)
    slow.history[-1] |= {"valid_micro_f1": 99.0, "valid_macro_f1": 99.0}
    found = replay([curve(80.0), curve(81.0), curve(82.0), slow], "mean", slots=1)
    assert found.score == 82.0
