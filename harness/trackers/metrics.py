"""Metrics of a sweep in a tracker: names and numbers of cells and comparisons."""

from collections.abc import Iterable

from harness.analysis.comparison import Comparison
from harness.analysis.findings import Findings, Row
from harness.trials.settings import CellKey


def row(findings: Findings, cell: CellKey) -> Row:
    """Returns the row that a cell is of."""
    return next(row for row in findings.rows if (row.model, row.merge) == cell[:2])


def aggregates(findings: Findings, cell: CellKey, is_complete: bool) -> dict[str, float]:
    """Returns a cell's mean, sd and n per metric, and its comparisons with other rows where all is there."""
    values: dict[str, float] = {}
    for column, found in zip(findings.columns, row(findings, cell).cells, strict=True):
        if column.datasets == (cell.dataset,):
            values |= {f"{column.metric}_mean": found.mean, f"{column.metric}_sd": found.sd}
            values |= {"n": found.num_done[0], "num_improving": found.num_improving}
    for one in (
        _of_cell((*findings.comparisons, *findings.control_comparisons, *findings.distances), cell)
        if is_complete
        else ()
    ):
        numbers = one.as_row()
        values |= {f"{_versus(one)}_{name}": numbers[name] for name in _OF_COMPARISONS}
    return values


def marks(findings: Findings, cell: CellKey) -> dict[str, str]:
    """Returns the marks of a cell's comparisons, as the report has them."""
    return {f"{_versus(one)}_marks": one.marks for one in _of_cell(findings.comparisons, cell)}


def _versus(one: Comparison) -> str:
    return f"{one.column.metric}_vs_{one.contrast.against}"


def _of_cell(comparisons: Iterable[Comparison], cell: CellKey) -> list[Comparison]:
    return [one for one in comparisons if (*one.contrast.row, *one.column.datasets) == cell]


_OF_COMPARISONS = (
    *("delta", "low_95", "high_95", "p", "p_holm", "p_exact"),
    *("crossed_low_95", "crossed_high_95", "wider_low_95", "wider_high_95", "share_of_documents"),
    *("p_better", "p_new_better"),
)
"""Numbers of a comparison that become metrics, by the names that they have in the CSV: which is better, by how much,
and how sure that is."""


def all_comparisons(findings: Findings) -> dict[str, float]:
    """Returns every comparison, named by its rows, data and metric."""
    values: dict[str, float] = {}
    for one in findings.comparisons:
        row = one.as_row()
        place = f"{row['row']}/vs/{row['against']}/{row['dataset']}/{row['metric']}"
        values |= {f"{place}/{name}": row[name] for name in _OF_COMPARISONS}
    return values
