"""Figures of a report, by name: three in every report, the others where they are asked for.

Each function answers with a drawing, or None where there is nothing to draw.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from harness.analysis.findings import Findings
from harness.reporting.drawing import Drawing, style
from harness.reporting.figures_extra import labels, power, times, variances
from harness.reporting.figures_scores import differences, published, seeds

Figures = Literal["main", "all"]
_Part = Callable[[Findings], Drawing | None]
MAIN: tuple[_Part, ...] = (differences, seeds, published)
EXTRA: tuple[_Part, ...] = (variances, power, labels, times)


def draw(findings: Findings, figures: Figures = "main") -> Iterator[Drawing]:
    """Yields the figures that there are results for.

    Args:
        findings: Findings of the sweep.
        figures: `main` for the three of every report, `all` for the others as well.
    """
    for part in (*MAIN, *(EXTRA if figures == "all" else ())):
        with style():
            drawing = part(findings)
        if drawing is not None:
            yield drawing
