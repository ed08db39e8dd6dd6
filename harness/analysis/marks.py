"""Marks that the analysis sets: ▲ or ▼ with stars and † at a difference, § at the title of a reconstruction.

What each tells the reader of a report is written in harness/reporting/symbols.py.
"""

import math

from harness.analysis.findings import Comparison
from harness.stats.multiple_testing import star_levels

BETTER, WORSE, STAR, DAGGER, RECONSTRUCTED = "▲", "▼", "*", "†", "§"


def marks_of(item: Comparison, p: float, alpha: float) -> str:
    """Returns the marks of a comparison, empty where it is not significant.

    Args:
        item: Comparison with its t test and, where predictions are known, the interval over seeds and documents.
        p: Corrected p-value, which makes the stars.
        alpha: Level of one star.
    """
    stars = STAR * sum(p < level for level in star_levels(alpha))
    if not stars:
        return ""
    low, high = item.documents.crossed.interval() if item.documents else (-math.inf, math.inf)
    return (BETTER if item.test.difference > 0 else WORSE) + stars + (DAGGER if low > 0 or high < 0 else "")
