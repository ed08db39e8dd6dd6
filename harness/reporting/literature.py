"""Published results on a sweep's corpora besides those that are held against ours: table, note, CSV."""

from typing import Any

from harness.analysis.findings import Findings
from harness.reporting.data_files import csv_text
from harness.reporting.notation import NONE, points
from harness.reporting.tables import Grid
from harness.stats.prediction_interval import PublishedNumber


def literature_table(findings: Findings) -> Grid:
    """Published scores of other systems, and further ones of our rows; columns as in the main table."""
    shown = [place for place, _ in enumerate(findings.columns) if any(row.scores[place] for row in findings.literature)]
    head = ("System", "Source", *(findings.columns[place].title for place in shown))
    rows = [(row.title, row.source, *(_score(row.scores[place]) for place in shown)) for row in findings.literature]
    return Grid.of_text(head, rows)


def _score(number: PublishedNumber | None) -> str:
    if number is None:
        return NONE
    return points(number.value) + ("" if number.sd is None else f" ± {points(number.sd)}")


def literature_note(findings: Findings) -> str:
    """Returns what the sources are."""
    names = {row.source for row in findings.literature}
    sources = [f"{name}: {one.source.rstrip('.')}" for name, one in findings.sweep.published.items() if name in names]
    said = "Shown for comparison, and tested only where a claim says so; averages over datasets are ours."
    return f"{said} {'; '.join(sources)}." if sources else ""


def literature_csv(findings: Findings) -> str:
    """Renders one row per system and column, averages too, with the standard deviation and the number of runs."""
    rows: list[list[Any]] = [["system", "source", "column", "score", "sd", "num_runs"]]
    for row in findings.literature:
        for column, number in zip(findings.columns, row.scores, strict=True):
            if number:
                num_runs = number.runs if number.runs_are_stated else None
                rows.append([row.title, row.source, column.title, number.value, number.sd, num_runs])
    return csv_text(rows)
