"""Published scores against ours: prediction interval of a further run, and comparison with a published mean."""

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
    """Interval in which a published number, rounded as it is, would lie if it were of the same system.

    Attributes:
        agreement: `≈`, the published number lies inside; `>`, ours is higher; `<`, ours is lower;
            `uninformative`, it lies inside, which fewer than 3 seeds or a half-width above 2 points make easy;
            `degenerate`, no spread over seeds; `n/a`, fewer than 2 seeds; `not comparable`, set by a caller who knows
            that the published run is one of something else; empty where nothing is published.
        half_width: Half the width of the 95 % interval around our mean, in points.
        p: Two-sided p of the published number, without the rounding.
    """

    agreement: Agreement
    half_width: float = math.nan
    p: float = math.nan


NOT_COMPARABLE = Prediction("not comparable")

ROUNDING = 0.005
"""Most that a published score is off."""
WIDEST = 2.0
"""Half-width in points beyond which an interval says nothing about a published score."""


@dataclass(frozen=True)
class PublishedNumber:
    """A published score, an average over datasets, or a difference of two.

    Attributes:
        value: In points.
        spreads: Standard deviation and number of runs of every mean in it; empty where one has no standard deviation.
        runs: Number of runs behind it, the fewest where there are several.
        num_strata: Number K of datasets that it is an average over.
        runs_are_stated: Whether the literature tells the number of runs; else it is the fewest that there can be.
    """

    value: float
    spreads: tuple[tuple[float, int], ...] = ()
    runs: int = 1
    num_strata: int = 1
    runs_are_stated: bool = True

    @property
    def sd(self) -> float | None:
        """Standard deviation over runs, sqrt(sum of variances) / K; None where one is not known."""
        return math.sqrt(sum(sd**2 for sd, _ in self.spreads)) / self.num_strata if self.spreads else None

    def minus(self, other: "PublishedNumber") -> "PublishedNumber":
        """Returns the difference from another."""
        spreads = self.spreads + other.spreads if self.spreads and other.spreads else ()
        value, runs = round(self.value - other.value, 10), min(self.runs, other.runs)
        return PublishedNumber(value, spreads, runs, self.num_strata, self.runs_are_stated and other.runs_are_stated)


def against_published(
    samples: Sequence[Sequence[float] | Array], published: PublishedNumber, num_strata: int, documents: float = 0.0
) -> Estimate:
    """Returns how far our mean lies above a published number, with the error of both.

    The squared error is that of our means, sum_k s_k^2 / n_k / K^2, and that of the published number. Of a mean over m
    runs with a standard deviation sd it is sd^2 / m, which makes this Welch's comparison. Of a single run, or of a mean
    of m runs whose sd is not stated, it is what as many runs of ours would have, s_k^2 / m: for m = 1 the error of a
    prediction. Degrees of freedom are Satterthwaite's. On other test documents the number differs by those too: V_k of
    the sample of theirs and V_k of ours are added to each stratum's squared error.

    Args:
        samples: Independent samples over seeds whose means add up to the sum over strata; two values each, and some of
            them vary.
        published: Published score, or difference.
        num_strata: Number K of strata.
        documents: Variance of the mean over documents, summed over the strata where the published runs were tested on
            others than ours.

    Source:
        Welch 1947; Spence & Stanley 2016, Prediction interval: what to expect when you're expecting a replication.
    """
    further = 0.0 if published.spreads else 1 / published.runs
    variances = [float(np.var(values, ddof=1)) * (1 / len(values) + further) for values in samples]
    variances += [sd**2 / runs for sd, runs in published.spreads]
    sizes = [*map(len, samples), *(runs for _, runs in published.spreads)]
    error, df = satterthwaite(variances, sizes, 2 * documents)
    mean = sum(float(np.mean(values)) for values in samples) / num_strata
    return Estimate(mean - published.value, len(variances) / num_strata * error, df)


def prediction(
    samples: Sequence[Sequence[float] | Array],
    published: PublishedNumber | float,
    rounding: float = ROUNDING,
    num_strata: int | None = None,
    documents: float = 0.0,
) -> Prediction:
    """Judges a published number by the 95 % interval around our mean.

    mean +- (t_{.975, df} x error + rounding), with the error of `against_published`: for a single published run
    s x sqrt(1 + 1/n), df = n - 1. A difference is judged in the same way, by its differences over paired seeds or by
    its two arms; of two rounded scores it is rounded by .01.

    Args:
        samples: Independent samples over seeds whose means add up to the sum over strata.
        published: Published score, or difference; a bare number is a single run's.
        rounding: Most that the published number is off.
        num_strata: Number K of strata; by default that of samples.
        documents: As in `against_published`.
    """
    mean, sd = mean_and_sd(samples)
    if math.isnan(sd):
        return Prediction("n/a")
    if sd <= TINY * max(1.0, abs(mean)):
        return Prediction("degenerate")
    number = published if isinstance(published, PublishedNumber) else PublishedNumber(published)
    found = against_published(samples, number, num_strata or len(samples), documents)
    half_width = (found.interval()[1] - found.value) + rounding
    agreement: Agreement = "≈" if abs(found.value) <= half_width else ">" if found.value > 0 else "<"
    if agreement == "≈" and (min(map(len, samples)) < 3 or half_width > WIDEST):
        agreement = "uninformative"
    return Prediction(agreement, half_width, found.p_two_sided())
