"""Figure of ranks: a forest of simultaneous confidence intervals, for a hundred rows and more."""

from typing import TYPE_CHECKING

from harness.analysis.findings import Findings
from harness.analysis.ranking import Rank
from harness.reporting.drawing import BLUE, DOT, ORANGE, Drawing, panels
from harness.reporting.standing import rank_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALL_FROM = 40
"""Number of rows from which on they stand closer together."""


def ranks(findings: Findings) -> Drawing | None:
    """Draws the ranks that each row may have, the row with the highest mean first; None below three rows."""
    found = [(column, ranked) for column, ranked in zip(findings.columns, findings.ranks, strict=True) if ranked]
    if not found:
        return None
    most = max(len(ranked) for _, ranked in found)
    height = (0.2 if most < _SMALL_FROM else 0.13) * most + 0.7
    figure, axes = panels(len(found), 3.4, height, 2 * len(findings.sweep.statistics.star_metrics))
    for axis, (column, ranked) in zip(axes, found, strict=True):
        _forest(axis, ranked, most, 8.0 if most < _SMALL_FROM else 6.0)
        axis.set_title(column.title)
        for label, one in zip(axis.get_yticklabels(), ranked, strict=True):
            label.set_color(ORANGE if one.row.model in findings.sweep.linear else "black")
    figure.supxlabel("rank, 1 the highest", fontsize=8)
    level = f"{100 * (1 - findings.sweep.statistics.alpha):g} %"
    caption = (
        f"Ranks. Dot: by the mean; bar: the ranks that the row may have, all bars of a panel together with {level} "
        "confidence. Rows whose bars do not meet differ."
    )
    return Drawing("ranks", caption, figure, rank_rows(findings))


def _forest(axis: "Axes", ranked: tuple[Rank, ...], most: int, size: float) -> None:
    """Draws the intervals of one column from the top, one row below the other."""
    from matplotlib.ticker import MaxNLocator

    for y, one in enumerate(ranked):
        axis.axhline(y, color="#eeeeee", lw=0.6, zorder=0)
        # A bar that has one rank still has a length.
        axis.plot((one.interval.low - 0.3, one.interval.high + 0.3), (y, y), color=BLUE, lw=2.0, solid_capstyle="butt")
        axis.plot(one.rank, y, "o", zorder=3, **(DOT | {"ms": 3.5}))
    axis.set_yticks(range(len(ranked)), [one.title for one in ranked], fontsize=size)
    axis.set_ylim(len(ranked) - 0.4, -0.6)
    axis.set_xlim(0.4, most + 0.6)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
