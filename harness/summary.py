"""From outcomes to findings: the one object that every report file is rendered from.

Rows and columns, what is compared with what, and in which family, follow from the sweep file alone,
never from what has finished: a comparison that is missing counts with p = 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.config import SweepFile
from harness.results import Cell, Column, Comparison, Detail, Facts, Outcome, Row, Summary, Trial
from harness.stats import families, power, seeds
from harness.stats.published import prediction

METRIC_LABELS = {"micro_f1": "micro", "macro_f1": "macro"}


def summarise(sweep: SweepFile, outcomes: Sequence[Outcome], facts: Facts) -> Summary:
    """Computes everything that a report prints.

    Args:
        sweep: The plan.
        outcomes: Finished and failed trials, in any order; a planned trial that is missing has not run.
        facts: What the scores do not say.

    Raises:
        ValueError: On two outcomes for one trial, or one that is not of the sweep.
    """
    return _Analysis(sweep, outcomes, facts).summary()


def num_comparisons(sweep: SweepFile) -> dict[str, int]:
    """Returns the planned sizes of the two families, which a plan can print before anything has run."""
    base = sweep.statistics.base
    variants = sum(merge != base for merge in sweep.merges) if base in sweep.merges else 0
    tests = variants * sum(not model.control for model in sweep.models.values()) * len(sweep.statistics.star_metrics)
    num_datasets = len(sweep.datasets)
    return {"A": tests if num_datasets > 1 else 0, "B": tests * num_datasets}


class _Analysis:
    """The steps of `summarise`, which all look up the same outcomes."""

    def __init__(self, sweep: SweepFile, outcomes: Sequence[Outcome], facts: Facts):
        self.sweep = sweep
        self.facts = facts
        self.labels = {key: entry.label or _known_label(facts, key) for key, entry in sweep.datasets.items()}
        self.columns = _columns(sweep, self.labels)
        self.family_sizes = num_comparisons(sweep)
        self.cell_keys = [(model, merge) for model in sweep.models for merge in sweep.merges]
        self.outcomes = self._index(outcomes)

    def _index(self, outcomes: Sequence[Outcome]) -> dict[tuple[str, str, str, int], Outcome]:
        planned = {
            (model, merge, dataset, seed)
            for model, merge in self.cell_keys
            for dataset in self.sweep.datasets
            for seed in self.sweep.seeds
        }
        found: dict[tuple[str, str, str, int], Outcome] = {}
        for outcome in outcomes:
            place = (outcome.model, outcome.merge, outcome.dataset, outcome.seed)
            if place not in planned or place in found:
                problem = "has two outcomes" if place in found else "is not part of the sweep"
                raise ValueError(f"{self.sweep.name}: trial {'/'.join(map(str, place))} ({outcome.key}) {problem}.")
            found[place] = outcome
        return found

    def summary(self) -> Summary:
        comparisons = self._starred(list(self._compare(control=False)))
        marks = {(item.model, item.merge, item.column): item.marks for item in comparisons}
        rows = [row for model in self.sweep.models for row in self._rows(model, marks)]
        return Summary(
            sweep=self.sweep,
            facts=self.facts,
            dataset_labels=self.labels,
            columns=self.columns,
            rows=tuple(rows),
            comparisons=tuple(comparisons),
            control_comparisons=tuple(self._compare(control=True)),
            family_sizes=self.family_sizes,
            details=tuple(self._details()),
            trials=tuple(self._trials()),
            num_odd_scores=sum(
                not math.isfinite(score) for one in self.outcomes.values() for score in (one.scores or {}).values()
            ),
        )

    # What was measured.

    def _cell_outcomes(self, model: str, merge: str, dataset: str) -> list[Outcome]:
        found = (self.outcomes.get((model, merge, dataset, seed)) for seed in sorted(self.sweep.seeds))
        return [outcome for outcome in found if outcome is not None]

    def _scores(self, model: str, merge: str, column: Column) -> list[dict[int, float]]:
        """Finite scores by seed, one mapping per dataset of the column."""
        return [
            {
                one.seed: one.scores[column.metric]
                for one in self._cell_outcomes(model, merge, dataset)
                if one.scores is not None and math.isfinite(one.scores.get(column.metric, math.nan))
            }
            for dataset in column.datasets
        ]

    def _one_seed(self, model: str, merge: str, column: Column) -> bool:
        """Whether, on some dataset of the column, different seeds made no difference."""
        for dataset, scores in zip(column.datasets, self._scores(model, merge, column), strict=True):
            if len(scores) < 2:
                continue
            digests = {
                one.predictions_sha256 for one in self._cell_outcomes(model, merge, dataset) if one.seed in scores
            }
            spread = max(scores.values()) - min(scores.values())
            if spread <= 1e-9 or (len(digests) == 1 and None not in digests):
                return True
        return False

    def _published(self, model: str, merge: str, column: Column) -> float | None:
        """The published score; of an average, the mean rounded as the literature prints it."""
        if self.sweep.published is None:
            return None
        row = self.sweep.published.scores.get(f"{model}/{merge}", {})
        scores = [row.get(dataset, {}).get(column.metric) for dataset in column.datasets]
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return None
        return known[0] if len(known) == 1 else round(sum(known) / len(known), 2)

    # Cells.

    def _label(self, model: str, merge: str) -> str:
        label = self.sweep.models[model].label or model
        return label if merge == "none" else f"{label}+MTL ({merge})"

    def _rows(self, model: str, marks: Mapping[tuple[str, str, Column], str]) -> list[Row]:
        cells = [self._group(model, column, marks) for column in self.columns]
        control = self.sweep.models[model].control
        return [
            Row(model, merge, self._label(model, merge), control, tuple(group[place] for group in cells))
            for place, merge in enumerate(self.sweep.merges)
        ]

    def _group(self, model: str, column: Column, marks: Mapping[tuple[str, str, Column], str]) -> list[Cell]:
        """One model's cells in one column: they share the bold set and the underlined maximum."""
        merges = self.sweep.merges
        cells = [self._cell(model, merge, column) for merge in merges]
        if self.sweep.models[model].control:
            return cells
        there = [not math.isnan(cell.mean) for cell in cells]
        members: list[list[dict[int, float]]] = [
            self._scores(model, merge, column) if here and not cell.one_seed else [{} for _ in column.datasets]
            for merge, cell, here in zip(merges, cells, there, strict=True)
        ]
        best = families.confidence_set(members, len(merges))
        excludes = not all(best)
        top = max((cell.mean for cell, here in zip(cells, there, strict=True) if here), default=math.nan)
        return [
            replace(
                cell,
                marks=marks.get((model, merge, column), ""),
                bold=here and excludes and inside,
                underlined=sum(there) > 1 and cell.mean == top,
            )
            for merge, cell, here, inside in zip(merges, cells, there, best, strict=True)
        ]

    def _cell(self, model: str, merge: str, column: Column) -> Cell:
        strata = [list(scores.values()) for scores in self._scores(model, merge, column)]
        mean, sd = seeds.mean_and_sd(strata)
        outcomes = [one for dataset in column.datasets for one in self._cell_outcomes(model, merge, dataset)]
        published = self._published(model, merge, column)
        label, half_width = "", math.nan
        if published is not None and not math.isnan(mean):
            judged = prediction(strata, published)
            subset = any(self.sweep.datasets[dataset].train_documents for dataset in column.datasets)
            label, half_width = ("not comparable", math.nan) if subset else (judged.label, judged.half_width)
        return Cell(
            mean=mean,
            sd=sd,
            num_done=tuple(map(len, strata)),
            num_failed=sum(one.scores is None for one in outcomes),
            num_planned=len(self.sweep.seeds) * len(column.datasets),
            num_collapsed=sum(map(seeds.num_collapsed, strata)),
            one_seed=self._one_seed(model, merge, column),
            published=published,
            prediction=label,
            half_width=half_width,
            num_cut=sum(one.scores is not None and one.micro_batches > 1 for one in outcomes),
        )

    # Comparisons.

    def _compare(self, control: bool) -> Iterable[Comparison]:
        base = self.sweep.statistics.base
        for model, merge in self.cell_keys:
            if base in self.sweep.merges and merge != base and self.sweep.models[model].control == control:
                for column in self.columns:
                    yield self._comparison(model, merge, base, column)

    def _comparison(self, model: str, merge: str, base: str, column: Column) -> Comparison:
        variant_scores, base_scores = (self._scores(model, arm, column) for arm in (merge, base))
        strata = [seeds.pair(ours, theirs) for ours, theirs in zip(variant_scores, base_scores, strict=True)]
        test = seeds.t_test(strata)
        if any(self._one_seed(model, arm, column) for arm in (merge, base)):
            test = replace(test, status="one seed", p=math.nan, low=math.nan, high=math.nan)
        arms = [self._published(model, arm, column) for arm in (merge, base)]
        published = None if arms[0] is None or arms[1] is None else round(arms[0] - arms[1], 10)
        num_pairs = sum(test.num_pairs)
        alpha = self.sweep.statistics.alpha
        single = not column.average and test.status == "tested"
        return Comparison(
            model=model,
            merge=merge,
            base=base,
            label=self._label(model, merge),
            column=column,
            test=test,
            dropped=tuple(
                f"{dataset}/{seed}"
                for dataset, pairs in zip(column.datasets, strata, strict=True)
                for seed in pairs.dropped
            ),
            p_sign_flip=seeds.sign_flip([pairs.differences for pairs in strata]) if _usable(test) else math.nan,
            least_p=families.least_reachable_p(num_pairs, self.family_sizes[column.family]),
            correlation=seeds.correlation(strata[0]) if not column.average else math.nan,
            published=published,
            power=power.power(published, test.sd, num_pairs, alpha) if single and published is not None else math.nan,
            obstacle=_obstacle(test),
        )

    def _starred(self, comparisons: list[Comparison]) -> list[Comparison]:
        """Adds what depends on the whole family: corrected p-values, stars and flags."""
        rule = self.sweep.statistics
        adjusted: dict[int, tuple[float, float]] = {}
        for family, size in self.family_sizes.items():
            places = [place for place, item in enumerate(comparisons) if item.column.family == family]
            raw = [comparisons[place].test.p for place in places]
            corrected = zip(families.holm(raw, size), families.benjamini_hochberg(raw, size), strict=True)
            adjusted.update(zip(places, corrected, strict=True))
        answer = []
        for place, item in enumerate(comparisons):
            p_holm, q_bh = adjusted[place]
            p_star = {"holm": p_holm, "bh": q_bh, "none": item.test.p}[rule.correction]
            marks = "" if item.obstacle else _marks(p_star, item.test.difference, rule.alpha)
            flags = _flags(item, rule.alpha)
            answer.append(replace(item, p_holm=p_holm, q_bh=q_bh, p_star=p_star, marks=marks, flags=flags))
        return answer

    # The rest.

    def _details(self) -> Iterable[Detail]:
        others = sorted(
            {metric for one in self.outcomes.values() for metric in one.scores or {}}
            - set(self.sweep.statistics.star_metrics)
        )
        for model, merge in self.cell_keys:
            for dataset, label in self.labels.items():
                done = [one for one in self._cell_outcomes(model, merge, dataset) if one.scores is not None]
                scores = {metric: self._scores(model, merge, Column("", metric, (dataset,)))[0] for metric in others}
                yield Detail(
                    label=self._label(model, merge),
                    dataset=label,
                    metrics={metric: seeds.mean_and_sd([list(found.values())]) for metric, found in scores.items()},
                    seconds=seeds.mean_and_sd([list(_seconds(done).values())]),
                    num_parameters=next((one.num_parameters for one in done if one.num_parameters is not None), None),
                    ratio=self._time_ratio(model, merge, dataset),
                )

    def _time_ratio(self, model: str, merge: str, dataset: str) -> tuple[float, float, float]:
        base = self.sweep.statistics.base
        if merge == base:
            return math.nan, math.nan, math.nan
        arms = [_seconds(self._cell_outcomes(model, arm, dataset)) for arm in (merge, base)]
        logs = [{seed: math.log(seconds) for seed, seconds in arm.items() if seconds > 0} for arm in arms]
        test = seeds.t_test([seeds.pair(*logs)])
        return math.exp(test.difference), math.exp(test.low), math.exp(test.high)

    def _trials(self) -> Iterable[Trial]:
        for model, merge in self.cell_keys:
            for dataset in self.sweep.datasets:
                for seed in self.sweep.seeds:
                    outcome = self.outcomes.get((model, merge, dataset, seed))
                    control = self.sweep.models[model].control
                    yield Trial(model, merge, self._label(model, merge), dataset, seed, control, outcome)


