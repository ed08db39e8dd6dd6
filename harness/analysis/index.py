"""What trials answered, looked up by row, column and seed: the one reader of outcomes."""

import math
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.findings import Column
from harness.analysis.inputs import Facts, TrialResult
from harness.analysis.marks import RECONSTRUCTED
from harness.config.schema import SweepFile
from harness.stats.document_sample import DocumentSample
from harness.stats.t_tests import Scores, Stratum, TTest, as_arms, as_pairs, same_origin, t_test

METRIC_TITLES = {"micro_f1": "micro", "macro_f1": "macro"}
RunKey = tuple[str, str, int]
"""Model, merge, seed."""
Samples = Mapping[str, DocumentSample[RunKey]]
"""Dataset to its test documents under every run whose predictions are known."""


class ResultsIndex:
    """Answers of trials by row and column.

    Args:
        sweep: The plan.
        results: Finished and failed trials, in any order.
        facts: Names the datasets.
        samples: Predictions, where they are known.

    Raises:
        ValueError: On two outcomes for one trial, or one that is not of the sweep.
    """

    def __init__(self, sweep: SweepFile, results: Sequence[TrialResult], facts: Facts, samples: Samples):
        self.sweep = sweep
        self.samples = samples
        known = facts.dataset_facts
        self.titles = {
            key: entry.label or (known[key].title if key in known else key) for key, entry in sweep.datasets.items()
        }
        self.columns = _columns(sweep, self.titles)
        self.results = self._index(results)
        # With an empty place for each seed, under which runs pair up wherever they were made.
        self._made = sorted({(one.seed, made) for one in self.results.values() for made in ("", one.made_on)})
        self._code = {key: code for code, key in enumerate(self._made)}

    def _index(self, results: Sequence[TrialResult]) -> dict[tuple[str, str, str, int], TrialResult]:
        planned = {
            (model, merge, dataset, seed)
            for model, merge in self.sweep.rows
            for dataset in self.sweep.datasets
            for seed in self.sweep.seeds
        }
        found: dict[tuple[str, str, str, int], TrialResult] = {}
        for result in results:
            place = (result.model, result.merge, result.dataset, result.seed)
            if place not in planned or place in found:
                problem = "has two outcomes" if place in found else "is not part of the sweep"
                raise ValueError(f"{self.sweep.name}: trial {'/'.join(map(str, place))} ({result.key}) {problem}.")
            found[place] = result
        return found

    def cell_results(self, model: str, merge: str, dataset: str) -> list[TrialResult]:
        """Returns the outcomes of a cell, by rising seed."""
        found = (self.results.get((model, merge, dataset, seed)) for seed in sorted(self.sweep.seeds))
        return [result for result in found if result is not None]

    def scores(self, model: str, merge: str, column: Column) -> list[dict[int, float]]:
        """Returns finite scores by seed, one mapping per dataset of the column."""
        return [
            {
                one.seed: one.scores[column.metric]
                for one in self.cell_results(model, merge, dataset)
                if one.scores is not None and math.isfinite(one.scores.get(column.metric, math.nan))
            }
            for dataset in column.datasets
        ]

    def one_seed(self, model: str, merge: str, column: Column) -> bool:
        """Returns whether, on some dataset of the column, different seeds made no difference.

        That some of the seeds predict the same is no sign of it: runs that collapse do so alike.
        """
        for dataset, scores in zip(column.datasets, self.scores(model, merge, column), strict=True):
            if len(scores) < 2:
                continue
            digests = {one.predictions_sha256 for one in self.cell_results(model, merge, dataset) if one.seed in scores}
            spread = max(scores.values()) - min(scores.values())
            if spread <= 1e-9 or (len(digests) == 1 and None not in digests):
                return True
        return False

    def published(self, model: str, merge: str, column: Column) -> float | None:
        """Returns the published score; of an average, the mean rounded as the literature prints it."""
        if self.sweep.published is None:
            return None
        row = self.sweep.published.scores.get(f"{model}/{merge}", {})
        scores = [row.get(dataset, {}).get(column.metric) for dataset in column.datasets]
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            return None
        return known[0] if len(known) == 1 else round(sum(known) / len(known), 2)

    def model_title(self, model: str) -> str:
        """Returns the name of a model."""
        sign = RECONSTRUCTED if self.sweep.reconstruction_of(model) else ""
        return (self.sweep.models[model].label or model) + sign

    def title(self, model: str, merge: str) -> str:
        """Returns the name of a row."""
        label = self.model_title(model)
        return label if merge == "none" else f"{label}+MTL ({merge})"

    # Arms. A run's code stands for its seed and for what it was made on, so that only runs alike in both pair up.

    def coded(self, model: str, merge: str, values: Mapping[int, float], dataset: str, mixed: bool) -> dict[int, float]:
        """Returns values by code in place of seed; mixed ones pair up wherever they were made."""
        made_on = {one.seed: "" if mixed else one.made_on for one in self.cell_results(model, merge, dataset)}
        return {self._code[seed, made_on[seed]]: value for seed, value in values.items()}

    def coded_scores(self, model: str, merge: str, column: Column) -> list[dict[int, float]]:
        """Returns scores by code, one mapping per dataset."""
        scores = zip(column.datasets, self.scores(model, merge, column), strict=True)
        mixed = self.sweep.statistics.allow_mixed
        return [self.coded(model, merge, values, dataset, mixed) for dataset, values in scores]

    def join(self, variant: Scores, base: Scores) -> Stratum:
        """Puts two coded arms together, paired or as wholes, as the sweep file says."""
        return as_pairs(variant, base) if self.sweep.statistics.paired else as_arms(variant, base, self._made_on)

    def shared(self, arms: Sequence[Scores]) -> list[dict[int, float]]:
        """Returns of several coded arms the runs that can be compared: of seeds that all have, or made alike."""
        if not self.sweep.statistics.paired:
            return same_origin(arms, self._made_on)
        codes = sorted(set(arms[0]).intersection(*arms[1:]))
        return [{code: arm[code] for code in codes} for arm in arms]

    def strata(self, model: str, merge: str, base: str, column: Column) -> list[Stratum]:
        """Returns two arms put together, one stratum per dataset."""
        arms = (self.coded_scores(model, arm, column) for arm in (merge, base))
        return [self.join(*both) for both in zip(*arms, strict=True)]

    def _made_on(self, code: int) -> str:
        return self._made[code][1]

    def seeds(self, codes: Iterable[int]) -> list[int]:
        """Returns the seeds that codes stand for."""
        return [self._made[code][0] for code in codes]

    def time_test(self, model: str, merge: str, dataset: str, to_best: bool = False) -> TTest:
        """Tests the mean of log(time / time of the base), per epoch or to the best epoch.

        Times of different commits or hardware are never compared: `allow_mixed` is about scores.
        """
        arms = []
        for arm in (merge, self.sweep.statistics.base):
            found = [one for one in self.cell_results(model, arm, dataset) if one.scores is not None and one.seconds]
            logs = {
                one.seed: math.log((one.seconds or 0.0) / one.num_epochs * (one.best_epoch if to_best else 1))
                for one in found
            }
            arms.append(self.coded(model, arm, logs, dataset, mixed=False))
        return t_test([self.join(*arms)])


def _columns(sweep: SweepFile, labels: Mapping[str, str]) -> tuple[Column, ...]:
    places: list[tuple[str, tuple[str, ...]]] = [(label, (key,)) for key, label in labels.items()]
    if len(labels) > 1:
        places.append(("Avg", tuple(labels)))
    return tuple(
        Column(f"{label} {METRIC_TITLES[metric]}", metric, datasets)
        for label, datasets in places
        for metric in sweep.statistics.star_metrics
    )
