"""Findings of a search: gains paired by seed, borders, curves of the draws alone, verdicts that hang on tuning."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from harness.analysis.inputs import SearchInputs, SearchTrial, TrialResult
from harness.analysis.summarise import find
from harness.analysis.tuned import Tuning
from harness.config.schema import SweepFile
from harness.trials.settings import CellKey
from tests.harness.fake_sweep import facts, results, sweep

SEARCH: dict[str, Any] = {
    "trials": 5,
    "space": {"trainer.head_lr": {"log_uniform": (1e-4, 1e-1)}, "trainer.epochs": {"int": (1, 9)}},
}
VALUES = [(1e-2, 5), (1.2e-4, 5), (1e-3, 9), (3e-3, 5), (5e-2, 5)]


def searched(**changes: Any) -> SweepFile:
    return sweep(
        **{
            "models": {"hitin": {"label": "HiTIN"}},
            "merges": ("none", "projection"),
            "datasets": {"wos": {"label": "WOS"}},
            "seeds": (1, 2, 3, 4, 5),
            "published": None,
            "search": SEARCH,
            **changes,
        }
    )


def scored(sweep_file: SweepFile, gain: Mapping[str, float]) -> list[TrialResult]:
    """Returns scores of 80 by the seed's own luck, and what each merge gains."""
    return results(
        sweep_file, lambda model, merge, dataset, seed, metric: 80 + 0.1 * (seed * 7 % 5) + gain.get(merge, 0.0)
    )


def found(sweep_file: SweepFile, scores: list[float | None], chosen: int | None = 3, **changes: Any) -> Tuning:
    """Returns the findings of a search of the base row, by the validation scores of its candidates."""
    rows = [CellKey("hitin", merge, "wos") for merge in ("none", "projection")]
    values = [{"trainer.epochs": epochs, "trainer.head_lr": rate} for rate, epochs in VALUES]
    trials = [
        SearchTrial(rows[0], number, 1000, values[number], score, 0.0 if score is None else 360.0, f"k{number}")
        for number, score in enumerate(scores)
    ]
    inputs = SearchInputs(
        trials,
        {rows[0]: rows[0], rows[1]: rows[0]},
        {} if chosen is None else {rows[0]: (chosen, values[chosen])},
        lambda: (scored(sweep_file, changes.get("untuned", {})), {}),
        "f" * 64,
        "2026-01-01T00:00:00+00:00",
    )
    tuned = scored(sweep_file, changes.get("tuned", {"none": 2.0, "projection": 2.0}))
    tuning = find(sweep_file, tuned, facts(sweep_file), search=inputs).tuning
    assert tuning
    return tuning


def test_gains_are_paired_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    base, other = found(searched(), [70.0, 60.0, 71.0, 74.0, 20.0]).rows
    gain = base.gains["micro_f1"]
    assert gain.test.difference == pytest.approx(2.0) and gain.test.num_pairs == (5,)
    assert gain.tuned[0] - gain.untuned[0] == pytest.approx(2.0) and gain.tuned[1] == pytest.approx(gain.untuned[1])
    assert (base.default_score, base.best_score, base.num_trials, base.hours) == (70.0, 74.0, 5, 0.5)
    assert (base.searched_as, other.searched_as) == ("", "HiTIN"), "the other row takes what was chosen for the base"
    assert other.values == base.values


@pytest.mark.parametrize(
    ("chosen", "border"), [(1, ("trainer.head_lr",)), (2, ("trainer.epochs",)), (3, ()), (4, ()), (0, ())]
)
def test_a_choice_at_the_border_of_its_space_is_named(chosen: int, border: tuple[str, ...]) -> None:
    assert found(searched(), [70.0, 60.0, 71.0, 74.0, 20.0], chosen).rows[0].at_border == border


def test_the_curve_is_of_the_draws_and_failures_are_the_worst() -> None:
    row = found(searched(), [99.0, 60.0, None, 74.0, 20.0]).rows[0]
    assert row.curve and row.num_failed == 1
    assert row.curve.median[-1] == 74.0, "the settings of the file are no draw"
    assert row.curve.low[0] == 0.0
    ordered = found(searched(search={**SEARCH, "searcher": "optuna"}), [99.0, 60.0, None, 74.0, 20.0]).rows[0]
    assert ordered.curve is None, "proposals depend on earlier scores"


def test_verdicts_that_hang_on_tuning_are_told() -> None:
    tuning = found(searched(), [70.0, 60.0, 71.0, 74.0, 20.0], tuned={"projection": 1.5}, untuned={"projection": -1.5})
    assert [one.subject for one in tuning.changes] == [
        "HiTIN+MTL (projection), WOS micro",
        "HiTIN+MTL (projection), WOS macro",
    ] or not tuning.changes
    assert tuning.num_verdicts == 2


def test_before_anything_is_chosen_there_are_no_gains() -> None:
    row = found(searched(), [70.0, None], chosen=None).rows[0]
    assert (row.number, row.gains, row.num_trials) == (None, {}, 2) and math.isnan(row.best_score)
