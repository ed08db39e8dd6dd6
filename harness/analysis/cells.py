"""Rows and cells of the score table: mean, spread, bold set of the best, published score, collapsed runs."""

import math
from collections.abc import Mapping
from dataclasses import replace

from harness.analysis.comparison import ComparisonKey
from harness.analysis.design import Column
from harness.analysis.findings import Row, TableCell
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.analysis.published import ROUNDING, judge_published, published_score
from harness.stats.effect_sizes import collapsed
from harness.stats.multiple_testing import confidence_set, were_compared
from harness.stats.pairing import Scores
from harness.stats.prediction_interval import JUDGED, Prediction
from harness.stats.t_tests import mean_and_sd

Marks = Mapping[ComparisonKey, str]


def rows_of(index: ResultsIndex, model: str, marks: Marks) -> list[Row]:
    """Returns the rows of one model, one per merge."""
    cells = [_group(index, model, column, marks) for column in index.columns]
    control = index.sweep.models[model].control
    return [
        Row(model, merge, index.title(model, merge), control, tuple(group[place] for group in cells))
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
    scores = index.scores(model, merge, column)
    mean, sd = mean_and_sd([list(found.values()) for found in scores])
    results = [one for dataset in column.datasets for one in index.cell_results(model, merge, dataset)]
    published = published_score(index.sweep, model, merge, column)
    judged = None
    if published is not None and not math.isnan(mean):
        judged = _judged(index, model, merge, column, published)
    return TableCell(
        mean=mean,
        sd=sd,
        num_done=tuple(map(len, scores)),
        num_failed=sum(one.scores is None for one in results),
        num_planned=len(index.sweep.seeds) * len(column.datasets),
        num_collapsed=sum(
            _num_collapsed(index, model, merge, column, dataset, found)
            for dataset, found in zip(column.datasets, scores, strict=True)
        ),
        one_seed=index.one_seed(model, merge, column),
        published=published,
        prediction=judged.agreement if judged else "",
        half_width=judged.half_width if judged else math.nan,
        p_published=judged.p if judged else math.nan,
        num_cut=sum(one.scores is not None and one.micro_batches > 1 for one in results),
    )


def _judged(index: ResultsIndex, model: str, merge: str, column: Column, published: float) -> Prediction:
    scores = index.scores(model, merge, column)
    runs = [{RunKey(model, merge, seed): 1 / len(found) for seed in found} for found in scores]
    judged = judge_published(index, column, [list(found.values()) for found in scores], published, ROUNDING, runs)
    if index.one_seed(model, merge, column) and judged.agreement in (*JUDGED, "uninformative"):
        return Prediction("degenerate")
    return judged


def _num_collapsed(
    index: ResultsIndex, model: str, merge: str, column: Column, dataset: str, scores: Mapping[int, float]
) -> int:
    """Counts runs whose score is far below the others', or that predict the same for every document."""
    sample = index.samples.get(dataset)
    return sum(
        is_low or (sample is not None and sample.is_constant(RunKey(model, merge, seed), column.metric))
        for seed, is_low in zip(scores, collapsed(list(scores.values())), strict=True)
    )
