"""Drawing helpers of the figures: colours, panels, axes with a row per model variant, SVG and PNG files."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from harness.analysis.design import listed_contrasts
from harness.analysis.findings import Column, Comparison, Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8c8c8c"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9")
DOT: Any = {"color": BLUE, "ms": 4.5, "mec": "white", "mew": 0.6}
_STYLE: Any = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "harness",
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Drawing:
    """A figure and what it shows.

    Attributes:
        name: Last part of its files' names.
        caption: What is seen, and how to read it.
        figure: Matplotlib figure.
        rows: Numbers that are drawn, below a row of their names.
    """

    name: str
    caption: str
    figure: "Figure"
    rows: list[list[Any]]


def style() -> AbstractContextManager[None]:
    """Returns the context in which figures are drawn and saved."""
    from matplotlib import rc_context

    return rc_context(_STYLE)


def encoded(drawing: Drawing) -> dict[str, bytes]:
    """Returns a figure's files by ending, equal bytes for equal numbers."""
    files = {}
    for ending, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        stream = BytesIO()
        with style():
            drawing.figure.savefig(stream, format=ending, dpi=140, metadata=metadata)
        files[ending] = stream.getvalue()
    return files


def panels(num: int, width: float, height: float, most: int = 4, **shared: Any) -> tuple["Figure", list["Axes"]]:
    """Returns a figure and its axes.

    Args:
        num: Number of panels.
        width: Width of a panel, in inches.
        height: Height of a panel, in inches.
        most: Most panels side by side.
        **shared: `sharex` and `sharey` of matplotlib.
    """
    from matplotlib.figure import Figure

    columns = min(num, most)
    rows = -(-num // columns)
    figure = Figure(figsize=(max(width * columns, 4.0), height * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for empty in axes[num:]:
        empty.set_axis_off()
    return figure, axes[:num]


def origin(axis: "Axes", half_width: float) -> None:
    """Draws a line at 0, in a grey band of some half-width."""
    axis.axvspan(-half_width, half_width, color="#e8e8e8", lw=0)
    axis.axvline(0, color=GREY, lw=0.8)


def list_rows(axis: "Axes", titles: Sequence[str], heading: str = "") -> None:
    """Puts titles at the heights 0, 1, ... from the top, below a heading."""
    axis.set_title(heading)
    axis.set_yticks(range(len(titles)), titles)
    axis.set_ylim(len(titles) - 0.5, -0.5)


def compared(findings: Findings) -> list[Comparison]:
    """Returns the comparisons with a test that are shown one by one."""
    listed = set(listed_contrasts(findings.sweep))
    return [item for item in findings.comparisons if item.test.status == "tested" and item.contrast in listed]


def layout(findings: Findings, items: Sequence[Comparison]) -> tuple[list[str], list[tuple[Column, list[Comparison]]]]:
    """Returns the titles of the rows of some comparisons, and the columns that they are in with those of each."""
    titles = list(dict.fromkeys(item.title for item in items))
    found = [(column, [item for item in items if item.column == column]) for column in findings.columns]
    return titles, [(column, inside) for column, inside in found if inside]
