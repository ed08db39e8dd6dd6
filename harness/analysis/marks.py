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
from harness.stats.simultaneous import simultaneous_intervals

BETTER, WORSE, STAR, HOLLOW, DAGGER, RECONSTRUCTED = "▲", "▼", "*", "☆", "†", "§"


def marked(sweep: SweepFile, comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Adds what depends on the whole family: adjusted p-values, simultaneous intervals, marks and flags."""
    alpha, answer = sweep.statistics.alpha, list(comparisons)
    for family, size in num_comparisons(sweep).items():
        places = [place for place, item in enumerate(comparisons) if item.family == family]
        items = [comparisons[place] for place in places]
        raw = [item.test.p for item in items]
        adjusted = zip(
            places,
            items,
            holm(raw, size),
            benjamini_hochberg(raw, size),
            holm([item.p_exact for item in items], size),
            holm([item.p_wider for item in items], size),
            holm([item.least_p for item in items], size),
            simultaneous_intervals([item.test.estimate for item in items], size, alpha),
            strict=True,
        )
        for place, item, p_holm, q_bh, p_exact_holm, p_wider_holm, least_p, interval in adjusted:
            answer[place] = replace(
                item,
                p_holm=p_holm,
                q_bh=q_bh,
                p_exact_holm=p_exact_holm,
                p_wider_holm=p_wider_holm,
                simultaneous=(math.nan, math.nan) if item.obstacle else interval,
                marks="" if item.obstacle else marks_of(item, alpha, p_holm, p_exact_holm, p_wider_holm),
                flags=flags_of(item, alpha, least_p),
            )
    return tuple(answer)


def marks_of(item: Comparison, alpha: float, p: float, p_exact: float, p_wider: float) -> str:
    """Returns the marks of a comparison, empty where it is not significant.

    The t test makes the stars, one at each level that its p is below. A star is full where the exact test is below that
    level too, and hollow where it is not: with few runs t leans on its tail. A dagger stands beside a full star where
    the larger of the p over seeds and that over seeds and documents is below alpha.

    Of 2,000 studies without an effect, of the shape of Table 1 and others, at most 5 % have a full star or a dagger in
    a family (tests/journeys/test_null_stars.py). With 5 seeds 3 to 6 % have a hollow one; and where runs end in one of
    two optima 3 points apart, 4 % have three hollow stars among 24 tests, and 9 % among 48. Daggers beside those
    would stand in 9 % of the latter.

    Args:
        item: Comparison.
        alpha: Level of the first star.
        p: p of the t test over seeds, after Holm over the family, like the others.
        p_exact: p of the exact test.
        p_wider: Larger p, over seeds or over seeds and documents; NaN where predictions are not known.
    """
    levels = star_levels(alpha)
    stars = sum(p < level for level in levels)
    full = sum(p < level and p_exact < level for level in levels)
    if not stars:
        return ""
    arrow = BETTER if item.test.difference > 0 else WORSE
    return arrow + STAR * full + HOLLOW * (stars - full) + (DAGGER if full and p_wider < alpha else "")
