"""Marks show the direction, a star for each level, and † where the interval with documents excludes 0."""

import dataclasses

import pytest

from harness.analysis.marks import marks_of
from harness.analysis.summarise import find
from tests.harness.fake_sweep import facts
from tests.journeys.test_document_level import ONE, made_up


@pytest.mark.parametrize(
    ("p", "alpha", "stars"),
    [(0.05, 0.05, ""), (0.049, 0.05, "*"), (0.01, 0.05, "*"), (0.0099, 0.05, "**"), (0.0009, 0.05, "***")]
    + [(0.02, 0.01, ""), (0.009, 0.01, "*"), (0.0009, 0.01, "**"), (float("nan"), 0.05, "")],
)
def test_stars_count_the_levels_below_which_p_is(p: float, alpha: float, stars: str) -> None:
    sample, found = made_up({"none": 0.85, "masking": 0.93})
    (item, _) = find(ONE, found, facts(ONE), {"wos": sample}).comparisons
    low, high = item.documents.crossed.interval() if item.documents else (0.0, 0.0)
    assert 0 < low < high
    assert marks_of(item, p, alpha) == (f"▲{stars}†" if stars else "")
    alone = dataclasses.replace(item, documents=None)
    assert marks_of(alone, p, alpha) == (f"▲{stars}" if stars else "")
    falls = dataclasses.replace(alone, test=dataclasses.replace(item.test, difference=-1.0))
    assert marks_of(falls, p, alpha) == (f"▼{stars}" if stars else "")
