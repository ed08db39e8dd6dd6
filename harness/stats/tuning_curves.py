"""Tuning curves: the best validation score to expect of a search, by the number of its trials, with exact bands.

The curve is the median of the best of k independent draws. Its band holds for all k at once: it inverts the
Kolmogorov-Smirnov test, which needs no simulation and is exact for any continuous distribution of scores. Where draws
tie, such as at 0, the band holds more often than it says.

Source:
    Lourie, He and Cho 2023, Show your work with confidence: confidence bands for tuning curves (arXiv 2311.09480),
    whose package `opda` this is. The estimator of Dodge et al. 2019 is biased (Tang et al. 2020).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 2
"""Number of draws below which there is no curve."""


@dataclass(frozen=True)
class TuningCurve:
    """Median best score of k draws, and its band, for k from 1 to the number of draws.

    Attributes:
        median: By k - 1, in points.
        low: Lower end of the band.
        high: Upper end of the band; 100 where the draws cannot say.
    """

    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def tuning_curve(scores: Sequence[float], level: float = 0.95) -> TuningCurve | None:
    """Returns the tuning curve of independent draws; None below two.

    Args:
        scores: Validation score of each draw, from 0 to 100; of one that failed, 0.
        level: Confidence of the whole band.
    """
    if len(scores) < LEAST:
        return None
    from opda.nonparametric import EmpiricalDistribution  # Only where something was searched.

    values = np.array(scores)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # It warns of ties.
        low, middle, high = EmpiricalDistribution.confidence_bands(values, level, a=0.0, b=100.0, method="ks")
    k = np.arange(1, len(scores) + 1)
    # The lower a distribution function, the higher its draws.
    ends = (distribution.quantile_tuning_curve(k) for distribution in (middle, high, low))
    return TuningCurve(*(tuple(map(float, end)) for end in ends))