def _known_label(facts: Facts, key: str) -> str:
    return facts.dataset_facts[key].label if key in facts.dataset_facts else key


def _columns(sweep: SweepFile, labels: Mapping[str, str]) -> tuple[Column, ...]:
    places: list[tuple[str, tuple[str, ...]]] = [(label, (key,)) for key, label in labels.items()]
    if len(labels) > 1:
        places.append(("Avg", tuple(labels)))
    return tuple(
        Column(f"{label} {METRIC_LABELS[metric]}", metric, datasets)
        for label, datasets in places
        for metric in sweep.statistics.star_metrics
    )


def _seconds(outcomes: Sequence[Outcome]) -> dict[int, float]:
    return {one.seed: one.seconds for one in outcomes if one.scores is not None and one.seconds is not None}


def _obstacle(test: seeds.TTest) -> str:
    """Says in words why this test can have no star."""
    if test.status == "one seed":
        return "the seed had no effect, so all seeds count as one"
    if test.status == "degenerate":
        return "all seeds differ by the same number, so there is no spread to test against"
    return families.why_no_star(min(test.num_pairs))


def _usable(test: seeds.TTest) -> bool:
    return test.status in ("tested", "identical")


def _marks(p: float, difference: float, alpha: float) -> str:
    stars = sum(p < level for level in families.star_levels(alpha))
    return ("▲" if difference > 0 else "▼") + "*" * stars if stars else ""


def _flags(item: Comparison, alpha: float) -> tuple[str, ...]:
    tested = item.test.status == "tested"
    attainable = families.least_reachable_p(sum(item.test.num_pairs)) <= alpha
    facts = {
        "U": item.power < 0.8,
        "P": _usable(item.test) and item.least_p > alpha,
        "D": bool(item.dropped) and min(item.test.num_pairs) > 0,
        "T": tested and attainable and (item.test.p < alpha) != (item.p_sign_flip < alpha),
    }
    return tuple(flag for flag, holds in facts.items() if holds)
