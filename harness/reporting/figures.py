"""Figures of a report: SVG and PNG, with the numbers behind each as CSV. Renders only.

Each function answers with a drawing, or None where there is nothing to draw. Colours are Okabe and Ito's, which
colour-blind readers can tell apart.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.analysis.design import seed_test
from harness.analysis.findings import Comparison, Findings
from harness.stats.power import power
from harness.stats.prediction_interval import JUDGED, NOT_COMPARABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8c8c8c"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9")
_STYLE: Any = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "harness",
    "svg.fonttype": "none",
}
_MOST_SEEDS = 30


@dataclass(frozen=True)
class Drawing:
    """A figure and what it shows.

    Attributes:
        name: Of its files.
        caption: What is seen, and how to read it.
        figure: Of matplotlib.
        rows: The numbers, the head first.
    """

    name: str
    caption: str
    figure: "Figure"
    rows: list[list[Any]]


def draw(findings: Findings) -> Iterator[Drawing]:
    """Yields every figure that the results suffice for."""
    from matplotlib import rc_context

    for part in (_differences, _seeds, _published, _variances, _power, _labels, _times):
        with rc_context(_STYLE):
            drawing = part(findings)
        if drawing is not None:
            yield drawing


def encoded(drawing: Drawing) -> dict[str, bytes]:
    """Returns a figure's files by ending, equal bytes for equal numbers."""
    from matplotlib import rc_context

    files = {}
    for ending, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        stream = BytesIO()
        with rc_context(_STYLE):
            drawing.figure.savefig(stream, format=ending, dpi=140, metadata=metadata)
        files[ending] = stream.getvalue()
    return files


