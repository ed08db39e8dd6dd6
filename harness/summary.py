"""From outcomes to findings: the one object that every report file is rendered from.

Rows and columns, what is compared with what, and in which family, follow from the sweep file alone,
never from what has finished: a comparison that is missing counts with p = 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.claims import judge
from harness.comparisons import corrected_size, num_comparisons
from harness.config import SweepFile
from harness.lookup import Lookup, Samples
from harness.outcomes import Facts, Outcome
from harness.results import (
    Cell,
    Column,
    Comparison,
    Detail,
    DocumentLevel,
    LabelDifference,
    Replication,
    Row,
    Summary,
    Trial,
)
from harness.stats import effects, families, power, seeds
from harness.stats.documents import Metric, crossed
from harness.stats.published import JUDGED, NOT_COMPARABLE, prediction

DAGGER = "†"
"""Marks a star that also holds where documents are resampled."""


def summarise(sweep: SweepFile, outcomes: Sequence[Outcome], facts: Facts, samples: Samples | None = None) -> Summary:
    """Computes everything that a report prints.

    Args:
        sweep: The plan.
        outcomes: Finished and failed trials, in any order; a planned trial that is missing has not run.
        facts: What the scores do not say.
        samples: Predictions on the test documents, where they are known.

    Raises:
        ValueError: On two outcomes for one trial, or one that is not of the sweep.
    """
    return _Analysis(Lookup(sweep, outcomes, facts, samples or {}), facts).summary()


class _Analysis:
    """The steps of `summarise`."""

    def __init__(self, lookup: Lookup, facts: Facts):
        self.lookup = lookup
        self.sweep = lookup.sweep
        self.facts = facts
        self.labels = lookup.labels
        self.columns = lookup.columns
        self.cell_keys = lookup.cell_keys
        self.family_sizes = num_comparisons(lookup.sweep)

    def summary(self) -> Summary:
        comparisons = self._starred(list(self._compare(control=False)))
        marks = {(item.model, item.merge, item.column): item.marks for item in comparisons}
        rows = [row for model in self.sweep.models for row in self._rows(model, marks)]
        controls = tuple(self._compare(control=True))
        return Summary(
            sweep=self.sweep,
            facts=self.facts,
            dataset_labels=self.labels,
            columns=self.columns,
            rows=tuple(rows),
            comparisons=tuple(comparisons),
            control_comparisons=controls,
            family_sizes=self.family_sizes,
            details=tuple(self._details()),
            trials=tuple(self._trials()),
            label_differences=tuple(self._label_differences(comparisons)),
            claims=tuple(judge(self.lookup, (*comparisons, *controls))),
            replications=tuple(self._replications(comparisons)),
            labels_without_gold={
                self.labels[key]: int((sample.support_L == 0).sum()) for key, sample in self.lookup.samples.items()
            },
            resampling=next((sample.how for sample in self.lookup.samples.values()), None),
            num_odd_scores=sum(
                not math.isfinite(score)
                for one in self.lookup.outcomes.values()
                for score in (one.scores or {}).values()
            ),
        )

    # Cells.

    def _rows(self, model: str, marks: Mapping[tuple[str, str, Column], str]) -> list[Row]:
        cells = [self._group(model, column, marks) for column in self.columns]
        control = self.sweep.models[model].control
        return [
            Row(model, merge, self.lookup.label(model, merge), control, tuple(group[place] for group in cells))
            for place, merge in enumerate(self.sweep.merges_of(model))
        ]

    def _group(self, model: str, column: Column, marks: Mapping[tuple[str, str, Column], str]) -> list[Cell]:
        """One model's cells in one column: they share the bold set and the underlined maximum."""
        merges = self.sweep.merges_of(model)
        cells = [self._cell(model, merge, column) for merge in merges]
        if self.sweep.models[model].control:
            return cells
        there = [not math.isnan(cell.mean) for cell in cells]
        members: list[list[dict[int, float]]] = [
            self.lookup.coded_scores(model, merge, column)
            if here and not cell.one_seed
            else [{}] * len(column.datasets)
            for merge, cell, here in zip(merges, cells, there, strict=True)
        ]
        best = families.confidence_set(members, len(merges))
        excludes = not all(best)
        top = max((cell.mean for cell, here in zip(cells, there, strict=True) if here), default=math.nan)
        return [
            replace(
                cell,
                marks=marks.get((model, merge, column), ""),
                bold=excludes and inside and is_compared,
                underlined=sum(there) > 1 and cell.mean == top,
            )
            for merge, cell, inside, is_compared in zip(
                merges, cells, best, families.were_compared(members), strict=True
            )
        ]

    def _cell(self, model: str, merge: str, column: Column) -> Cell:
        scores = self.lookup.scores(model, merge, column)
        strata = [list(found.values()) for found in scores]
        mean, sd = seeds.mean_and_sd(strata)
        outcomes = [one for dataset in column.datasets for one in self.lookup.cell_outcomes(model, merge, dataset)]
        published = self.lookup.published(model, merge, column)
        label: str = ""
        half_width = math.nan
        one_seed = self.lookup.one_seed(model, merge, column)
        if published is not None and not math.isnan(mean):
            judged = NOT_COMPARABLE if self._is_subset(column) else prediction(strata, published)
            if one_seed and judged.label in (*JUDGED, "uninformative"):
                judged = replace(judged, label="degenerate", half_width=math.nan)
            label, half_width = judged.label, judged.half_width
        return Cell(
            mean=mean,
            sd=sd,
            num_done=tuple(map(len, strata)),
            num_failed=sum(one.scores is None for one in outcomes),
            num_planned=len(self.sweep.seeds) * len(column.datasets),
            num_collapsed=sum(
                self._num_collapsed(model, merge, column.metric, dataset, found)
                for dataset, found in zip(column.datasets, scores, strict=True)
            ),
            one_seed=one_seed,
            published=published,
            prediction=label,
            half_width=half_width,
            quartiles=effects.quartiles([] if column.average else strata[0]),
            num_cut=sum(one.scores is not None and one.micro_batches > 1 for one in outcomes),
        )

    def _num_collapsed(self, model: str, merge: str, metric: Metric, dataset: str, scores: Mapping[int, float]) -> int:
        """Counts runs whose score is far below the others', or that predict the same for every document."""
        sample = self.lookup.samples.get(dataset)
        return sum(
            is_low or (sample is not None and sample.is_constant((model, merge, seed), metric))
            for seed, is_low in zip(scores, effects.collapsed(list(scores.values())), strict=True)
        )

    # Comparisons.

    def _compare(self, control: bool) -> Iterable[Comparison]:
        base = self.sweep.statistics.base
        for model, merge in self.cell_keys:
            if base in self.sweep.merges_of(model) and merge != base and self.sweep.models[model].control == control:
                for column in self.columns:
                    yield self._comparison(model, merge, base, column)

    def _comparison(self, model: str, merge: str, base: str, column: Column) -> Comparison:
        lookup = self.lookup
        strata = lookup.pairs(model, merge, base, column)
        test = seeds.t_test(strata)
        one_seed = any(lookup.one_seed(model, arm, column) for arm in (merge, base))
        if one_seed:
            nan = math.nan
            test = replace(test, status="one seed", error=nan, statistic=nan, df=nan, p=nan, low=nan, high=nan)
        arms = [lookup.published(model, arm, column) for arm in (merge, base)]
        published = None if arms[0] is None or arms[1] is None else round(arms[0] - arms[1], 10)
        num_pairs = sum(test.num_pairs)
        rule = self.sweep.statistics
        differences = [pairs.differences for pairs in strata]
        single = not column.average and test.status == "tested"
        judged = None
        if published is not None and self._is_subset(column):
            judged = NOT_COMPARABLE
        elif published is not None and single:
            # Each published score is rounded to .01, so their difference is off by .01 at most.
            judged = prediction(differences, published, 0.01)
        dropped, mixed = self._unpaired(strata, column)
        family = "AB" if rule.families == "joint" else "A" if column.average else "B"
        return Comparison(
            model=model,
            merge=merge,
            base=base,
            label=lookup.label(model, merge),
            column=column,
            family=family,
            test=test,
            differences=tuple(
                dict(zip(lookup.seeds(pairs.seeds), pairs.differences.tolist(), strict=True)) for pairs in strata
            ),
            dropped=dropped,
            mixed=mixed,
            p_sign_flip=seeds.sign_flip(differences) if _usable(test) else math.nan,
            least_p=math.nan if one_seed else families.least_reachable_p(num_pairs, corrected_size(self.sweep, family)),
            correlation=effects.correlation(strata[0]) if not column.average else math.nan,
            effect=effects.effect(strata[0]) if not column.average and not one_seed else None,
            published=published,
            judged=judged,
            power=power.power(published, test.sd, num_pairs, rule.alpha)
            if single and published and judged is not NOT_COMPARABLE
            else math.nan,
            detectable=power.detectable(test.sd, num_pairs, rule.alpha) if single else math.nan,
            obstacle=_obstacle(test, len(mixed)),
            documents=self._documents(model, merge, base, column, test),
        )

    def _unpaired(self, strata: Sequence[seeds.Pairs], column: Column) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the seeds that one arm lacks, and those whose two runs were made on different things."""
        dropped: list[str] = []
        mixed: list[str] = []
        for dataset, pairs in zip(column.datasets, strata, strict=True):
            left = self.lookup.seeds(pairs.dropped)
            for seed in sorted(set(left)):
                (mixed if left.count(seed) > 1 else dropped).append(f"{dataset}/{seed}")
        return tuple(dropped), tuple(mixed)

    def _is_subset(self, column: Column) -> bool:
        """Returns whether trials were trained on fewer documents than there are, as no published one was."""
        return any(self.sweep.datasets[dataset].train_documents for dataset in column.datasets)

    def _documents(self, model: str, merge: str, base: str, column: Column, test: seeds.TTest) -> DocumentLevel | None:
        """Adds the documents' share of the error; nothing where a run's predictions are not known."""
        if test.status != "tested":
            return None
        strata = self.lookup.pairs(model, merge, base, column)
        variances, ratios, p_swap = [], [], math.nan
        for dataset, pairs in zip(column.datasets, strata, strict=True):
            both = [((model, merge, seed), (model, base, seed)) for seed in self.lookup.seeds(pairs.seeds)]
            sample = self.lookup.samples.get(dataset)
            if sample is None or not sample.has([run for pair in both for run in pair]):
                return None
            weights = {run: sign / len(both) for pair in both for run, sign in zip(pair, (1, -1), strict=True)}
            variance, ratio = sample.variance(column.metric, weights)
            variances.append(variance)
            ratios.append(ratio)
            if not column.average and not self.sweep.models[model].control:
                p_swap = sample.p_swap(column.metric, f"{model}/{merge}", both)
        found = crossed([pairs.differences for pairs in strata], variances)
        share = sum(variances) / len(variances) ** 2 / found.error**2
        return DocumentLevel(found, share, p_swap, max(ratios, key=lambda ratio: abs(math.log(ratio or 1e-300))))

    def _label_differences(self, comparisons: Sequence[Comparison]) -> Iterable[LabelDifference]:
        for item in comparisons:
            if item.column.average or item.column.metric != "macro_f1" or item.documents is None:
                continue
            dataset = item.column.datasets[0]
            sample = self.lookup.samples[dataset]
            arms = [[(item.model, arm, seed) for seed in item.differences[0]] for arm in (item.merge, item.base)]
            difference_L = sample.per_label(arms[0]) - sample.per_label(arms[1])
            for label, support, difference in zip(sample.labels, sample.support_L, difference_L, strict=True):
                yield LabelDifference(item.label, self.labels[dataset], label, int(support), float(difference))

    def _replications(self, comparisons: Sequence[Comparison]) -> Iterable[Replication]:
        """Counts datasets with an effect, for every variant and metric on several of them."""
        if len(self.sweep.datasets) < 2:
            return
        groups: dict[tuple[str, str], list[float]] = {}
        for item in comparisons:
            if not item.column.average:
                groups.setdefault((item.label, item.column.metric), []).append(item.test.p)
        for (label, metric), p in groups.items():
            if not all(map(math.isnan, p)):
                yield Replication(label, metric, families.num_effects(p, self.sweep.statistics.alpha), len(p))

    def _starred(self, comparisons: list[Comparison]) -> list[Comparison]:
        """Adds what depends on the whole family: corrected p-values, stars and flags."""
        rule = self.sweep.statistics
        adjusted: dict[int, tuple[float, float]] = {}
        for family, size in self.family_sizes.items():
            places = [place for place, item in enumerate(comparisons) if item.family == family]
            raw = [comparisons[place].test.p for place in places]
            corrected = zip(families.holm(raw, size), families.benjamini_hochberg(raw, size), strict=True)
            adjusted.update(zip(places, corrected, strict=True))
        answer = []
        for place, item in enumerate(comparisons):
            p_holm, q_bh = adjusted[place]
            p_star = {"holm": p_holm, "bh": q_bh, "none": item.test.p}[rule.correction]
            marks = "" if item.obstacle else _marks(p_star, item, rule.alpha)
            flags = _flags(item, rule.alpha)
            answer.append(replace(item, p_holm=p_holm, q_bh=q_bh, p_star=p_star, marks=marks, flags=flags))
        return answer

    # The rest.

    def _details(self) -> Iterable[Detail]:
        others = sorted(
            {metric for one in self.lookup.outcomes.values() for metric in one.scores or {}}
            - set(self.sweep.statistics.star_metrics)
        )
        for model, merge in self.cell_keys:
            for dataset, label in self.labels.items():
                done = [one for one in self.lookup.cell_outcomes(model, merge, dataset) if one.scores is not None]
                scores = {
                    metric: self.lookup.scores(model, merge, Column("", metric, (dataset,)))[0] for metric in others
                }
                yield Detail(
                    label=self.lookup.label(model, merge),
                    dataset=label,
                    metrics={metric: seeds.mean_and_sd([list(found.values())]) for metric, found in scores.items()},
                    seconds=seeds.mean_and_sd([[one.seconds for one in done if one.seconds is not None]]),
                    num_parameters=next((one.num_parameters for one in done if one.num_parameters is not None), None),
                    ratio=self._time_ratio(model, merge, dataset, to_best=False),
                    ratio_to_best=self._time_ratio(model, merge, dataset, to_best=True),
                )

    def _time_ratio(self, model: str, merge: str, dataset: str, to_best: bool) -> tuple[float, float, float]:
        if merge == self.sweep.statistics.base:
            return math.nan, math.nan, math.nan
        test = self.lookup.time_test(model, merge, dataset, to_best)
        return math.exp(test.difference), math.exp(test.low), math.exp(test.high)

    def _trials(self) -> Iterable[Trial]:
        for model, merge in self.cell_keys:
            for dataset in self.sweep.datasets:
                for seed in self.sweep.seeds:
                    outcome = self.lookup.outcomes.get((model, merge, dataset, seed))
                    control = self.sweep.models[model].control
                    yield Trial(model, merge, self.lookup.label(model, merge), dataset, seed, control, outcome)


def _obstacle(test: seeds.TTest, num_mixed: int) -> str:
    """Says in words why this test can have no star."""
    if test.status == "one seed":
        return "the seed had no effect, so all seeds count as one"
    if test.status == "degenerate":
        where = " of a dataset" if len(test.num_pairs) > 1 else ""
        return f"all seeds{where} differ by the same number, so there is no spread to test against"
    few = families.why_no_star(min(test.num_pairs))
    if few and num_mixed:
        return f"{few}, and runs of different commits or hardware are not compared (`statistics: allow_mixed`)"
    return few


def _usable(test: seeds.TTest) -> bool:
    return test.status in ("tested", "identical")


def _marks(p: float, item: Comparison, alpha: float) -> str:
    stars = sum(p < level for level in families.star_levels(alpha))
    if not stars:
        return ""
    low, high = item.documents.crossed.interval() if item.documents else (-math.inf, math.inf)
    return ("▲" if item.test.difference > 0 else "▼") + "*" * stars + (DAGGER if low > 0 or high < 0 else "")


def _flags(item: Comparison, alpha: float) -> tuple[str, ...]:
    tested = item.test.status == "tested"
    attainable = families.least_reachable_p(sum(item.test.num_pairs)) <= alpha
    facts = {
        "U": item.power < 0.8,
        "P": _usable(item.test) and item.least_p > alpha,
        "D": bool(item.dropped) and min(item.test.num_pairs) > 0,
        "M": bool(item.mixed),
        "T": tested and attainable and (item.test.p < alpha) != (item.p_sign_flip < alpha),
        "V": item.documents is not None and not 0.8 <= item.documents.ratio <= 1.25,
    }
    return tuple(flag for flag, holds in facts.items() if holds)
