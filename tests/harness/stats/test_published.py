"""Prediction intervals: by hand, and by how often they hold."""

import math

import numpy as np
import pytest
import scipy.stats

from harness.stats import published


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


def test_a_published_difference_is_judged_like_a_score():
    differences = np.array([0.3, 0.5, 0.4])
    judged = published.prediction([differences], -0.2, rounding=0.01)
    assert judged.label == ">"
    assert judged.half_width == pytest.approx(4.302652729911275 * 0.1 * math.sqrt(4 / 3) + 0.01)
