"""Test documents of one dataset under every run: variance over documents, approximate randomisation."""

from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.core.resampling import Resampling
from harness.stats.distributions import Array
from harness.stats.document_variance import Counts, Metric, f_share, influence, score, sums, variance_of_mean
from harness.stats.resampling import bootstrap, randomisation, seed_of

Run = TypeVar("Run", bound=Hashable)


class DocumentSample(Generic[Run]):
    """What documents contribute to the error of linear combinations of runs.

    The variance over documents is that of the influence function for micro F, and that of a bootstrap whose draws
    all runs share for macro F, which rare labels take out of the reach of the delta method.

    Args:
        name: Name of the dataset; its bootstrap depends on it.
        runs: Counts of each run by metric, as each metric has its own best epoch.
        support_L: Documents with each label.
        how: Numbers of resamples, and their seed.
        constant: Runs, by metric, that predict one and the same set of labels for every document.
    """

    def __init__(
        self,
        name: str,
        runs: Mapping[Run, Mapping[Metric, Counts]],
        labels: Sequence[str],
        support_L: NDArray[np.int64],
        how: Resampling,
        constant: Container[tuple[Run, Metric]] = (),
    ):
        self.name = name
        self.labels = tuple(labels)
        self.support_L = support_L
        self._runs = runs
        self.how = how
        self._constant = constant
        self._influence = {run: influence(counts["micro_f1"], "micro_f1") for run, counts in runs.items()}
        macro = [counts["macro_f1"] for counts in runs.values()]
        drawn = bootstrap(macro, "macro_f1", seed_of(how.root, name), how.draws) if macro else ()
        self._resampled = dict(zip(runs, drawn, strict=True))

    @property
    def num_documents(self) -> int:
        """Number of documents; 0 where no run is known."""
        return next((counts["macro_f1"].right.shape[0] for counts in self._runs.values()), 0)

    def has(self, runs: Sequence[Run]) -> bool:
        """Returns whether the predictions of all these runs are known."""
        return all(run in self._runs for run in runs)

    def is_constant(self, run: Run, metric: Metric) -> bool:
        """Returns whether a run predicts the same for every document."""
        return (run, metric) in self._constant

    def score(self, run: Run, metric: Metric) -> float:
        """Returns F in points, from the predictions."""
        return score(self._runs[run][metric], metric)

    def variance(self, metric: Metric, weights: Mapping[Run, float]) -> float:
        """Returns the variance over documents of a weighted sum of runs.

        The runs stay as they are: documents are resampled, the same ones for all.
        """
        of_runs = self._influence if metric == "micro_f1" else self._resampled
        total = sum((weight * of_runs[run] for run, weight in weights.items()), np.zeros(1))
        return variance_of_mean(total) if metric == "micro_f1" else float(total.var(ddof=1))

    def p_swap(self, metric: Metric, key: str, pairs: Sequence[tuple[Run, Run]], confirms: bool = False) -> float:
        """Returns the p of approximate randomisation over some pairs of runs, all swapped together.

        Args:
            metric: Metric to compare.
            key: Name of the comparison, on which the swaps depend.
            pairs: Variant and base of each seed.
            confirms: Whether this p fills a star, and so takes more swaps.
        """
        counts = [(self._runs[one][metric], self._runs[other][metric]) for one, other in pairs]
        num_swaps = self.how.confirming if confirms else self.how.swaps
        return randomisation(counts, metric, seed_of(self.how.root, f"{self.name}/{key}/{metric}"), num_swaps)

    def per_label(self, runs: Sequence[Run]) -> Array:
        """Returns the mean over runs of each label's F in points, (L,)."""
        return np.mean([100 * f_share(*sums(self._runs[run]["macro_f1"])) for run in runs], axis=0)
