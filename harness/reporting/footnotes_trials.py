"""Footnotes on unusual trials: seeds without effect, collapsed, failed, ‡ cut batches, scores that are no numbers."""

import math
from collections.abc import Callable, Iterator

from harness.analysis.findings import Column, Findings, TableCell
from harness.core.text import listed
from harness.reporting.symbols import CUT, explained
from harness.stats.effect_sizes import LEAST_DEVIATION


def unusual_trials(findings: Findings) -> Iterator[str]:
    """Lists what is unusual about the trials, labels and scores behind the tables."""
    first_metric = findings.sweep.statistics.star_metrics[0]
    same = [place for place, _ in _places(findings, lambda cell, _: cell.one_seed)]
    if same:
        yield f"The seed had no effect (equal predictions or scores), so all seeds count as one: {listed(same)}."
    collapsed = _places(findings, lambda cell, _: cell.num_collapsed > 0)
    if collapsed:
        counts = [f"{place} {cell.num_collapsed}/{cell.num_done[0]}" for place, cell in collapsed]
        yield (
            "Collapsed runs, which stay in every number (score below median - 10 x max(MAD, "
            f"{LEAST_DEVIATION}), or the same labels for every document): {listed(counts)}."
        )
    failed = _places(findings, lambda cell, column: cell.num_failed > 0 and column.metric == first_metric)
    if failed:
        counts = [f"{place} {cell.num_failed}/{cell.num_planned}" for place, cell in failed]
        yield (
            f"Failed runs have no score and enter no mean, which flatters a row whose runs diverge: {listed(counts)}."
        )
    yield from _cut_batches(findings)
    if findings.num_odd_scores:
        yield f"NaN or infinite scores, which count as missing: {findings.num_odd_scores}."
    unused = [f"{title} {number}" for title, number in findings.labels_without_gold.items() if number]
    if unused:
        yield f"Labels that no test document has, and that stay in the denominator of macro F: {', '.join(unused)}."
    equal = [f"{one.title} on {one.column.title}" for one in findings.comparisons if one.test.status == "identical"]
    if equal:
        yield f"Equal to the base on every seed: {listed(equal)}."


def _places(findings: Findings, holds: Callable[[TableCell, Column], bool]) -> list[tuple[str, TableCell]]:
    """Returns the cells with a score on a single dataset of which something holds, by row and column in words."""
    return [
        (f"{row.title} on {column.title}", cell)
        for row in findings.rows
        for column, cell in zip(findings.columns, row.cells, strict=True)
        if not column.average and not math.isnan(cell.mean) and holds(cell, column)
    ]


def _cut_batches(findings: Findings) -> Iterator[str]:
    trials = [
        f"{findings.row_titles[one.model, one.merge]} on {findings.dataset_titles[one.dataset]} seed {one.seed} "
        f"({one.micro_batches})"
        for one in findings.results
        if one.micro_batches > 1
    ]
    if trials:
        yield f"{explained(CUT)}. Trials, with the parts of a batch: {listed(trials)}."
