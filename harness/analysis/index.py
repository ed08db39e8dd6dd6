"""Index of trial results by model, merge, dataset and seed."""

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.design import Column, Contrast, design_of, role_of
from harness.analysis.inputs import RunKey, Samples, TrialPlace, TrialResult
from harness.analysis.marks import RECONSTRUCTED
from harness.config.schema import SweepFile
from harness.core.metric_names import Headline
from harness.stats.pairing import Arms, SeedKey
from harness.stats.t_tests import TTest, t_test

METRIC_TITLES = {"micro_f1": "micro", "macro_f1": "macro"}


class ResultsIndex:
    """Trial results by row and column, with the predictions that are known, and the names of rows and datasets.

    Raises:
        ValueError: On two results of one trial, or one that is not of the sweep.
    """

    def __init__(self, sweep: SweepFile, results: Sequence[TrialResult], samples: Samples):
        self.sweep = sweep
        self.samples = samples
        self.design = design_of(sweep)
        self.titles = {key: entry.label or key for key, entry in sweep.datasets.items()}
        self.columns = _columns(sweep, self.titles)
        self.results = _by_place(sweep, results)

    def cell_results(self, model: str, merge: str, dataset: str) -> list[TrialResult]:
        """Returns the results of a cell, by rising seed."""
        places = (TrialPlace(model, merge, dataset, seed) for seed in sorted(self.sweep.seeds_of(model)))
        return [self.results[place] for place in places if place in self.results]

    def finite(self, model: str, merge: str, dataset: str, metric: str) -> Iterator[tuple[TrialResult, float]]:
        """Yields the results of a cell that have a finite score, by rising seed, with that score."""
        for one in self.cell_results(model, merge, dataset):
            score = (one.scores or {}).get(metric, math.nan)
            if math.isfinite(score):
                yield one, score

    def arms(self, model: str, merge: str, column: Column) -> list[dict[SeedKey, float]]:
        """Returns finite scores by what decides whether they may be compared, one mapping per dataset."""
        role = role_of(self.sweep, model)
        mixed = self.sweep.statistics.allow_mixed or role != "paired"
        return [
            {
                SeedKey(one.seed, "" if mixed else one.made_on, role): score
                for one, score in self.finite(model, merge, dataset, column.metric)
            }
            for dataset in column.datasets
        ]

    def strata(self, contrast: Contrast, column: Column) -> list[Arms]:
        """Returns the runs of two rows put together, one stratum per dataset."""
        arms = (self.arms(*row, column) for row in contrast)
        return [self.design.of(*both) for both in zip(*arms, strict=True)]

    def runs_of_mean(self, model: str, merge: str, column: Column) -> list[dict[RunKey, float]]:
        """Returns, per dataset, the runs whose weighted sum is a row's mean."""
        arms = self.arms(model, merge, column)
        return [{RunKey(model, merge, key.seed): 1 / len(arm) for key in arm} for arm in arms]

    def document_variance(self, dataset: str, metric: Headline, weights: Mapping[RunKey, float]) -> float | None:
        """Returns the variance over documents of a weighted sum of runs; None where predictions are not known."""
        sample = self.samples.get(dataset)
        if sample is None or not weights or not sample.has(list(weights)):
            return None
        return sample.variance(metric, weights)

    def one_seed(self, model: str, merge: str, column: Column) -> bool:
        """Returns whether, on some dataset of the column, all seeds made the same predictions.

        That some of them did is no sign of it: runs that collapse do so alike. Nor are equal scores, which different
        predictions can have.
        """
        for dataset in column.datasets:
            digests = [one.predictions_sha256 for one, _ in self.finite(model, merge, dataset, column.metric)]
            if len(digests) > 1 and len(set(digests)) == 1 and digests[0] is not None:
                return True
        return False

    def still_improving(self, model: str, merge: str) -> bool:
        """Returns whether most runs of a row that had epochs were still improving at the last one."""
        results = (one for dataset in self.sweep.datasets for one in self.cell_results(model, merge, dataset))
        known = [one.still_improving for one in results if one.still_improving is not None]
        return 2 * sum(known) > len(known)

    def model_title(self, model: str) -> str:
        """Returns the name of a model."""
        return model_title(self.sweep, model)

    def title(self, model: str, merge: str) -> str:
        """Returns the name of a row."""
        return row_title(self.sweep, model, merge)

    def time_test(self, model: str, merge: str, dataset: str) -> TTest:
        """Tests the mean of log(time per epoch / that of the base); `allow_mixed` is about scores, not about times."""
        arms = (
            {
                SeedKey(one.seed, one.made_on): math.log(one.train_seconds / one.num_epochs)
                for one in self.cell_results(model, arm, dataset)
                if one.scores is not None and one.train_seconds and one.num_epochs
            }
            for arm in (merge, self.sweep.statistics.base)
        )
        return t_test([self.design.of(*arms)])


def model_title(sweep: SweepFile, model: str) -> str:
    """Returns the name of a model, for people."""
    sign = RECONSTRUCTED if sweep.reconstruction_of(model) else ""
    return (sweep.models[model].label or model) + sign


def row_title(sweep: SweepFile, model: str, merge: str) -> str:
    """Returns the name of a row, for people."""
    title = model_title(sweep, model)
    return title if merge == "none" else f"{title}+MTL ({merge})"


def planned_places(sweep: SweepFile) -> list[TrialPlace]:
    """Returns the place of every planned trial, in the order of rows, datasets and seeds."""
    return [
        TrialPlace(model, merge, dataset, seed)
        for model, merge in sweep.rows
        for dataset in sweep.datasets
        for seed in sweep.seeds_of(model)
    ]


def _by_place(sweep: SweepFile, results: Sequence[TrialResult]) -> dict[TrialPlace, TrialResult]:
    """Returns the results in the order of the plan."""
    planned = planned_places(sweep)
    known, found = set(planned), dict[TrialPlace, TrialResult]()
    for one in results:
        if one.place not in known or one.place in found:
            problem = "has two outcomes" if one.place in found else "is not part of the sweep"
            raise ValueError(f"{sweep.name}: trial {'/'.join(map(str, one.place))} ({one.key}) {problem}.")
        found[one.place] = one
    return {place: found[place] for place in planned if place in found}


def _columns(sweep: SweepFile, titles: Mapping[str, str]) -> tuple[Column, ...]:
    places: list[tuple[str, tuple[str, ...]]] = [(title, (key,)) for key, title in titles.items()]
    if len(titles) > 1:
        places.append(("Avg", tuple(titles)))
    return tuple(
        Column(f"{title} {METRIC_TITLES[metric]}", metric, datasets)
        for title, datasets in places
        for metric in sweep.statistics.star_metrics
    )
