"""Cost and other metrics of each cell, scores on groups of labels, differences of single labels."""

import math
from collections.abc import Iterable, Sequence

from datasets.storage.label_groups import GROUPS
from harness.analysis.comparison import Comparison
from harness.analysis.design import listed_contrasts
from harness.analysis.findings import Detail, LabelDifference, LabelGroup
from harness.analysis.index import ResultsIndex
from harness.analysis.inputs import RunKey
from harness.core.metric_names import DECISIONS, HEADLINE, by_rule
from harness.stats.t_tests import mean_and_sd


def cell_details(index: ResultsIndex) -> Iterable[Detail]:
    """Describes what every cell cost, and its metrics outside the table and its groups of labels."""
    metrics = {metric for one in index.results.values() for metric in one.scores or {}}
    metrics -= {*index.sweep.statistics.star_metrics}
    metrics -= {_of_group(metric, group) for metric in HEADLINE for group in GROUPS}
    metrics -= {by_rule(metric, rule) for metric in HEADLINE for rule in DECISIONS}
    for model, merge in index.sweep.rows:
        for dataset, title in index.titles.items():
            done = [one for one in index.cell_results(model, merge, dataset) if one.scores is not None]
            yield Detail(
                title=index.title(model, merge),
                dataset=title,
                metrics={
                    metric: mean_and_sd([_values(index, model, merge, dataset, metric)]) for metric in sorted(metrics)
                },
                seconds=mean_and_sd([[one.train_seconds for one in done if one.train_seconds is not None]]),
                num_parameters=next((one.num_parameters for one in done if one.num_parameters is not None), None),
                ratio=_time_ratio(index, model, merge, dataset),
            )


def _time_ratio(index: ResultsIndex, model: str, merge: str, dataset: str) -> tuple[float, float, float]:
    if merge == index.sweep.statistics.base:
        return math.nan, math.nan, math.nan
    test = index.time_test(model, merge, dataset)
    return math.exp(test.difference), math.exp(test.low), math.exp(test.high)


def label_groups(index: ResultsIndex) -> Iterable[LabelGroup]:
    """Describes what frequent labels hide; nothing of a dataset that has no others."""
    for dataset, title in index.titles.items():
        found = [one.scores or {} for one in index.results.values() if one.dataset == dataset]
        groups = [group for group in GROUPS if any(_of_group("micro_f1", group) in scores for scores in found)]
        if not set(groups) - {"frequent"}:
            continue
        for model, merge in index.sweep.rows:
            for group in groups:
                micro, macro = (_values(index, model, merge, dataset, _of_group(metric, group)) for metric in HEADLINE)
                yield LabelGroup(
                    title=index.title(model, merge),
                    dataset=title,
                    group=group,
                    micro=mean_and_sd([micro]),
                    macro=mean_and_sd([macro]),
                    num_runs=len(micro),
                )


def _values(index: ResultsIndex, model: str, merge: str, dataset: str, metric: str) -> list[float]:
    return [score for _, score in index.finite(model, merge, dataset, metric)]


def _of_group(metric: str, group: str) -> str:
    """Returns the name that a metric has on a group of labels."""
    return f"{metric}_{group}"


def label_differences(index: ResultsIndex, comparisons: Sequence[Comparison]) -> Iterable[LabelDifference]:
    """Splits each listed difference in macro F into those of single labels, where predictions are known."""
    listed = set(listed_contrasts(index.sweep))
    for item in comparisons:
        if item.column.average or item.column.metric != "macro_f1" or item.documents is None:
            continue
        if item.contrast not in listed:
            continue
        dataset = item.column.datasets[0]
        sample = index.samples[dataset]
        arms = zip(item.contrast, item.seeds[0], strict=True)
        variant_L, base_L = (sample.per_label([RunKey(*row, seed) for seed in found]) for row, found in arms)
        for label, support, difference in zip(sample.labels, sample.support_L, variant_L - base_L, strict=True):
            yield LabelDifference(item.title, index.titles[dataset], label, int(support), float(difference))
