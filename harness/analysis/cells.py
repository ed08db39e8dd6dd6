"""Rows and cells of the score table: mean, spread, bold set of the best, published score, collapsed runs."""

import math
from collections.abc import Mapping
from dataclasses import replace

from harness.analysis.comparison import ComparisonKey
from harness.analysis.design import Column
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


def rows_of(index: ResultsIndex, model: str, marks: Marks) -> list[Row]:
    """Returns the rows of one model, one per merge."""
    cells = [_group(index, model, column, marks) for column in index.columns]
    control = index.sweep.models[model].control
    return [
        Row(
            model=model,
            merge=merge,
            title=index.title(model, merge),
            control=control,
            still_improving=index.still_improving(model, merge),
            cells=tuple(group[place] for group in cells),
        )
        for place, merge in enumerate(index.sweep.merges_of(model))
    ]


def _group(index: ResultsIndex, model: str, column: Column, marks: Marks) -> list[TableCell]:
    """Returns one model's cells in one column: they share the bold set and the underlined maximum."""
    merges = index.sweep.merges_of(model)
    cells = [_cell(index, model, merge, column) for merge in merges]
    if index.sweep.models[model].control:
        return cells
    members: list[list[Scores]] = [
        [{}] * len(column.datasets)
        if math.isnan(cell.mean) or cell.one_seed
        else list(index.arms(model, merge, column))
        for merge, cell in zip(merges, cells, strict=True)
    ]
    best = confidence_set(members, len(merges), index.design)
    compared = were_compared(members, index.design)
    means = [cell.mean for cell in cells if not math.isnan(cell.mean)]
    return [
        replace(
            cell,
            marks=marks.get(ComparisonKey(model, merge, column), ""),
            bold=not all(best) and inside and is_compared,
            underlined=len(means) > 1 and cell.mean == max(means),
        )
        for merge, cell, inside, is_compared in zip(merges, cells, best, compared, strict=True)
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
