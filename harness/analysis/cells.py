"""Rows and cells of the score table: mean, spread, bold set of the best, published score, collapsed runs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.analysis.comparison import ComparisonKey
from harness.analysis.design import Column, Contrast, RowKey, best_groups, reference_of
from harness.analysis.findings import Row, TableCell
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey, TrialResult
from harness.analysis.published import judge_published, published_number
from harness.core.metric_names import Headline
from harness.stats.collapse import best_constant, far_below
from harness.stats.multiple_testing import confidence_set, were_compared
from harness.stats.pairing import Scores
from harness.stats.prediction_interval import JUDGED, ROUNDING, Prediction
from harness.stats.t_tests import mean_and_sd

Marks = Mapping[ComparisonKey, str]


def table_rows(index: ResultsIndex, marks: Marks) -> list[Row]:
    """Returns the rows of the table, in the order of the sweep file."""
    cells = {RowKey(*row): [_cell(index, *row, column) for column in index.columns] for row in index.sweep.rows}
    for group in best_groups(index.sweep):
        for place, column in enumerate(index.columns):
            inside = _emphasised(index, group, column, [cells[row][place] for row in group])
            for row, cell in zip(group, inside, strict=True):
                cells[row][place] = cell
    return [
        Row(
            model=row.model,
            merge=row.merge,
            title=index.title(*row),
            control=index.sweep.models[row.model].control,
            still_improving=index.still_improving(*row),
            cells=tuple(_marked(index, row, found, marks)),
        )
        for row, found in cells.items()
    ]


def _marked(index: ResultsIndex, row: RowKey, cells: Sequence[TableCell], marks: Marks) -> Iterator[TableCell]:
    """Yields a row's cells with the marks of its comparison with its reference."""
    reference = reference_of(index.sweep, row)
    for column, cell in zip(index.columns, cells, strict=True):
        key = ComparisonKey(Contrast(row, reference), column) if reference else None
        yield replace(cell, marks=marks.get(key, "")) if key else cell


def _emphasised(
    index: ResultsIndex, group: Sequence[RowKey], column: Column, cells: Sequence[TableCell]
) -> list[TableCell]:
    """Returns the cells of rows among which the best is sought, in one column: they share the set and the maximum."""
    members: list[list[Scores]] = [
        [{}] * len(column.datasets) if math.isnan(cell.mean) or cell.one_seed else list(index.arms(*row, column))
        for row, cell in zip(group, cells, strict=True)
    ]
    best = confidence_set(members, len(group), index.design)
    compared = were_compared(members, index.design)
    means = [cell.mean for cell in cells if not math.isnan(cell.mean)]
    return [
        replace(
            cell,
            bold=not all(best) and inside and is_compared,
            underlined=len(means) > 1 and cell.mean == max(means),
        )
        for cell, inside, is_compared in zip(cells, best, compared, strict=True)
    ]


def _cell(index: ResultsIndex, model: str, merge: str, column: Column) -> TableCell:
    arms = index.arms(model, merge, column)
    samples = [list(arm.values()) for arm in arms]
    mean, sd = mean_and_sd(samples)
    results = [one for dataset in column.datasets for one in index.cell_results(model, merge, dataset)]
    one_seed = index.one_seed(model, merge, column)
    published = published_number(index.sweep, model, merge, column)
    judged = Prediction("")
    if published is not None and not math.isnan(mean):
        runs = index.runs_of_mean(model, merge, column)
        judged = judge_published(index, column, samples, published, ROUNDING, runs)
        if one_seed and judged.agreement in (*JUDGED, "uninformative"):
            judged = Prediction("degenerate")
    return TableCell(
        mean=mean,
        sd=sd,
        num_done=tuple(map(len, arms)),
        num_failed=sum(one.scores is None for one in results),
        num_planned=len(index.sweep.seeds_of(model)) * len(column.datasets),
        num_collapsed=sum(_num_collapsed(index, model, merge, column, dataset) for dataset in column.datasets),
        one_seed=one_seed,
        published=published.value if published else None,
        prediction=judged.agreement,
        half_width=judged.half_width,
        p_published=judged.p,
        num_cut=sum(one.scores is not None and one.micro_batches > 1 for one in results),
        num_improving=sum(one.still_improving or False for one in results),
    )


def _num_collapsed(index: ResultsIndex, model: str, merge: str, column: Column, dataset: str) -> int:
    """Counts runs that learnt nothing of the documents, or whose score is far below all others."""
    if index.sweep.name_of(model) == "constant":
        return 0
    found = list(index.finite(model, merge, dataset, column.metric))
    is_far = far_below([score for _, score in found])
    return sum(far or _learnt_nothing(index, one, column.metric) for (one, _), far in zip(found, is_far, strict=True))


def _learnt_nothing(index: ResultsIndex, one: TrialResult, metric: Headline) -> bool:
    """Returns whether a run predicts the same for every document, or has no score as high as that can have.

    A low macro F alone does not count: all labels for every document beat a run that has learnt only frequent ones.
    """
    sample = index.samples.get(one.dataset)
    if sample is None or not sample.num_documents:
        return False
    if sample.is_constant(RunKey(one.model, one.merge, one.seed), metric):
        return True
    return all(
        (one.scores or {}).get(name, math.nan) < best_constant(name, sample.support_L, sample.num_documents)
        for name in index.sweep.statistics.star_metrics
    )
