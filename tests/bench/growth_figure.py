"""The figure of `tests.bench.growth`: three panels on logarithmic axes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

NAMES = {"hiagm": "HiAGM", "hitin": "HiTIN", "flat": "Flat"}
# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = {"hiagm": "#0072B2", "hitin": "#D55E00", "flat": "#009E73"}
STYLES: dict[str, dict[str, Any]] = {
    "none": {"linestyle": "-", "marker": "o"},
    "masking": {"linestyle": "--", "marker": "^"},
    "projection": {"linestyle": ":", "marker": "s"},
}
PANELS: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "Parameters of the heads": lambda cell: cell["parameters"],
    "Training step of the heads (s)": lambda cell: cell["step_seconds"],
    "Peak memory of the heads (GiB)": lambda cell: cell["peak"] and cell["peak"] / 2**30,
}
_GREY = "#555555"


def draw(cells: Sequence[dict[str, Any]], there: int, folder: Path) -> None:
    """Draws `growth.svg` and `growth.png`.

    Args:
        cells: The fields of the benchmark's cells.
        there: Bytes of the machine.
        folder: Where to.
    """
    settings = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "growth"}
    with plt.rc_context(settings):
        figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.9), layout="constrained")
        for axis, (title, read) in zip(axes, PANELS.items(), strict=True):
            for model, colour in COLOURS.items():
                for merge, style in STYLES.items():
                    curve = [cell for cell in cells if (cell["model"], cell["merge"]) == (model, merge)]
                    points = [(cell["labels"], read(cell)) for cell in curve if read(cell) is not None]
                    axis.plot(*zip(*points, strict=True), color=colour, markersize=4, linewidth=1.3, **style)
            axis.set(xscale="log", yscale="log", xlabel="labels", title=title)
            axis.set_xticks([100, 1_000, 10_000], ["100", "1,000", "10,000"])
            axis.minorticks_off()
            axis.grid(True, which="major", color="#dddddd", linewidth=0.6)
            axis.set_axisbelow(True)
        memory = axes[2]
        refused = [cell for cell in cells if cell["bound"] > there]
        for cell in refused:
            style = {"marker": STYLES[cell["merge"]]["marker"], "color": COLOURS[cell["model"]]}
            memory.plot(cell["labels"], cell["bound"] / 2**30, markerfacecolor="white", markersize=6, **style)
        memory.axhline(there / 2**30, color=_GREY, linewidth=0.9)
        memory.annotate(
            f"this machine, {there / 2**30:.1f} GiB",
            (100, there / 2**30),
            (0, 3),
            textcoords="offset points",
            color=_GREY,
        )
        handles = [Line2D([], [], color=colour, linewidth=2.5, label=NAMES[model]) for model, colour in COLOURS.items()]
        handles += [
            Line2D([], [], color=_GREY, markersize=4, label=f"merge: {name}", **style) for name, style in STYLES.items()
        ]
        hollow = {"color": _GREY, "linestyle": "", "marker": "o", "markerfacecolor": "white", "markersize": 6}
        handles.append(Line2D([], [], label="refused: needed at least", **hollow))
        figure.legend(handles=handles, loc="outside lower center", ncols=7, frameon=False)
        figure.savefig(folder / "growth.svg", metadata={"Date": None})
        figure.savefig(folder / "growth.png", dpi=160)
        plt.close(figure)
