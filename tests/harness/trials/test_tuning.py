"""Candidates of a search: their draws, their settings, and how often the best is near the optimum."""

from math import log10
from typing import Any

import numpy as np
import pytest

from harness.config.load import load
from harness.config.schema import SweepFile
from harness.trials.settings import CellKey, TrainedSettings, TrialSettings, expand
from harness.trials.tuning import Candidate, candidates, owner, values_of, with_values
from tests.conftest import SweepWriter

SPACE = {
    "trainer.head_lr": {"log_uniform": [1e-4, 1e0]},
    "trainer.warmup": {"uniform": [0.0, 0.5]},
    "trainer.epochs": {"int": [1, 4]},
    "encoder.width": {"choice": [8, 16, 32]},
}


def drawn(sweep: SweepFile, merge: str = "none", model: str = "flat") -> list[Candidate]:
    cell = CellKey(model, merge, "synthetic")
    return candidates(sweep, cell, first(sweep, cell))


def first(sweep: SweepFile, cell: CellKey) -> TrialSettings:
    return next(one for one in expand(sweep) if one.cell == cell)


def searching(write_sweep: SweepWriter, trials: int = 16, **changes: Any) -> SweepFile:
    return load(write_sweep(search={"space": SPACE, "trials": trials, **changes}))


def test_draws_follow_their_laws(write_sweep: SweepWriter) -> None:
    found = [one.values for one in drawn(searching(write_sweep, 2001))[1:]]
    rates = np.array([log10(one["trainer.head_lr"]) for one in found])
    warmups = np.array([one["trainer.warmup"] for one in found])
    assert np.allclose(np.quantile(rates, [0.25, 0.5, 0.75]), [-3, -2, -1], atol=0.15)
    assert np.allclose(np.quantile(warmups, [0.25, 0.5, 0.75]), [0.125, 0.25, 0.375], atol=0.02)
    for name, values in (("trainer.epochs", [1, 2, 3, 4]), ("encoder.width", [8, 16, 32])):
        counts = np.unique([one[name] for one in found], return_counts=True)
        assert counts[0].tolist() == values and np.allclose(counts[1] * len(values) / 2000, 1, atol=0.15)
    assert all(1e-4 <= one["trainer.head_lr"] <= 1 and 0 <= one["trainer.warmup"] <= 0.5 for one in found)
    assert all(float(f"{one['trainer.head_lr']:.4g}") == one["trainer.head_lr"] for one in found)


def test_the_first_candidate_has_the_settings_of_the_sweep_file(write_sweep: SweepWriter) -> None:
    sweep = searching(write_sweep)
    default = drawn(sweep)[0]
    untuned = first(sweep, CellKey("flat", "none", "synthetic"))
    assert default.settings == untuned.model_copy(update={"seed": 1000})
    assert default.values == {
        "encoder.width": 8, "trainer.epochs": 2, "trainer.head_lr": 0.01, "trainer.warmup": 0.1
    }  # fmt: skip


def test_a_candidate_differs_in_what_was_drawn_and_in_nothing_else(write_sweep: SweepWriter) -> None:
    one = drawn(searching(write_sweep))[5]
    assert isinstance(one.settings, TrainedSettings)
    assert values_of(one.settings, SPACE) == one.values
    back = with_values(one.settings, drawn(searching(write_sweep))[0].values)
    assert back == drawn(searching(write_sweep))[0].settings


def test_options_of_a_system_are_searched_as_those_of_a_model(write_sweep: SweepWriter) -> None:
    models = {"flat": {}, "nearest": {"search": {"space": {"options.neighbours": {"int": [3, 9]}}}}}
    sweep = load(write_sweep(search={"space": SPACE}, models=models))
    found = drawn(sweep, model="nearest")[1:]
    assert {one.settings.system_options["neighbours"] for one in found} <= set(range(3, 10))  # type: ignore[attr-defined]
    assert len({one.values["options.neighbours"] for one in found}) > 3


def test_more_trials_are_more_draws_and_not_others(write_sweep: SweepWriter) -> None:
    assert drawn(searching(write_sweep, 40))[:16] == drawn(searching(write_sweep, 16))


def test_rows_draw_independently_and_seeds_are_taken_in_turn(write_sweep: SweepWriter) -> None:
    sweep = searching(write_sweep, seeds=[50, 60, 70])
    one, other = drawn(sweep), drawn(sweep, "projection")
    assert all(a.values != b.values for a, b in zip(one[1:], other[1:], strict=True))
    assert [candidate.settings.seed for candidate in one[:5]] == [50, 60, 70, 50, 60]


def test_a_shared_search_is_that_of_the_base_merge(write_sweep: SweepWriter) -> None:
    sweep = searching(write_sweep, shared_by="model")
    assert owner(sweep, CellKey("flat", "projection", "synthetic")) == CellKey("flat", "none", "synthetic")
    alone = searching(write_sweep)
    assert owner(alone, CellKey("flat", "projection", "synthetic")) == CellKey("flat", "projection", "synthetic")


@pytest.mark.parametrize(("volume", "budget"), [(0.01, 200), (0.05, 20)])
def test_the_best_candidate_is_near_the_optimum_as_often_as_theory_says(
    write_sweep: SweepWriter, volume: float, budget: int
) -> None:
    """On a planted response surface the best of k draws is in a region of share v with probability 1 - (1 - v)^k."""
    repetitions, hits, sweep = 400, 0, searching(write_sweep, budget + 1)
    assert sweep.search
    half = volume**0.5 / 2  # The neighbourhood: a square of this half side around the optimum, in the unit square.
    for seed in range(repetitions):
        own = sweep.search.model_copy(update={"seeds": (seed + 100,)})
        found = drawn(sweep.model_copy(update={"search": own}))[1:]
        rates = [(log10(one.values["trainer.head_lr"]) + 4) / 4 for one in found]
        places = np.array([rates, [one.values["trainer.warmup"] / 0.5 for one in found]]).T
        distances = np.abs(places - 0.5).max(axis=1)  # The response falls with the distance from the optimum.
        hits += distances.min() <= half + 1e-9
    expected = 1 - (1 - volume) ** budget
    assert abs(hits / repetitions - expected) < 3.5 * (expected * (1 - expected) / repetitions) ** 0.5
