"""Made-up findings of Table 1, and the tables of a Markdown report as lists, for the tests of reports."""

import re

from harness.analysis.summarise import find
from harness.reporting import data_files
from harness.reporting.latex import latex
from harness.reporting.markdown import markdown
from tests.harness.fake_sweep import facts, noisy, results, sweep

TABLE = sweep()
FOUND = noisy(TABLE)


def summary_of(sweep_file, found, **changes):
    return find(sweep_file, found, facts(sweep_file, **changes))


def grid(text, heading=None):
    """The first table of a report, or the first one under a heading, as lists of cells by first cell."""
    part = text.partition(f"## {heading}\n")[2] if heading else text
    lines = re.search(r"(?:^\|.*\|\n)+", part, re.MULTILINE)[0].splitlines()
    rows = [[entry.strip() for entry in line.strip("|").split(" | ")] for line in lines]
    assert len({len(row) for row in rows}) == 1
    return rows


def every_format(findings):
    return [
        markdown(findings),
        latex(findings),
        data_files.csv(findings),
        data_files.deltas_csv(findings),
        data_files.json_text(findings),
    ]


def fixed(sweep_file, gain=1.0):
    """Means are 80 (+ gain under masking), alternately 0.3 up and down."""
    return results(
        sweep_file,
        lambda model, merge, dataset, seed, metric: (
            80
            + 0.3 * (-1) ** seed
            + 0.02 * (seed % 3 - 1) * (merge == "projection")
            + (gain + 0.05 * (-1) ** (seed // 2)) * (merge == "masking")
        ),
    )


def numbers(drawing):
    """The numbers behind a figure, by name."""
    head, *rows = drawing.rows
    return [dict(zip(head, row, strict=True)) for row in rows]
