"""Prediction interval: whether a published score could be a further run of ours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.stats.distributions import Array
from harness.stats.estimate import Estimate, satterthwaite
from harness.stats.t_tests import TINY, mean_and_sd

Agreement = Literal["≈", ">", "<", "uninformative", "degenerate", "n/a", "not comparable", ""]
JUDGED: tuple[Agreement, ...] = ("≈", ">", "<")
"""Agreements that are a judgement."""


@dataclass(frozen=True)
class Prediction:
    """Interval in which a further single run, rounded as published, would lie.

    Attributes:
        agreement: `≈`, the published number lies inside; `>`, ours is higher; `<`, ours is lower;
            `uninformative`, it lies inside, which fewer than 3 seeds or a half-width above 2 points make easy;
            `degenerate`, no spread over seeds; `n/a`, fewer than 2 seeds; `not comparable`, set by a caller who knows
            that the published run is one of something else; empty where nothing is published.
        half_width: Half the width of the 95 % interval around our mean, in points.
        p: Two-sided p of the published number as a further run, without the rounding.
    """

    agreement: Agreement
    half_width: float = math.nan
    p: float = math.nan


NOT_COMPARABLE = Prediction("not comparable")

ROUNDING = 0.005
"""Most that a published score is off."""
WIDEST = 2.0
"""Half-width in points beyond which an interval says nothing about a published score."""


def prediction(
    samples: Sequence[Sequence[float] | Array],
    published: float,
    rounding: float = ROUNDING,
    num_strata: int | None = None,
    documents: float = 0.0,
) -> Prediction:
    """Judges a published single run by the 95 % prediction interval of ours.

    mean +- (t_{.975, df} x s x sqrt(1 + 1/n) + rounding), df = n - 1. For an average of K strata the
    squared error is sum_k s_k^2 (1 + 1/n_k) / K^2, with Satterthwaite's degrees of freedom. A difference is judged in
    the same way, by its differences over paired seeds or by its two arms; of two rounded scores it is rounded by .01.
    A published run on other test documents differs by those too: V_k of the sample of theirs and V_k of ours are
    added to each stratum's squared error.

    Args:
        samples: Independent samples over seeds whose means add up to the sum over strata.
        published: Published score, or difference.
        rounding: Most that the published number is off.
        num_strata: Number K of strata; by default that of samples.
        documents: Variance of the mean over documents, summed over the strata where the published run was tested on
            others than ours.

    Source:
        Spence & Stanley 2016, Prediction interval: what to expect when you're expecting a replication.
    """
    scale = len(samples) / (num_strata or len(samples))
    mean, sd = (scale * value for value in mean_and_sd(samples))
    if math.isnan(sd):
        return Prediction("n/a")
    if sd <= TINY * max(1.0, abs(mean)):
        return Prediction("degenerate")
    variances = [float(np.var(values, ddof=1)) * (1 + 1 / len(values)) for values in samples]
    sizes = [len(values) for values in samples]
    error, df = satterthwaite(variances, sizes, 2 * documents)
    run = Estimate(mean - published, scale * error, df)
    half_width = (run.interval()[1] - run.value) + rounding
    agreement: Agreement = "≈" if abs(run.value) <= half_width else ">" if run.value > 0 else "<"
    if agreement == "≈" and (min(sizes) < 3 or half_width > WIDEST):
        agreement = "uninformative"
    return Prediction(agreement, half_width, 2 * min(run.p_above(), run.p_below()))
