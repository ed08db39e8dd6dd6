"""Prediction intervals: by hand, and by how often they hold."""

import math

import numpy as np
import pytest
import scipy.stats

from harness.stats import prediction_interval
from harness.stats.prediction_interval import PublishedNumber


def test_prediction_interval_by_hand():
    scores = [80.0, 80.1, 80.2]
    half_width = 4.302652729911275 * 0.1 * math.sqrt(4 / 3) + 0.005
    judged = prediction_interval.prediction([scores], 80.1 + half_width - 1e-6)
    assert (judged.agreement, judged.half_width) == ("≈", pytest.approx(half_width))
    assert prediction_interval.prediction([scores], 80.1 + half_width + 1e-6).agreement == "<"
    assert prediction_interval.prediction([scores], 80.1 - half_width - 1e-6).agreement == ">"
    assert prediction_interval.prediction([scores], 80.1 + half_width - 0.005).p == pytest.approx(0.05)
    assert prediction_interval.prediction([[70.0, 80.0, 90.0]], 80.0).agreement == "uninformative"
    assert prediction_interval.prediction([[80.0, 80.01]], 80.0).agreement == "uninformative"
    assert prediction_interval.prediction([[80.0, 80.0, 80.0]], 80.0).agreement == "degenerate"
    assert prediction_interval.prediction([[80.0]], 80.0).agreement == "n/a"


def test_what_lies_outside_is_told_however_wide_the_interval_is():
    wide = [70.0, 80.0, 90.0]
    half_width = 4.302652729911275 * 10 * math.sqrt(4 / 3) + 0.005
    few = [80.0, 80.01]
    width_of_few = 12.706204736432095 * np.std(few, ddof=1) * math.sqrt(1.5) + 0.005
    for scores, end in ((wide, half_width), (few, width_of_few)):
        for sign, agreement in ((1, "<"), (-1, ">")):
            inside, outside = (np.mean(scores) + sign * (end + step) for step in (-1e-6, 1e-6))
            assert prediction_interval.prediction([scores], inside).agreement == "uninformative"
            assert prediction_interval.prediction([scores], outside).agreement == agreement


def test_prediction_interval_of_an_average():
    first, second = [80.0, 80.1, 80.2], [70.0, 70.4]
    v = [0.01 * (1 + 1 / 3), 0.08 * (1 + 1 / 2)]
    df = sum(v) ** 2 / (v[0] ** 2 / 2 + v[1] ** 2 / 1)
    judged = prediction_interval.prediction([first, second], 75.0)
    assert judged.half_width == pytest.approx(scipy.stats.t.isf(0.025, df) * math.sqrt(sum(v)) / 2 + 0.005)


def test_prediction_interval_covers_a_further_run():
    runs = np.random.default_rng(5).normal(80, 0.3, (2000, 6))
    inside = [prediction_interval.prediction([row[:5]], row[5], rounding=0.0).agreement == "≈" for row in runs]
    assert 0.935 < np.mean(inside) < 0.965


def test_a_published_difference_is_judged_like_a_score():
    differences = np.array([0.3, 0.5, 0.4])
    judged = prediction_interval.prediction([differences], -0.2, rounding=0.01)
    assert judged.agreement == ">"
    assert judged.half_width == pytest.approx(4.302652729911275 * 0.1 * math.sqrt(4 / 3) + 0.01)


def test_other_test_documents_widen_the_interval_by_hand_and_as_often_as_they_should():
    scores = [80.0, 80.1, 80.2]
    seed_variance, documents = 0.01 * 4 / 3, 0.04
    total = seed_variance + 2 * documents
    df = total**2 / (seed_variance**2 / 2)
    judged = prediction_interval.prediction([scores], 80.5, documents=documents)
    assert judged.half_width == pytest.approx(scipy.stats.t.isf(0.025, df) * math.sqrt(total) + 0.005)
    average = prediction_interval.prediction([scores, [70.0, 70.4]], 75.0, documents=documents)
    v = [seed_variance, 0.08 * 1.5]
    df = (sum(v) + 2 * documents) ** 2 / (v[0] ** 2 / 2 + v[1] ** 2 / 1)
    error = math.sqrt(sum(v) + 2 * documents) / 2
    assert average.half_width == pytest.approx(scipy.stats.t.isf(0.025, df) * error + 0.005)

    rng, inside = np.random.default_rng(6), np.zeros(2)
    for _ in range(1500):
        ours, theirs = 80 + rng.normal(0, 0.2, 2)  # What each sample of documents does to all runs on it.
        runs, run = ours + rng.normal(0, 0.3, 5), theirs + rng.normal(0, 0.3)
        for place, known in enumerate((0.0, 0.04)):
            inside[place] += prediction_interval.prediction([runs], run, rounding=0.0, documents=known).agreement == "≈"
    seeds_only, both = inside / 1500
    assert seeds_only < 0.92 and 0.93 < both < 0.97