def _panels(num: int, width: float, height: float, most: int = 4, **shared: Any) -> tuple["Figure", list["Axes"]]:
    """Returns a figure with so many panels of a size in inches, unused places left empty."""
    from matplotlib.figure import Figure

    columns = min(num, most)
    rows = -(-num // columns)
    figure = Figure(figsize=(max(width * columns, 4.0), height * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for empty in axes[num:]:
        empty.set_axis_off()
    return figure, axes[:num]


def _tested(findings: Findings) -> list[Comparison]:
    return [item for item in findings.comparisons if item.test.status == "tested"]


def _row_labels(items: Sequence[Comparison]) -> list[str]:
    return list(dict.fromkeys(item.title for item in items))


def _differences(findings: Findings) -> Drawing | None:
    items = _tested(findings)
    if not items:
        return None
    labels = _row_labels(items)
    columns = [column for column in findings.columns if any(item.column == column for item in items)]
    width = len(findings.sweep.statistics.star_metrics)
    figure, axes = _panels(len(columns), 2.3, 0.32 * len(labels) + 0.75, 2 * width, sharey=True)
    rows: list[list[Any]] = [
        ["row", "column", "delta", "low_95", "high_95", "crossed_low_95", "crossed_high_95", "published"]
    ]
    smallest = findings.sweep.statistics.smallest_effect
    for axis, column in zip(axes, columns, strict=True):
        axis.axvspan(-smallest, smallest, color="#e8e8e8", lw=0)
        axis.axvline(0, color=GREY, lw=0.8)
        for item in (item for item in items if item.column == column):
            y = labels.index(item.title)
            thin = item.documents.crossed.interval() if item.documents else (math.nan, math.nan)
            thick = (item.test.low, item.test.high)
            axis.plot(thick, (y, y), color=BLUE, lw=3.2, solid_capstyle="butt")
            axis.plot(thin, (y, y), color=ORANGE, lw=1.0, marker="|", ms=7)
            axis.plot(item.test.difference, y, "o", color=BLUE, ms=4.5, mec="white", mew=0.6, zorder=3)
            if item.comparable is not None:
                axis.plot(item.comparable, y, "D", mfc="none", mec="black", ms=5)
            rows.append(
                [item.title, column.title, item.test.difference, item.test.low, item.test.high, *thin, item.published]
            )
        axis.set_title(column.title)
        axis.set_yticks(range(len(labels)), labels)
        axis.set_ylim(len(labels) - 0.5, -0.5)
    figure.supxlabel("Δ to the base merge, F points", fontsize=8)
    caption = "Differences to the base merge. Thick: 95 % interval over seeds on the fixed test documents; "
    if any(item.documents for item in items):
        caption += "thin: over seeds and documents; "
    if any(item.comparable is not None for item in items):
        caption += "diamond: published; "
    caption += f"grey: ± {smallest:g} points, the smallest difference of interest."
    return Drawing("differences", caption, figure, rows)


def _seeds(findings: Findings) -> Drawing | None:
    columns = [column for column in findings.columns if not column.average]
    scores = {
        (trial.title, trial.dataset, trial.seed): trial.result.scores
        for trial in findings.trials
        if not trial.control and trial.result and trial.result.scores
    }
    if not scores:
        return None
    paired = findings.sweep.statistics.paired
    shown = [row for row in findings.rows if not row.control]
    figure, axes = _panels(len(columns), 2.6, 0.26 * len(shown) + 0.6, sharey=True)
    out: list[list[Any]] = [["row", "column", "seed", "score"]]
    for axis, column in zip(axes, columns, strict=True):
        for model in dict.fromkeys(row.model for row in shown):
            places = [(y, row.title) for y, row in enumerate(shown) if row.model == model]
            for seed in sorted(findings.sweep.seeds):
                found = [(y, label, scores.get((label, column.datasets[0], seed), {})) for y, label in places]
                line = [(y, label, one[column.metric]) for y, label, one in found if column.metric in one]
                if paired:
                    axis.plot([x for _, _, x in line], [y for y, _, _ in line], "-", color="#c8c8c8", lw=0.8, zorder=1)
                axis.plot([x for _, _, x in line], [y for y, _, _ in line], "o", color=BLUE, ms=3.5, alpha=0.8)
                out += [[label, column.title, seed, x] for _, label, x in line]
        at = findings.columns.index(column)
        for y, row in enumerate(shown):
            cell = row.cells[at]
            axis.plot((cell.mean, cell.mean), (y - 0.28, y + 0.28), color="black", lw=1.4, zorder=3)
            if cell.published is not None and cell.prediction != NOT_COMPARABLE.agreement:
                axis.errorbar(cell.mean, y + 0.2, xerr=cell.half_width, color=ORANGE, lw=1.0, capsize=2)
                axis.plot(cell.published, y + 0.2, "D", mfc="white", mec=ORANGE, ms=5, zorder=4)
        axis.set_title(column.title)
        axis.set_yticks(range(len(shown)), [row.title for row in shown])
        axis.set_ylim(len(shown) - 0.5, -0.5)
    figure.supxlabel("F, points", fontsize=8)
    caption = f"Every run{', pairs of one seed joined,' if paired else ''} and the mean."
    if findings.sweep.published:
        caption += (
            " Diamond: the published run, beside the interval in which a further run of ours would lie with a "
            "probability of 95 %."
        )
    return Drawing("seeds", caption, figure, out)


def _published(findings: Findings) -> Drawing | None:
    rows: list[list[Any]] = [["row", "column", "ours", "published", "half_width", "distance"]]
    for row in findings.rows:
        for column, cell in zip(findings.columns, row.cells, strict=True):
            if cell.published is not None and cell.prediction in JUDGED:
                distance = (cell.published - cell.mean) / cell.half_width
                rows.append([row.title, column.title, cell.mean, cell.published, cell.half_width, distance])
    if len(rows) == 1:
        return None
    labels, columns = (list(dict.fromkeys(row[place] for row in rows[1:])) for place in (0, 1))
    figure, (axis,) = _panels(1, 6.4, 0.34 * len(labels) + 0.9)
    axis.axvspan(-1, 1, color="#e8e8e8", lw=0)
    axis.axvline(0, color=GREY, lw=0.8)
    far = max(1.0, *(abs(row[5]) for row in rows[1:]))
    for label, column, *_, distance in rows[1:]:
        place = columns.index(column)
        y = labels.index(label) + 0.5 * ((place + 0.5) / len(columns) - 0.5)
        colour, marker = COLOURS[place // 2 % len(COLOURS)], "os"[place % 2]
        axis.plot(distance, y, marker, color=colour, ms=5, label=column)
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    axis.legend(handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1.01, 0.5))
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.set_xlim(-1.1 * far, 1.1 * far)
    axis.set_xlabel("published minus our mean, in half-widths of the prediction interval")
    caption = "Published scores against ours. Within the grey band (± 1) the published run is one that ours could be."
    return Drawing("published", caption, figure, rows)


def _variances(findings: Findings) -> Drawing | None:
    items = [item for item in _tested(findings) if item.documents]
    if not items:
        return None
    rows: list[list[Any]] = [["row", "column", "sd_seeds", "sd_documents", "share_of_documents"]]
    columns = [column for column in findings.columns if any(item.column == column for item in items)]
    labels = _row_labels(items)
    figure, axes = _panels(len(columns), 2.3, 0.32 * len(labels) + 0.75, 4, sharey=True)
    for axis, column in zip(axes, columns, strict=True):
        for item in (item for item in items if item.column == column and item.documents):
            assert item.documents is not None
            share, total = item.documents.share, item.documents.crossed.error**2
            y = labels.index(item.title)
            axis.barh(y, total * (1 - share), color=BLUE, height=0.6, label="seeds")
            axis.barh(y, total * share, left=total * (1 - share), color=ORANGE, height=0.6, label="documents")
            rows.append([item.title, column.title, (total * (1 - share)) ** 0.5, (total * share) ** 0.5, share])
        axis.set_title(column.title)
        axis.set_xlim(left=0)
        axis.set_yticks(range(len(labels)), labels)
        axis.set_ylim(len(labels) - 0.5, -0.5)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles[:2], names[:2], loc="outside upper right", ncols=2)
    figure.supxlabel("variance of Δ, squared F points", fontsize=8)
    caption = "What a difference's error is made of: more seeds would shrink the blue part, more documents the other."
    return Drawing("variances", caption, figure, rows)


def _power(findings: Findings) -> Drawing | None:
    items = [item for item in _tested(findings) if not item.column.average]
    if not items:
        return None
    rule, numbers = findings.sweep.statistics, range(2, _MOST_SEEDS + 1)
    rows: list[list[Any]] = [["row", "column", "delta", "sd", "seeds", "power"]]
    columns = [column for column in findings.columns if any(item.column == column for item in items)]
    figure, axes = _panels(len(columns), 3.1, 2.3, 2, sharex=True, sharey=True)
    labels = _row_labels(items)
    for axis, column in zip(axes, columns, strict=True):
        for item in (item for item in items if item.column == column):
            delta = item.comparable or rule.smallest_effect
            curve = [power(delta, item.test.sd, n, rule.alpha, 1 if rule.paired else 2) for n in numbers]
            colour = COLOURS[labels.index(item.title) % len(COLOURS)]
            axis.plot(numbers, curve, color=colour, ls="-" if item.comparable else "--", label=item.title)
            rows += [[item.title, column.title, delta, item.test.sd, n, p] for n, p in zip(numbers, curve, strict=True)]
        axis.axhline(0.8, color=GREY, lw=0.8, ls=":")
        axis.axvline(len(findings.sweep.seeds), color=GREY, lw=0.8)
        axis.set_ylim(0, 1.03)
        axis.set_title(column.title)
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    legend = figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=2)
    for line in legend.get_lines():
        line.set_linestyle("-")
    figure.supxlabel("seeds", fontsize=8)
    figure.supylabel("power", fontsize=8)
    caption = (
        f"Power of the {seed_test(findings.sweep)} test ({rule.alpha:.3g}, uncorrected) with the observed spread "
        f"at the published difference, or dashed at {rule.smallest_effect:g} points where none is published. Upright: "
        "the planned seeds."
    )
    return Drawing("power", caption, figure, rows)


def _labels(findings: Findings) -> Drawing | None:
    found = findings.label_differences
    if not found:
        return None
    rows: list[list[Any]] = [["row", "dataset", "label", "support", "delta"]]
    rows += [[one.row, one.dataset, one.label, one.support, one.difference] for one in found]
    panels = sorted(dict.fromkeys((one.dataset, one.row) for one in found), key=lambda panel: panel[0])
    num_rows = len({row for _, row in panels})
    figure, axes = _panels(len(panels), 2.4, 1.9, min(num_rows, 4), sharex=True, sharey=True)
    for axis, (dataset, row) in zip(axes, panels, strict=True):
        points = [(one.support, one.difference) for one in found if (one.dataset, one.row) == (dataset, row)]
        support, difference = np.array(points).T
        axis.axhline(0, color=GREY, lw=0.8)
        axis.plot(support, difference, "o", ms=3, color=BLUE, alpha=0.5, mew=0)
        axis.set_xscale("symlog", linthresh=1)
        axis.set_title(f"{row}\n{dataset}", fontsize=7.5)
    figure.supxlabel("test documents with the label", fontsize=8)
    figure.supylabel("ΔF of the label, points", fontsize=8)
    caption = "Each label's difference to the base merge against its support: macro F is the mean of these points."
    return Drawing("labels", caption, figure, rows)


def _times(findings: Findings) -> Drawing | None:
    found = [item for item in findings.details if not math.isnan(item.ratio[1])]
    if not found:
        return None
    rows: list[list[Any]] = [["row", "dataset", "ratio", "low_95", "high_95"]]
    rows += [[item.title, item.dataset, *item.ratio] for item in found]
    names = [f"{item.title}, {item.dataset}" for item in found]
    figure, (axis,) = _panels(1, 5.6, 0.26 * len(found) + 0.7)
    axis.axvline(1, color=GREY, lw=0.8)
    for y, item in enumerate(found):
        axis.plot(item.ratio[1:], (y, y), color=BLUE, lw=2.4, solid_capstyle="butt")
        axis.plot(item.ratio[0], y, "o", color=BLUE, ms=4.5, mec="white", mew=0.6)
    axis.set_xscale("log")
    ticks = [tick for tick in (0.5, 0.7, 1, 1.4, 2, 3, 4, 6, 8, 12, 16) if _is_near(tick, found)]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_yticks(range(len(found)), names)
    axis.set_ylim(len(found) - 0.5, -0.5)
    axis.set_xlabel("seconds per epoch over those of the base merge")
    return Drawing(
        "times",
        "Training time per epoch over that of the base merge, paired by seed, with 95 % intervals.",
        figure,
        rows,
    )


def _is_near(tick: float, found: Sequence[Any]) -> bool:
    low, high = min(1.0, *(item.ratio[1] for item in found)), max(1.0, *(item.ratio[2] for item in found))
    return low / 1.3 <= tick <= high * 1.3
