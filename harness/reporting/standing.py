"""Standing of the rows: how far each is above or below `linear`, and ranks with their confidence intervals."""

import math
from collections.abc import Iterator
from typing import Any

from harness.analysis.findings import Column, Comparison, Findings
from harness.analysis.ranking import Rank
from harness.core.text import listed
from harness.reporting.notation import BELOW, explained, signed, with_interval
from harness.reporting.tables import Grid


def linear_note(findings: Findings) -> Iterator[str]:
    """Yields what stands first under the main table: how many rows are below `linear`, if there is one, and which.

    Controls are not counted; those that stay below are named.
    """
    if not findings.distances:
        return
    title = findings.row_titles[findings.distances[0].contrast.against]
    counts = [_count(column, found) for column, found in _columns(findings) if not column.average]
    if any(counts):
        yield f"Against {title}: {'; '.join(filter(None, counts))}."
    if stay := [row.title for row in findings.rows if (row.model, row.merge) in findings.below_linear]:
        yield f"{explained(BELOW)}: {listed(stay, 20)}."


def _columns(findings: Findings) -> Iterator[tuple[Column, list[Comparison]]]:
    for column in findings.columns:
        models = findings.sweep.models
        found = [
            one for one in findings.distances if one.column == column and not models[one.contrast.row.model].control
        ]
        yield column, [item for item in found if not math.isnan(item.test.difference)]


def _count(column: Column, found: list[Comparison]) -> str:
    if not found:
        return ""
    below = [item for item in found if item.test.difference < 0]
    text = f"{len(below)} of {len(found)} {'row is' if len(found) == 1 else 'rows are'} below on {column.title}"
    surely = sum(item.interval[1] < 0 for item in below)
    return f"{text} ({surely} with a 95 % interval below 0)" if below else text


def linear_table(findings: Findings) -> Grid:
    """Each row's difference from `linear`, with its 95 % interval where there is one."""
    known = {(item.contrast.row, item.column): item for item in findings.distances}
    body = (
        (findings.row_titles[row], *(_difference(known[row, column]) for column in findings.columns))
        for row in dict.fromkeys(row for row, _ in known)
    )
    return Grid.of_text(("Model", *(column.title for column in findings.columns)), body)


def _difference(item: Comparison) -> str:
    return with_interval(item.test.difference, *item.interval, signed)


def linear_table_note(findings: Findings) -> str:
    """Returns how to read the differences from `linear`."""
    if not findings.distances:
        return ""
    title = findings.row_titles[findings.distances[0].contrast.against]
    over = "over seeds and test documents, or over seeds alone where that is wider"
    how = over if any(item.documents for item in findings.distances) else "over seeds"
    return f"Difference from {title} in points, with its 95 % interval {how}; not corrected across rows and columns."


def rank_table(findings: Findings) -> Grid:
    """Ranks of each row with their intervals, rows by the first column's ranks; empty where there are few rows."""
    known = [{one.row: one for one in found} for found in findings.ranks]
    rows = dict.fromkeys(one.row for found in findings.ranks for one in found)
    body = ((findings.row_titles[row], *(_rank(found.get(row)) for found in known)) for row in rows)
    return Grid.of_text(("Model", *(column.title for column in findings.columns)), body)


def _rank(one: Rank | None) -> str:
    if one is None:
        return "–"
    low, high = one.interval
    return f"{one.rank} [{low}]" if low == high else f"{one.rank} [{low}, {high}]"


def rank_note(findings: Findings) -> str:
    """Returns how to read ranks."""
    if not any(findings.ranks):
        return ""
    level = f"{100 * (1 - findings.sweep.statistics.alpha):g} %"
    return (
        f"Rank by the mean, 1 being the highest, and the ranks that the row may have: with {level} confidence all "
        "intervals of a column hold the true rank together. They are from the tests of all pairs in both directions "
        "(the wider of seeds, and of seeds and documents), by Holm (Mogstad et al. 2024); columns are not corrected "
        "across each other. Equal rows share the better rank."
    )


def rank_rows(findings: Findings) -> list[list[Any]]:
    """Returns the numbers of the ranks, below their names."""
    rows: list[list[Any]] = [["row", "title", "column", "mean", "rank", "rank_low", "rank_high"]]
    for column, found in zip(findings.columns, findings.ranks, strict=True):
        rows += [[str(one.row), one.title, column.title, one.mean, one.rank, *one.interval] for one in found]
    return rows
