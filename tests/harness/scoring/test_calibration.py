"""Calibration by hand, by scikit-learn and of probabilities that are right by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from datasets.storage.predictions import FLOOR
from harness.scoring.calibration import BINS, calibration
from tests.harness.scoring.test_decisions import kept, sparse


def test_by_hand() -> None:
    """Bins of .0667: .75 three times, of which one is gold, and .25 once, which is not; a gold label is not kept."""
    values = np.array([[0.75, 0.75, 0.0], [0.75, 0.25, 0.0]])
    gold = np.array([[1, 0, 1], [0, 0, 0]])
    found = calibration(kept(values), sparse(gold))
    assert found["ece"] == pytest.approx(100 * (abs(2.25 - 1) + 0.25) / 4)
    assert found["brier"] == pytest.approx(100 * (0.0625 + 0.5625 + 1 + 0.5625 + 0.0625) / 2)


@given(st.integers(0, 10**6))
def test_against_a_loop_over_bins_and_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 65, (12, 5)) / 64
    gold = rng.random((12, 5)) < 0.4
    found = calibration(kept(values), sparse(gold))
    counted = values > FLOOR
    error = 0.0
    for number in range(BINS):
        inside = counted & (values > number / BINS) & (values <= (number + 1) / BINS)
        if inside.any():
            error += inside.sum() * abs(values[inside].mean() - gold[inside].mean())
    assert found["ece"] == pytest.approx(100 * error / max(counted.sum(), 1))
    if 0 < gold.sum() < gold.size:
        assert found["brier"] == pytest.approx(5 * 100 * brier_score_loss(gold.ravel(), values.ravel()))


def test_labels_drawn_by_their_probabilities_have_little_error_and_doubled_odds_have_more() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((20_000, 5))
    gold = sparse(rng.random(values.shape) < values)
    fair = calibration(kept(values), gold)
    sure = calibration(kept(values**2 / (values**2 + (1 - values) ** 2)), gold)
    assert fair["ece"] < 1 and sure["ece"] > 5 and sure["brier"] > fair["brier"]
    # The mean of p (1 - p) is 1/6, for each of five labels.
    assert fair["brier"] == pytest.approx(100 * 5 / 6, rel=0.02)