def test_a_difference_of_arms_that_do_not_pair():
    variant, base = np.array([1.0, 1.2, 1.5]), np.array([0.4, 0.5])
    v = [variant.var(ddof=1) * 4 / 3, base.var(ddof=1) * 3 / 2]
    df = sum(v) ** 2 / (v[0] ** 2 / 2 + v[1] ** 2 / 1)
    judged = prediction_interval.prediction([variant, -base], 0.5, 0.01, num_strata=1)
    assert judged.half_width == pytest.approx(scipy.stats.t.isf(0.025, df) * math.sqrt(sum(v)) + 0.01)
    further = prediction_interval.prediction([variant, -base], variant.mean() - base.mean(), 0.01, num_strata=1)
    assert further.p == pytest.approx(1), "the interval lies around our difference"


def test_a_published_mean_with_its_spread_is_compared_by_welchs_t():
    ours, theirs = np.array([80.0, 80.1, 80.3, 80.4]), np.array([80.6, 80.9, 80.5])
    number = PublishedNumber(theirs.mean(), ((theirs.std(ddof=1), 3),), 3)
    judged = prediction_interval.prediction([ours], number, rounding=0.0)
    welch = scipy.stats.ttest_ind(ours, theirs, equal_var=False)
    assert judged.p == pytest.approx(welch.pvalue) and judged.agreement == "<"
    low, high = welch.confidence_interval(0.95)
    assert judged.half_width == pytest.approx((high - low) / 2)


def test_a_published_mean_without_spread_has_that_of_as_many_runs_of_ours():
    scores = [80.0, 80.1, 80.2]
    judged = prediction_interval.prediction([scores], PublishedNumber(80.0, runs=5))
    assert judged.half_width == pytest.approx(4.302652729911275 * 0.1 * math.sqrt(1 / 3 + 1 / 5) + 0.005)


def test_differences_and_averages_of_published_means_add_their_errors():
    one, other = PublishedNumber(80.5, ((0.2, 4),), 4), PublishedNumber(80.1, ((0.3, 6),), 6)
    number = one.minus(other)
    assert (number.value, number.spreads, number.runs) == (0.4, ((0.2, 4), (0.3, 6)), 4)
    assert one.minus(PublishedNumber(80.1)) == PublishedNumber(0.4)
    differences = [np.array([0.3, 0.5, 0.4]), np.array([0.1, 0.3, 0.5])]
    found = prediction_interval.against_published(differences, number, 2)
    v, sizes = [0.01 / 3, 0.04 / 3, 0.04 / 4, 0.09 / 6], [3, 3, 4, 6]
    assert found.value == pytest.approx(0.35 - 0.4) and found.error == pytest.approx(math.sqrt(sum(v)) / 2)
    assert found.df == pytest.approx(sum(v) ** 2 / sum(part**2 / (n - 1) for part, n in zip(v, sizes, strict=True)))


@pytest.mark.parametrize("is_stated", [True, False])
def test_means_of_one_system_agree_as_often_as_they_should(is_stated):
    rng, inside = np.random.default_rng(8), []
    for _ in range(2000):
        ours, theirs = rng.normal(80, 0.3, 10), rng.normal(80, 0.2, 5)
        # Where it is not stated it counts as the least that it can be, and so is judged with caution.
        number = PublishedNumber(theirs.mean(), ((theirs.std(ddof=1), 5 if is_stated else 2),), 5 if is_stated else 2)
        inside.append(prediction_interval.prediction([ours], number, rounding=0.0).p >= 0.05)
    assert 0.935 < np.mean(inside) < 0.965 if is_stated else np.mean(inside) > 0.97
