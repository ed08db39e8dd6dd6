"""Arrows, stars and daggers of comparisons, after Holm over each planned family; the mark of a reconstruction."""

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.analysis.comparison import Comparison
from harness.analysis.design import num_comparisons
from harness.analysis.flags import flags_of
from harness.config.schema import SweepFile
from harness.stats.multiple_testing import benjamini_hochberg, holm, star_levels

BETTER, WORSE, STAR, DAGGER, RECONSTRUCTED = "▲", "▼", "*", "†", "§"


def marked(sweep: SweepFile, comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Adds what depends on the whole family: adjusted p-values, marks and flags."""
    alpha, answer = sweep.statistics.alpha, list(comparisons)
    for family, size in num_comparisons(sweep).items():
        places = [place for place, item in enumerate(comparisons) if item.family == family]
        raw = [comparisons[place].test.p for place in places]
        for place, p_holm, q_bh in zip(places, holm(raw, size), benjamini_hochberg(raw, size), strict=True):
            item = comparisons[place]
            flags = flags_of(item, alpha, size)
            answer[place] = replace(item, p_holm=p_holm, q_bh=q_bh, marks=_marks(item, p_holm, alpha), flags=flags)
    return tuple(answer)


def _marks(item: Comparison, p_holm: float, alpha: float) -> str:
    """Returns arrow and stars by Holm's p, and a dagger where the crossed 95 % interval excludes 0 too."""
    stars = STAR * sum(p_holm < level for level in star_levels(alpha))
    if item.obstacle or not stars:
        return ""
    low, high = item.documents.crossed.interval() if item.documents else (-math.inf, math.inf)
    return (BETTER if item.test.difference > 0 else WORSE) + stars + (DAGGER if low > 0 or high < 0 else "")
