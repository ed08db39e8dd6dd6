"""Probability that a variant scores above its base on a new run of each and new test documents, with its interval."""

import math
from collections.abc import Sequence

import numpy as np

from harness.stats.distributions import Array, noncentrality, normal_sf
from harness.stats.effect_sizes import ProbabilityBetter
from harness.stats.estimate import MOST_DF


def p_new_better(
    differences: Sequence[Array], variances: Sequence[float], weights: Sequence[float] = ()
) -> ProbabilityBetter:
    """Estimates P(difference > 0) for one new run of each arm, on a new draw of as many test documents.

    The new difference is taken as normal around the true one, with the variance of a single run and of the documents:
    S = sum_k w_k^2 (s_k^2 + V_k), against the error E = sum_k w_k^2 (s_k^2 / n_k + V_k) of the mean difference. With
    the standardised difference g = mean / sqrt(S), the probability is Phi(g). Mean / sqrt(E) is noncentral t around the
    true g x sqrt(S / E), with df = S^2 / sum_k (w_k^2 s_k^2)^2 / (n_k - 1), at most 1e6, and its inversion gives the
    ends. For one sample without documents this is exact: sqrt(n) g on n - 1 degrees of freedom. With documents it takes
    V as known; it covered the truth in .93 to .98 of simulated studies of 5 and of 10 seeds. The interaction of seeds
    and documents counts once too often, as in `crossed`, so that the probability lies slightly nearer to .5 than it is.

    Args:
        differences: What `crossed` takes: differences over seeds in each of K strata, or other independent samples.
        variances: Variance over documents of each stratum's mean difference; zeros for the fixed test documents.
        weights: Weight of each stratum, or sample; 1 / K by default.

    Source:
        Hedges & Olkin 1985, Statistical methods for meta-analysis, chapter 5, for the interval of g; Satterthwaite 1946
        for df; McGraw & Wong 1992, A common language effect size statistic, for Phi(g).
    """
    sizes = [values.size for values in differences]
    if not sizes or min(sizes) < 2:
        return ProbabilityBetter()
    w_K = np.asarray(weights or [1 / len(differences)] * len(differences))
    run_K = w_K**2 * [values.var(ddof=1) for values in differences]
    documents = float(np.sum(w_K**2 * np.asarray(variances)))
    spread, error = float(np.sum(run_K)) + documents, float(np.sum(run_K / sizes)) + documents
    if not error > 0:
        return ProbabilityBetter()
    parts = float(np.sum(run_K**2 / (np.asarray(sizes) - 1)))
    df = min(MOST_DF, spread**2 / parts) if parts else MOST_DF
    mean = float(w_K @ [values.mean() for values in differences])
    per_error = math.sqrt(error / spread)
    ends = (per_error * noncentrality(mean / math.sqrt(error), df, share) for share in (0.025, 0.975))
    return ProbabilityBetter(*(normal_sf(-g) for g in (mean / math.sqrt(spread), *ends)))
