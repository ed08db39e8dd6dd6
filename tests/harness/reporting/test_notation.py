"""Symbols differ and have meanings; numbers have two decimals, no negative zero, and a dash where there are none."""

import math

import pytest

from harness.analysis import marks
from harness.reporting import notation
from harness.reporting.notation import interval, level, mean_sd, points, probability, share, signed, with_interval


def test_every_symbol_is_one_character_with_a_meaning():
    set_by_analysis = {marks.BETTER, marks.WORSE, marks.STAR, marks.HOLLOW, marks.DAGGER, marks.RECONSTRUCTED}
    assert (
        set(notation.MEANINGS)
        == {*set_by_analysis, notation.CUT, notation.IMPROVING, notation.BELOW, notation.NONE}
        == set("▲▼*☆†§‡↗↓–")
    )
    assert all(notation.MEANINGS.values())


def test_stars_are_explained_by_their_levels():
    assert notation.explained_stars([".05", ".01"]) == "* p<.05, ** p<.01"
    assert notation.explained(notation.BETTER) == "▲ better"


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
        (with_interval(0.9951, 0.0049, 1.0, share), ">0.99 [<0.01, >0.99]"),
        (with_interval(0.994, 0.006, 0.995, share), "0.99 [0.01, 0.99]"),
        (interval(-0.5, 0.25), "[-0.50, +0.25]"),
        (interval(0.0, 2.0), "(0, +2.00]"),
        (interval(-2.0, -0.0), "[-2.00, 0)"),
        (interval(math.nan, math.nan), "–"),
    ],
)
def test_numbers_are_written(text: str, expected: str) -> None:
    assert text == expected
