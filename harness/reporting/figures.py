"""Figures of every report: differences, every seed, published scores against ours, ranks.

More are drawn where they are asked for. Each function returns a drawing, or None where there is nothing to draw.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from harness.analysis.findings import Column, Comparison, Findings, Row
from harness.reporting.contrasts import differences_words
from harness.reporting.drawing import (
    BLUE,
    COLOURS,
    DOT,
    ORANGE,
    Drawing,
    compared,
    layout,
    list_rows,
    origin,
    panels,
    style,
)
from harness.reporting.figures_extra import labels, power, times, variances
from harness.reporting.figures_ranks import ranks
from harness.reporting.tuning import tuning_curves
from harness.stats.prediction_interval import JUDGED, NOT_COMPARABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Figures = Literal["main", "all"]


def draw(findings: Findings, figures: Figures = "main") -> Iterator[Drawing]:
    """Yields the figures that there are results for: those of every report, or all."""
    extra = (variances, power, labels, times) if figures == "all" else ()
    for part in (differences, seeds, published, ranks, tuning_curves, *extra):
        with style():
            drawing = part(findings)
        if drawing is not None:
            yield drawing


def differences(findings: Findings) -> Drawing | None:
    """Draws every listed difference with its intervals."""
    items = compared(findings)
    if not items:
        return None
    titles, columns = layout(findings, items)
    smallest = findings.sweep.statistics.smallest_effect
    width = 2 * len(findings.sweep.statistics.star_metrics)
    figure, axes = panels(len(columns), 2.3, 0.32 * len(titles) + 0.75, width, sharey=True)
    rows: list[list[Any]] = [
        ["row", "column", "delta", "low_95", "high_95", "crossed_low_95", "crossed_high_95"]
        + ["wider_low_95", "wider_high_95", "published", "marks"]
    ]
    for axis, (column, inside) in zip(axes, columns, strict=True):
        origin(axis, smallest)
        rows += [_difference(axis, titles.index(item.title), item) for item in inside]
        list_rows(axis, titles, column.title)
    whose = differences_words(findings)
    figure.supxlabel(f"Δ {whose}, F points", fontsize=8)
    caption = f"Differences {whose}. Thick: 95 % interval over seeds on the fixed test documents; "
    if any(item.documents for item in items):
        caption += "thin: over seeds and documents, or over seeds alone where that is wider; "
    if any(item.comparable is not None for item in items):
        caption += "diamond: published; "
    if any(item.marks for item in items):
        caption += "marks: those of the table; "
    caption += f"grey: ± {smallest:g} points, the smallest difference of interest."
    return Drawing("differences", caption, figure, rows)


def _difference(axis: "Axes", y: int, item: Comparison) -> list[Any]:
    crossed = item.documents.crossed.interval() if item.documents else (math.nan, math.nan)
    thick = (item.test.low, item.test.high)
    axis.plot(thick, (y, y), color=BLUE, lw=3.2, solid_capstyle="butt")
    if item.documents:
        axis.plot(item.interval, (y, y), color=ORANGE, lw=1.0, marker="|", ms=7)
    axis.text(item.test.difference, y - 0.12, item.marks, fontsize=7, ha="center", va="bottom")
    axis.plot(item.test.difference, y, "o", zorder=3, **DOT)
    if item.comparable is not None:
        axis.plot(item.comparable, y, "D", mfc="none", mec="black", ms=5)
    numbers = [item.test.difference, *thick, *crossed, *item.interval, item.published]
    return [item.title, item.column.title, *numbers, item.marks]


def seeds(findings: Findings) -> Drawing | None:
    """Draws the score of every run, with the mean and the published score of each row."""
    if not any(one.scores for one in findings.results if not findings.sweep.models[one.model].control):
        return None
    columns = [(place, column) for place, column in enumerate(findings.columns) if not column.average]
    shown = [row for row in findings.rows if not row.control]
    figure, axes = panels(len(columns), 2.6, 0.26 * len(shown) + 0.6, sharey=True)
    rows: list[list[Any]] = [["row", "column", "seed", "score"]]
    for axis, (place, column) in zip(axes, columns, strict=True):
        rows += _runs(axis, findings, column, shown)
        for y, row in enumerate(shown):
            cell = row.cells[place]
            axis.plot((cell.mean, cell.mean), (y - 0.28, y + 0.28), color="black", lw=1.4, zorder=3)
            if cell.published is not None and cell.prediction != NOT_COMPARABLE.agreement:
                axis.errorbar(cell.mean, y + 0.2, xerr=cell.half_width, color=ORANGE, lw=1.0, capsize=2)
                axis.plot(cell.published, y + 0.2, "D", mfc="white", mec=ORANGE, ms=5, zorder=4)
        list_rows(axis, [row.title for row in shown], column.title)
    figure.supxlabel("F, points", fontsize=8)
    caption = f"Every run and the mean{'; lines join the runs of a seed' if findings.sweep.statistics.paired else ''}."
    if findings.sweep.published:
        caption += " Diamond: the published run, beside the 95 % prediction interval of a further run of ours."
    return Drawing("seeds", caption, figure, rows)


def _runs(axis: "Axes", findings: Findings, column: Column, shown: list[Row]) -> list[list[Any]]:
    """Draws the runs of one column, model by model and seed by seed, and returns their numbers."""
    scores = {
        (findings.row_titles[one.model, one.merge], one.seed): one.scores[column.metric]
        for one in findings.results
        if one.dataset == column.datasets[0] and one.scores and column.metric in one.scores
    }
    rows: list[list[Any]] = []
    for model in dict.fromkeys(row.model for row in shown):
        places = [(y, row.title) for y, row in enumerate(shown) if row.model == model]
        for seed in sorted(findings.sweep.seeds_of(model)):
            line = [(y, title, scores[title, seed]) for y, title in places if (title, seed) in scores]
            x, y = [score for *_, score in line], [height for height, *_ in line]
            if findings.sweep.statistics.paired:
                axis.plot(x, y, "-", color="#c8c8c8", lw=0.8, zorder=1)
            axis.plot(x, y, "o", color=BLUE, ms=3.5, alpha=0.8)
            rows += [[title, column.title, seed, score] for _, title, score in line]
    return rows


def published(findings: Findings) -> Drawing | None:
    """Draws how far published scores are from ours, in half-widths of the prediction interval."""
    rows: list[list[Any]] = [["row", "column", "ours", "published", "half_width", "distance"]]
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            if cell.published is not None and cell.prediction in JUDGED:
                distance = (cell.published - cell.mean) / cell.half_width
                rows.append([row.title, column.title, cell.mean, cell.published, cell.half_width, distance])
    if len(rows) == 1:
        return None
    titles, columns = (list(dict.fromkeys(row[place] for row in rows[1:])) for place in (0, 1))
    figure, (axis,) = panels(1, 6.4, 0.34 * len(titles) + 0.9)
    origin(axis, 1)
    far = max(1.0, *(abs(row[5]) for row in rows[1:]))
    for title, name, *_, distance in rows[1:]:
        place = columns.index(name)
        y = titles.index(title) + 0.5 * ((place + 0.5) / len(columns) - 0.5)
        colour, marker = COLOURS[place // 2 % len(COLOURS)], "os"[place % 2]
        axis.plot(distance, y, marker, color=colour, ms=5, label=name)
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    axis.legend(handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1.01, 0.5))
    list_rows(axis, titles)
    axis.set_xlim(-1.1 * far, 1.1 * far)
    axis.set_xlabel("published minus our mean, in half-widths of the prediction interval")
    caption = "Published scores against ours. Inside the grey band (± 1) the published run could be one of ours."
    return Drawing("published", caption, figure, rows)
