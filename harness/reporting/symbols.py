"""Symbols in the tables of a report, each with what it means to the reader.

▲ ▼ * † and § are decided in harness/analysis/marks.py; ‡ is set in tables.py, – in number_formats.py.
"""

from collections.abc import Sequence

from harness.analysis.marks import BETTER, DAGGER, RECONSTRUCTED, STAR, WORSE

CUT, NONE = "‡", "–"

MEANINGS = {
    BETTER: "better",
    WORSE: "worse",
    STAR: "p<",
    DAGGER: "the 95 % interval over seeds and test documents together (crossed; documents drawn once for all seeds) "
    "also excludes 0",
    RECONSTRUCTED: "a reconstruction, whose scores are not those of the published model",
    CUT: "out of memory, so trained on batches cut into parts whose gradients are added up; batch statistics and "
    "dropout are those of the parts",
    NONE: "no number: nothing has run, or there is none",
}


def explained(symbol: str) -> str:
    """Returns a symbol with its meaning."""
    return f"{symbol} {MEANINGS[symbol]}"


def explained_stars(levels: Sequence[str]) -> str:
    """Returns what one, two and more stars mean, given their levels."""
    return ", ".join(f"{STAR * num} {MEANINGS[STAR]}{p}" for num, p in enumerate(levels, 1))
