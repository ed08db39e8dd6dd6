"""Findings of a search: what it chose for each row, at what cost, and what a larger budget could change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.analysis.comparison import ChangedVerdict
from harness.analysis.inputs import SearchTrial
from harness.stats.t_tests import TTest
from harness.stats.tuning_curves import TuningCurve
from harness.trials.settings import CellKey


@dataclass(frozen=True)
class Gain:
    """Scores of a row on a dataset by one metric, with the settings of the sweep file and with the chosen ones.

    Attributes:
        untuned: Mean and standard deviation over seeds.
        tuned: Likewise.
        test: Paired t test of the difference.
    """

    untuned: tuple[float, float]
    tuned: tuple[float, float]
    test: TTest


@dataclass(frozen=True)
class TunedRow:
    """What was chosen for a row on a dataset.

    Attributes:
        key: Keys of the row and its dataset.
        title: Name of the row.
        dataset: Name of the dataset.
        searched_as: Name of the row that was searched, where that is another.
        number: Number of the chosen candidate, 0 for the settings of the sweep file; None until it is chosen.
        values: Its settings.
        at_border: Those of them that lie at the border of their space.
        num_trials: Trials of the search that ran.
        num_failed: How many of them failed.
        num_stopped: How many of them were stopped early.
        hours: What they took together.
        default_score: Validation score of the settings of the sweep file, in points; NaN where they failed.
        best_score: Validation score of the chosen ones.
        curve: Curve of the search's independent draws; None where there are too few, or draws depend on earlier ones.
        gains: By metric.
    """

    key: CellKey
    title: str
    dataset: str
    searched_as: str
    number: int | None
    values: Mapping[str, Any]
    at_border: tuple[str, ...]
    num_trials: int
    num_failed: int
    num_stopped: int
    hours: float
    default_score: float
    best_score: float
    curve: TuningCurve | None
    gains: Mapping[str, Gain]


@dataclass(frozen=True)
class Tuning:
    """What a search did.

    Attributes:
        trials: Every trial of the search that has ended.
        rows: One per searched row and dataset, in the order of the sweep file.
        changes: Verdicts that are others with the settings of the sweep file; `other` is with those.
        num_verdicts: Stars that can be had or not, and claims.
        sha256: Hash of what was chosen; empty until then.
        frozen: When, UTC, ISO 8601.
    """

    trials: tuple[SearchTrial, ...]
    rows: tuple[TunedRow, ...]
    changes: tuple[ChangedVerdict, ...]
    num_verdicts: int
    sha256: str
    frozen: str
