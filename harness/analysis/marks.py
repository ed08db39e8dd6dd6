"""Arrows, stars and daggers of comparisons, after Holm over each planned family; the mark of a reconstruction.

What each tells the reader of a report is written in harness/reporting/notation.py.
"""

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
            marks = "" if item.obstacle else marks_of(item, p_holm, alpha)
            flags = flags_of(item, alpha, size)
            answer[place] = replace(item, p_holm=p_holm, q_bh=q_bh, marks=marks, flags=flags)
    return tuple(answer)


def marks_of(item: Comparison, p: float, alpha: float) -> str:
    """Returns the marks of a comparison, empty where it is not significant.

    The corrected p-value makes the stars, one at alpha; the interval over seeds and documents makes the dagger.
    """
    stars = STAR * sum(p < level for level in star_levels(alpha))
    if not stars:
        return ""
    low, high = item.documents.crossed.interval() if item.documents else (-math.inf, math.inf)
    return (BETTER if item.test.difference > 0 else WORSE) + stars + (DAGGER if low > 0 or high < 0 else "")
