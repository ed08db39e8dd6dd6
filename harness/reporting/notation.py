"""Notation of reports: symbols with what they mean to the reader, formats of numbers.

▲ ▼ * ☆ † and § are decided in harness/analysis/marks.py; ‡, ↗ and ↓ are set in tables.py, – by the formats below.
"""

import math
from collections.abc import Callable, Sequence

from harness.analysis.marks import BETTER, DAGGER, HOLLOW, RECONSTRUCTED, STAR, WORSE

CUT, IMPROVING, BELOW, NONE = "‡", "↗", "↓", "–"

MEANINGS = {
    BETTER: "better",
    WORSE: "worse",
    STAR: "p<",
    HOLLOW: "a star of the t test that the exact test does not confirm at its level, after Holm over the same tests",
    DAGGER: "a full star that also holds over seeds and test documents together (crossed; documents drawn once for all "
    "seeds): Holm over the larger of both p",
    RECONSTRUCTED: "a reconstruction, whose scores are not those of the published model",
    CUT: "out of memory, so trained on batches cut into parts whose gradients are added up; batch statistics and "
    "dropout are those of the parts",
    IMPROVING: "so it is in most runs of the row, and more training may change its scores",
    BELOW: "lower mean than `linear` in every column that both have",
    NONE: "no number: nothing has run, or there is none",
}


def explained(symbol: str) -> str:
    """Returns a symbol with its meaning."""
    return f"{symbol} {MEANINGS[symbol]}"


def explained_stars(levels: Sequence[str]) -> str:
    """Returns what one, two and more stars mean, given their levels."""
    return ", ".join(f"{STAR * num} {MEANINGS[STAR]}{p}" for num, p in enumerate(levels, 1))


def points(value: float) -> str:
    """Two decimals, or a dash."""
    return NONE if math.isnan(value) else f"{value:z.2f}"


def signed(value: float | None) -> str:
    """Two decimals with a sign, or a dash."""
    return NONE if value is None or math.isnan(value) else f"{value:+z.2f}"


def probability(value: float, digits: int) -> str:
    """A p-value; never 0."""
    if math.isnan(value):
        return "n/a"
    least = 10.0**-digits
    return f"<{least:.{digits}f}" if value < least else f"{value:.{digits}f}"


def level(value: float) -> str:
    """A significance level without its leading 0."""
    return f"{value:.3g}".removeprefix("0")


def mean_sd(mean: float, sd: float) -> str:
    """A mean, and its standard deviation where there is one."""
    return points(mean) if math.isnan(sd) else f"{points(mean)} ± {points(sd)}"


def share(value: float) -> str:
    """A probability estimated from few runs, which two decimals make neither 0 nor 1."""
    return "<0.01" if value < 0.005 else ">0.99" if value > 0.995 else points(value)


def interval(low: float, high: float) -> str:
    """An interval of differences, or a dash; an end of exactly 0 is not part of it."""
    if math.isnan(low):
        return NONE
    start = "(0" if low == 0 else f"[{signed(low)}"
    return f"{start}, {'0)' if high == 0 else f'{signed(high)}]'}"


def with_interval(value: float, low: float, high: float, number: Callable[[float], str] = points) -> str:
    """A value, and its interval where there is one, in the given format."""
    return number(value) if math.isnan(low) else f"{number(value)} [{number(low)}, {number(high)}]"
