"""Symbols differ, and each has a meaning."""

from harness.analysis import marks
from harness.reporting import symbols


def test_every_symbol_is_one_character_with_a_meaning():
    set_by_analysis = {marks.BETTER, marks.WORSE, marks.STAR, marks.DAGGER, marks.RECONSTRUCTED}
    assert set(symbols.MEANINGS) == {*set_by_analysis, symbols.CUT, symbols.NONE} == set("▲▼*†§‡–")
    assert all(symbols.MEANINGS.values())


def test_stars_are_explained_by_their_levels():
    assert symbols.explained_stars([".05", ".01"]) == "* p<.05, ** p<.01"
    assert symbols.explained(symbols.BETTER) == "▲ better"
