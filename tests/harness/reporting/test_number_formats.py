"""Numbers have two decimals, no negative zero, no probability of 0, and a dash where there are none."""

import math

import pytest

from harness.reporting.number_formats import level, mean_sd, points, probability, signed, with_interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (points(1.005), "1.00"),
        (points(-0.001), "0.00"),
        (points(math.nan), "–"),
        (signed(0.126), "+0.13"),
        (signed(-0.001), "+0.00"),
        (signed(-2), "-2.00"),
        (signed(None), "–"),
        (signed(math.nan), "–"),
        (probability(0.04999, 3), "0.050"),
        (probability(0.0004, 3), "<0.001"),
        (probability(0.0, 4), "<0.0001"),
        (probability(math.nan, 4), "n/a"),
        (level(0.05), ".05"),
        (level(1.0), "1"),
        (mean_sd(80, 0.25), "80.00 ± 0.25"),
        (mean_sd(80, math.nan), "80.00"),
        (with_interval(1.5, 1, 2), "1.50 [1.00, 2.00]"),
        (with_interval(-1, -2, 0, signed), "-1.00 [-2.00, +0.00]"),
        (with_interval(1.5, math.nan, math.nan), "1.50"),
    ],
)
def test_numbers_are_written(text: str, expected: str) -> None:
    assert text == expected
