"""From outcomes to findings: the one object that every report file is rendered from.

Rows and columns, what is compared with what, and in which family, follow from the sweep file alone,
never from what has finished: a comparison that is missing counts with p = 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from datasets.storage.label_groups import GROUPS
from harness.analysis.claims import judge_claims
from harness.analysis.compare import compare, starred
from harness.analysis.design import num_comparisons, significance_level
from harness.analysis.findings import (
    Column,
    Comparison,
    Detail,
    Findings,
    LabelDifference,
    LabelGroup,
    Replication,
    Row,
    TableCell,
    Trial,
)
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import Facts, Samples, TrialResult
from harness.analysis.published import ROUNDING, judge_published
from harness.config.schema import SweepFile
from harness.stats import effect_sizes, multiple_testing, t_tests
from harness.stats.document_variance import Metric
from harness.stats.prediction_interval import JUDGED


def find(sweep: SweepFile, results: Sequence[TrialResult], facts: Facts, samples: Samples | None = None) -> Findings:
    """Computes everything that a report prints.

    Args:
        sweep: The plan.
        results: Finished and failed trials, in any order; a planned trial that is missing has not run.
        facts: What the scores do not say.
        samples: Predictions on the test documents, where they are known.

    Raises:
        ValueError: On two outcomes for one trial, or one that is not of the sweep.
    """
    return _Analysis(ResultsIndex(sweep, results, facts, samples or {}), facts).findings()


class _Analysis:
    """The steps of `summarise`."""

    def __init__(self, index: ResultsIndex, facts: Facts):
        self.index = index
        self.sweep = index.sweep
        self.facts = facts
        self.titles = index.titles
        self.columns = index.columns
        self.level = significance_level(index.sweep)

    def findings(self) -> Findings:
        comparisons = starred(self.sweep, list(compare(self.index, control=False)))
        marks = {(item.model, item.merge, item.column): item.marks for item in comparisons}
        rows = [row for model in self.sweep.models for row in self._rows(model, marks)]
        controls = tuple(compare(self.index, control=True))
        return Findings(
            sweep=self.sweep,
            facts=self.facts,
            dataset_titles=self.titles,
            columns=self.columns,
            rows=tuple(rows),
            comparisons=tuple(comparisons),
            control_comparisons=controls,
            family_sizes=num_comparisons(self.sweep),
            level=self.level,
            details=tuple(self._details()),
            label_groups=tuple(self._label_groups()),
            trials=tuple(self._trials()),
            label_differences=tuple(self._label_differences(comparisons)),
            claims=tuple(judge_claims(self.index, (*comparisons, *controls))),
            replications=tuple(self._replications(comparisons)),
            labels_without_gold={
                self.titles[key]: int((sample.support_L == 0).sum()) for key, sample in self.index.samples.items()
            },
            resampling=next((sample.how for sample in self.index.samples.values()), None),
            num_odd_scores=sum(
                not math.isfinite(score) for one in self.index.results.values() for score in (one.scores or {}).values()
            ),
        )

    # Cells.

    def _rows(self, model: str, marks: Mapping[tuple[str, str, Column], str]) -> list[Row]:
        cells = [self._group(model, column, marks) for column in self.columns]
        control = self.sweep.models[model].control
        return [
            Row(model, merge, self.index.title(model, merge), control, tuple(group[place] for group in cells))
            for place, merge in enumerate(self.sweep.merges_of(model))
        ]

    def _group(self, model: str, column: Column, marks: Mapping[tuple[str, str, Column], str]) -> list[TableCell]:
        """One model's cells in one column: they share the bold set and the underlined maximum."""
        merges = self.sweep.merges_of(model)
        cells = [self._cell(model, merge, column) for merge in merges]
        if self.sweep.models[model].control:
            return cells
        there = [not math.isnan(cell.mean) for cell in cells]
        members: list[list[dict[int, float]]] = [
            self.index.coded_scores(model, merge, column) if here and not cell.one_seed else [{}] * len(column.datasets)
            for merge, cell, here in zip(merges, cells, there, strict=True)
        ]
        best = multiple_testing.confidence_set(members, len(merges), self.index.join)
        compared = multiple_testing.were_compared(members, self.index.join)
        excludes = not all(best)
        top = max((cell.mean for cell, here in zip(cells, there, strict=True) if here), default=math.nan)
        return [
            replace(
                cell,
                marks=marks.get((model, merge, column), ""),
                bold=excludes and inside and is_compared,
                underlined=sum(there) > 1 and cell.mean == top,
            )
            for merge, cell, inside, is_compared in zip(merges, cells, best, compared, strict=True)
        ]

    def _cell(self, model: str, merge: str, column: Column) -> TableCell:
        scores = self.index.scores(model, merge, column)
        strata = [list(found.values()) for found in scores]
        mean, sd = t_tests.mean_and_sd(strata)
        results = [one for dataset in column.datasets for one in self.index.cell_results(model, merge, dataset)]
        published = self.index.published(model, merge, column)
        label: str = ""
        half_width = p_published = math.nan
        one_seed = self.index.one_seed(model, merge, column)
        if published is not None and not math.isnan(mean):
            runs = [{(model, merge, seed): 1 / len(found) for seed in found} for found in scores]
            judged = judge_published(self.index, column, strata, published, ROUNDING, runs)
            if one_seed and judged.agreement in (*JUDGED, "uninformative"):
                judged = replace(judged, agreement="degenerate", half_width=math.nan, p=math.nan)
            label, half_width, p_published = judged.agreement, judged.half_width, judged.p
        return TableCell(
            mean=mean,
            sd=sd,
            num_done=tuple(map(len, strata)),
            num_failed=sum(one.scores is None for one in results),
            num_planned=len(self.sweep.seeds) * len(column.datasets),
            num_collapsed=sum(
                self._num_collapsed(model, merge, column.metric, dataset, found)
                for dataset, found in zip(column.datasets, scores, strict=True)
            ),
            one_seed=one_seed,
            published=published,
            prediction=label,
            half_width=half_width,
            p_published=p_published,
            quartiles=effect_sizes.quartiles([] if column.average else strata[0]),
            num_cut=sum(one.scores is not None and one.micro_batches > 1 for one in results),
        )

    def _num_collapsed(self, model: str, merge: str, metric: Metric, dataset: str, scores: Mapping[int, float]) -> int:
        """Counts runs whose score is far below the others', or that predict the same for every document."""
        sample = self.index.samples.get(dataset)
        return sum(
            is_low or (sample is not None and sample.is_constant((model, merge, seed), metric))
            for seed, is_low in zip(scores, effect_sizes.collapsed(list(scores.values())), strict=True)
        )

    def _label_differences(self, comparisons: Sequence[Comparison]) -> Iterable[LabelDifference]:
        for item in comparisons:
            if item.column.average or item.column.metric != "macro_f1" or item.documents is None:
                continue
            dataset = item.column.datasets[0]
            sample = self.index.samples[dataset]
            arms = zip((item.merge, item.base), item.seeds[0], strict=True)
            variant_L, base_L = (sample.per_label([(item.model, arm, seed) for seed in found]) for arm, found in arms)
            for label, support, difference in zip(sample.labels, sample.support_L, variant_L - base_L, strict=True):
                yield LabelDifference(item.title, self.titles[dataset], label, int(support), float(difference))

    def _replications(self, comparisons: Sequence[Comparison]) -> Iterable[Replication]:
        """Counts datasets with an effect, for every variant and metric on several of them."""
        if len(self.sweep.datasets) < 2:
            return
        groups: dict[tuple[str, str], list[float]] = {}
        for item in comparisons:
            if not item.column.average:
                groups.setdefault((item.title, item.column.metric), []).append(item.test.p)
        for (label, metric), p in groups.items():
            if not all(map(math.isnan, p)):
                yield Replication(label, metric, multiple_testing.num_effects(p, self.level), len(p))

    # The rest.

    def _details(self) -> Iterable[Detail]:
        others = sorted(
            {metric for one in self.index.results.values() for metric in one.scores or {}}
            - set(self.sweep.statistics.star_metrics)
            - {_of_group(metric, group) for metric in ("micro_f1", "macro_f1") for group in GROUPS}
        )
        for model, merge in self.sweep.rows:
            for dataset, label in self.titles.items():
                done = [one for one in self.index.cell_results(model, merge, dataset) if one.scores is not None]
                scores = {metric: self._values(model, merge, dataset, metric) for metric in others}
                yield Detail(
                    title=self.index.title(model, merge),
                    dataset=label,
                    metrics={metric: t_tests.mean_and_sd([found]) for metric, found in scores.items()},
                    seconds=t_tests.mean_and_sd([[one.seconds for one in done if one.seconds is not None]]),
                    num_parameters=next((one.num_parameters for one in done if one.num_parameters is not None), None),
                    ratio=self._time_ratio(model, merge, dataset, to_best=False),
                    ratio_to_best=self._time_ratio(model, merge, dataset, to_best=True),
                )

    def _label_groups(self) -> Iterable[LabelGroup]:
        """Describes what frequent labels hide; of a dataset with no others, nothing."""
        for dataset, label in self.titles.items():
            found = [one.scores or {} for one in self.index.results.values() if one.dataset == dataset]
            groups = [group for group in GROUPS if any(_of_group("micro_f1", group) in scores for scores in found)]
            if not set(groups) - {"frequent"}:
                continue
            for model, merge in self.sweep.rows:
                for group in groups:
                    micro, macro = (
                        self._values(model, merge, dataset, _of_group(metric, group))
                        for metric in ("micro_f1", "macro_f1")
                    )
                    yield LabelGroup(
                        title=self.index.title(model, merge),
                        dataset=label,
                        group=group,
                        micro=t_tests.mean_and_sd([micro]),
                        macro=t_tests.mean_and_sd([macro]),
                        num_runs=len(micro),
                    )

    def _values(self, model: str, merge: str, dataset: str, metric: Metric) -> list[float]:
        return list(self.index.scores(model, merge, Column("", metric, (dataset,)))[0].values())

    def _time_ratio(self, model: str, merge: str, dataset: str, to_best: bool) -> tuple[float, float, float]:
        if merge == self.sweep.statistics.base:
            return math.nan, math.nan, math.nan
        test = self.index.time_test(model, merge, dataset, to_best)
        return math.exp(test.difference), math.exp(test.low), math.exp(test.high)

    def _trials(self) -> Iterable[Trial]:
        for model, merge in self.sweep.rows:
            for dataset in self.sweep.datasets:
                for seed in self.sweep.seeds:
                    result = self.index.results.get((model, merge, dataset, seed))
                    control = self.sweep.models[model].control
                    yield Trial(model, merge, self.index.title(model, merge), dataset, seed, control, result)


def _of_group(metric: Metric, group: str) -> str:
    """Returns the name that a metric has on a group of labels."""
    return f"{metric}_{group}"
