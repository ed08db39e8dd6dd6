"""Tables of comparisons: one by one with their intervals, matrices of all pairs; words for what is compared."""

import math
from collections.abc import Iterator

from harness.analysis.design import Contrast, RowKey, compared_rows, listed_contrasts, planned_contrasts
from harness.analysis.findings import Comparison, Findings
from harness.reporting.notation import BETTER, NONE, WORSE, interval, probability, share, signed, with_interval
from harness.reporting.tables import Grid, breaks


def reference_words(findings: Findings) -> str:
    """Returns what the marks in the main table are against; empty where rows have no reference."""
    rule = findings.sweep.comparing
    if rule.rule == "against":
        return findings.row_titles[findings.sweep.named_rows[rule.against]]
    return f"the same model with merge {findings.sweep.statistics.base}" if rule.rule == "base" else ""


def differences_words(findings: Findings) -> str:
    """Returns whose differences figures show, to follow `differences`."""
    rule = findings.sweep.comparing
    words = {"base": "from the base merge", "against": f"from {reference_words(findings)}"}.get(rule.rule)
    if words is None:
        return "between two rows"
    return f"{words}, and of single contrasts" if findings.sweep.contrasts else words


def comparison_table(findings: Findings) -> Grid:
    """Comparisons of both families, single datasets first: differences, intervals, p, probability of being better."""
    listed = set(listed_contrasts(findings.sweep))
    found = (item for item in findings.comparisons if item.contrast in listed)
    items = sorted(found, key=lambda item: item.column.average)
    with_documents = any(item.documents for item in items)
    rows = (
        (
            item.title,
            item.column.title,
            signed(item.test.difference),
            interval(*item.interval),
            interval(*item.simultaneous),
            probability(item.p_holm, 3) + item.marks.lstrip(BETTER + WORSE),
            _new_better(item, with_documents),
            _pairs(item.test.num_pairs),
        )
        for item in items
    )
    intervals = ("95 % CI", f"simultaneous {100 * (1 - findings.sweep.statistics.alpha):g} % CI")
    head = ("Comparison", "Data, metric", "Δ", *intervals, "p Holm", "P(new run is better) [95 % CI]", "n")
    return Grid.of_text(head, rows, breaks([item.column.average for item in items]))


def _new_better(item: Comparison, with_documents: bool) -> str:
    """Returns the probability of a better new run; in a table with documents it says where they are not counted."""
    is_of_runs = with_documents and item.documents is None and not math.isnan(item.new_better.value)
    return with_interval(*item.new_better, share) + (" (runs)" if is_of_runs else "")


def _pairs(num_pairs: tuple[int, ...]) -> str:
    return str(num_pairs[0]) if len(set(num_pairs)) == 1 else "/".join(map(str, num_pairs))


def pair_matrices(findings: Findings) -> Iterator[tuple[str, Grid]]:
    """Yields, where pairs are too many for a list, a matrix for each column of the main table, with its title.

    A cell has the row's difference from the row of that number, and its marks.
    """
    sweep = findings.sweep
    if len(listed_contrasts(sweep)) == len(planned_contrasts(sweep)):
        return
    rows = compared_rows(sweep)
    head = ("Row", *map(str, range(1, len(rows))))
    for column in findings.columns:
        known = {item.contrast: item for item in findings.comparisons if item.column == column}
        texts = [
            (f"{place} {findings.row_titles[row]}", *(_cell(known, row, other) for other in rows[: place - 1]))
            for place, row in enumerate(rows, 1)
        ]
        padded = ((*text, *[""] * (len(head) - len(text))) for text in texts)
        yield column.title, Grid.of_text(head, padded)


PAIRS_NOTE = (
    "Each cell: the row's score minus that of the row with the column's number, with marks. Intervals and p are in the "
    "CSV."
)
"""How to read a matrix."""


def _cell(known: dict[Contrast, Comparison], row: RowKey, other: RowKey) -> str:
    """Returns the difference of a row from another one; of a pair that is a single contrast, turned where need be."""
    if found := known.get(Contrast(row, other)):
        return f"{signed(found.test.difference)}{found.marks}"
    found = known.get(Contrast(other, row))
    if found is None:
        return NONE
    turned = {BETTER: WORSE, WORSE: BETTER}
    return signed(-found.test.difference) + "".join(turned.get(sign, sign) for sign in found.marks)
