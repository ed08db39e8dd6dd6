"""Figures on request: sources of variance, power by seeds, differences of single labels, training times."""

import math
from typing import Any

import numpy as np

from harness.analysis.design import seed_test
from harness.analysis.findings import Findings
from harness.reporting.contrasts import differences_words
from harness.reporting.drawing import BLUE, COLOURS, DOT, GREY, ORANGE, Drawing, compared, layout, list_rows, panels
from harness.stats.power import power as power_of
from harness.stats.power import upper_sd

_MOST_SEEDS = 30
_TICKS = (0.5, 0.7, 1, 1.4, 2, 3, 4, 6, 8, 12, 16)


def variances(findings: Findings) -> Drawing | None:
    """Draws how much of each difference's variance is due to seeds and to documents."""
    items = [(item, item.documents) for item in compared(findings) if item.documents]
    if not items:
        return None
    rows: list[list[Any]] = [["row", "column", "sd_seeds", "sd_documents", "share_of_documents"]]
    titles, columns = layout(findings, [item for item, _ in items])
    figure, axes = panels(len(columns), 2.3, 0.32 * len(titles) + 0.75, sharey=True)
    for axis, (column, _) in zip(axes, columns, strict=True):
        for item, documents in items:
            if item.column == column:
                y, share, total = titles.index(item.title), documents.share, documents.crossed.error**2
                axis.barh(y, total * (1 - share), color=BLUE, height=0.6, label="seeds")
                axis.barh(y, total * share, left=total * (1 - share), color=ORANGE, height=0.6, label="documents")
                rows.append([item.title, column.title, (total * (1 - share)) ** 0.5, (total * share) ** 0.5, share])
        axis.set_xlim(left=0)
        list_rows(axis, titles, column.title)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles[:2], names[:2], loc="outside upper right", ncols=2)
    figure.supxlabel("variance of Δ, squared F points", fontsize=8)
    caption = "Variance of each difference by source: more seeds would shrink the blue part, more documents the orange."
    return Drawing("variances", caption, figure, rows)


def power(findings: Findings) -> Drawing | None:
    """Draws the power at the published, or the smallest interesting, difference against the number of seeds."""
    items = [item for item in compared(findings) if not math.isnan(item.detectable)]
    if not items:
        return None
    rule, numbers = findings.sweep.statistics, range(2, _MOST_SEEDS + 1)
    rows: list[list[Any]] = [["row", "column", "delta", "sd", "seeds", "power"]]
    titles, columns = layout(findings, items)
    figure, axes = panels(len(columns), 3.1, 2.3, 2, sharex=True, sharey=True)
    for axis, (column, inside) in zip(axes, columns, strict=True):
        for item in inside:
            delta = item.comparable or rule.smallest_effect
            sd = upper_sd(item.test.sd, item.test.num_pairs[0])
            shares = (1.0,) if item.differences[0] else (1.0, 1.0)
            curve = [power_of(delta, sd, n, rule.alpha, shares) for n in numbers]
            colour = COLOURS[titles.index(item.title) % len(COLOURS)]
            axis.plot(numbers, curve, color=colour, ls="-" if item.comparable else "--", label=item.title)
            rows += [[item.title, column.title, delta, sd, n, p] for n, p in zip(numbers, curve, strict=True)]
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
        f"Power of the {seed_test(findings.sweep)} test ({rule.alpha:.3g}, uncorrected) with the upper 80 % limit of "
        f"the observed sd, at the published difference or, dashed, at {rule.smallest_effect:g} points where none is "
        "published. Vertical line: the planned seeds."
    )
    return Drawing("power", caption, figure, rows)


def labels(findings: Findings) -> Drawing | None:
    """Draws each label's difference against its number of test documents."""
    found = findings.label_differences
    if not found:
        return None
    rows: list[list[Any]] = [["row", "dataset", "label", "support", "delta"]]
    rows += [[one.row, one.dataset, one.label, one.support, one.difference] for one in found]
    places = sorted(dict.fromkeys((one.dataset, one.row) for one in found), key=lambda place: place[0])
    num_rows = len({row for _, row in places})
    figure, axes = panels(len(places), 2.4, 1.9, min(num_rows, 4), sharex=True, sharey=True)
    for axis, (dataset, row) in zip(axes, places, strict=True):
        points = [(one.support, one.difference) for one in found if (one.dataset, one.row) == (dataset, row)]
        support, difference = np.array(points).T
        axis.axhline(0, color=GREY, lw=0.8)
        axis.plot(support, difference, "o", ms=3, color=BLUE, alpha=0.5, mew=0)
        axis.set_xscale("symlog", linthresh=1)
        axis.set_title(f"{row}\n{dataset}", fontsize=7.5)
    figure.supxlabel("test documents with the label", fontsize=8)
    figure.supylabel("ΔF of the label, points", fontsize=8)
    caption = (
        f"Each label's part in the differences {differences_words(findings)}, against its number of test documents. "
        "The mean of a panel's points is the difference in macro F."
    )
    return Drawing("labels", caption, figure, rows)


def times(findings: Findings) -> Drawing | None:
    """Draws the training time per epoch over that of the base merge."""
    found = [item for item in findings.details if not math.isnan(item.ratio[1])]
    if not found:
        return None
    rows: list[list[Any]] = [["row", "dataset", "ratio", "low_95", "high_95"]]
    rows += [[item.title, item.dataset, *item.ratio] for item in found]
    figure, (axis,) = panels(1, 5.6, 0.26 * len(found) + 0.7)
    axis.axvline(1, color=GREY, lw=0.8)
    for y, item in enumerate(found):
        axis.plot(item.ratio[1:], (y, y), color=BLUE, lw=2.4, solid_capstyle="butt")
        axis.plot(item.ratio[0], y, "o", **DOT)
    axis.set_xscale("log")
    low, high = min(1.0, *(item.ratio[1] for item in found)), max(1.0, *(item.ratio[2] for item in found))
    ticks = [tick for tick in _TICKS if low / 1.3 <= tick <= high * 1.3]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    list_rows(axis, [f"{item.title}, {item.dataset}" for item in found])
    axis.set_xlabel("seconds per epoch over those of the base merge")
    pairing = ", paired by seed" if findings.sweep.statistics.paired else ""
    caption = f"Training time per epoch over that of the base merge{pairing}, with 95 % intervals."
    return Drawing("times", caption, figure, rows)
