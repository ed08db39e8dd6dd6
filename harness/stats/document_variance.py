"""F1 from counts per document, its variance over documents, and its error over seeds and documents at once.

Seeds and documents are crossed: every run is tested on the same documents. A document is therefore resampled
once, for all runs together; fresh documents per seed would cover 80 to 90 % in place of 95 %.
Shapes: N documents, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from harness.core.metric_names import Headline as Metric
from harness.stats.distributions import Array
from harness.stats.estimate import MOST_DF, Estimate


@dataclass(frozen=True)
class Counts:
    """What F needs of one run's predictions.

    Attributes:
        right: Predicted and gold, (N, L), 0 or 1.
        size: Predicted plus gold, (N, L), 0 to 2.
    """

    right: sparse.csr_array
    size: sparse.csr_array

    @classmethod
    def of(cls, predicted: sparse.csr_array, gold: sparse.csr_array) -> "Counts":
        """Counts predicted against gold labels, both boolean and of shape (N, L)."""
        one, other = (sparse.csr_array(labels, dtype=np.int8) for labels in (predicted, gold))
        return cls(sparse.csr_array(one.multiply(other)), sparse.csr_array(one + other))


def by_metric(counts: Counts, metric: Metric) -> Counts:
    """Returns the counts whose mean F per column is the metric: for micro F all labels are one."""
    if metric == "macro_f1":
        return counts
    return Counts(*(sparse.csr_array(part.sum(1, dtype=np.int32)[:, None]) for part in (counts.right, counts.size)))


def mean_f(right: Array, size: Array) -> Array:
    """Returns the mean over the last axis of 2 right / size, in points; 0 where a label has neither."""
    return 100 * f_share(right, size).mean(-1)


def f_share(right: Array, size: Array) -> Array:
    """Returns 2 right / size; 0 where a label has neither."""
    share: Array = np.divide(2 * right, size, out=np.zeros(np.shape(size)), where=size > 0)
    return share


def score(counts: Counts, metric: Metric) -> float:
    """Returns F in points, over all labels: scikit-learn's with `zero_division=0`."""
    return float(mean_f(*sums(by_metric(counts, metric))))


def sums(counts: Counts) -> tuple[Array, Array]:
    """Returns `right` and `size` summed over documents, (L,) each."""
    return counts.right.sum(0, dtype=float), counts.size.sum(0, dtype=float)


def influence(counts: Counts, metric: Metric) -> Array:
    """Returns each document's influence on F, in points, with mean 0: (N,).

    psi_i = N / L sum_l (2 right_il - F_l size_il) / size_l, which for micro F has one label.

    Source:
        The delta method; Hampel 1974, The influence curve and its role in robust estimation.
    """
    chosen = by_metric(counts, metric)
    right_L, size_L = sums(chosen)
    per_size_L = np.divide(1.0, size_L, out=np.zeros_like(size_L), where=size_L > 0)
    num_documents, num_labels = chosen.right.shape
    psi_N = chosen.right @ (2 * per_size_L) - chosen.size @ (2 * right_L * per_size_L**2)
    return 100 * num_documents / num_labels * psi_N


def variance_of_mean(psi_N: Array) -> float:
    """Returns the variance over documents of the estimate whose influences these are."""
    return float(psi_N.var(ddof=1) / psi_N.size) if psi_N.size > 1 else 0.0


def crossed(differences: Sequence[Array], variances: Sequence[float], weights: Sequence[float] = ()) -> Estimate:
    """Returns a mean difference with the error of seeds and of documents.

    V = sum_k w_k^2 (s_k^2 / n_k + V_k), df = V^2 / sum_k (w_k^2 s_k^2 / n_k)^2 / (n_k - 1), at most 1e6. The
    interaction of seeds and documents is counted once too often, since s_k^2 has it already: taking an estimate
    of it off can go below 0, so the interval is slightly conservative instead. Few seeds have few degrees of freedom,
    and documents add many, so that the interval can be narrower than that over seeds alone: see `Estimate.guarded`.

    Args:
        differences: Differences over seeds in each of K strata, at least two each; or other independent samples.
        variances: Variance over documents of each stratum's mean difference, seeds fixed.
        weights: Weight of each stratum, or sample; 1 / K by default.

    Source:
        Satterthwaite 1946; Owen 2007, The pigeonhole bootstrap, for the crossed design.
    """
    w_K = np.asarray(weights or [1 / len(differences)] * len(differences))
    seed_K = w_K**2 * [values.var(ddof=1) / values.size for values in differences]
    total = float(np.sum(seed_K + w_K**2 * np.asarray(variances)))
    parts = float(np.sum(seed_K**2 / [values.size - 1 for values in differences]))
    df = min(MOST_DF, total**2 / parts) if parts else MOST_DF
    return Estimate(float(w_K @ [values.mean() for values in differences]), total**0.5, df)
