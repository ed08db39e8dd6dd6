"""Cost of a search and of the seeds, and budgets that are refused before anything starts."""

import pytest

from harness.core.errors import ConfigError
from harness.reporting import cost as cost_module
from harness.reporting.cost import cost, refuse_over_budget, search_state
from harness.trials.phases import run_phases, seconds_left
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, finish, near, opened, searching


def test_search_and_seeds_are_told_apart(write_sweep: SweepWriter) -> None:
    said = list(cost(opened(searching(write_sweep)), 0.5, 3))
    assert said == [
        "Cost: 2 trials per seed, 0.5 hours each (as given): 1 hours per seed, 2 hours for all 2, of which 2 are to "
        "go; 3 hours for the recommended 3.",
        "The search of settings: 8 trials, 4 hours, of which 4 are to go.",
        "The same seeds with the settings of the file: 4 trials, 2 hours, of which 2 are to go.",
    ]


def test_finished_search_trials_tell_what_the_seeds_take(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    assert seconds_left(plan, 1) is None
    search = plan.of_phase("search")
    for one in search.trials[:2]:
        finish(search, one, 80.0, 360.0)
    assert seconds_left(plan, 2) == pytest.approx((6 + 4 + 4) * 360 / 2)
    assert "0.1 hours each (mean of finished trials)" in next(cost(plan, None, 3))
    assert "of which 0.6 are to go" in list(cost(plan, None, 3))[1]


def test_what_would_not_end_within_the_budget_is_not_started(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_module, "num_slots", lambda plan: 2)
    plan = opened(searching(write_sweep))
    refuse_over_budget(plan, 0.01)  # Nothing to go by.
    search = plan.of_phase("search")
    for one in search.trials[:2]:
        finish(search, one, 80.0, 360.0)
    refuse_over_budget(plan, 0.71)
    refuse_over_budget(plan, None)
    with pytest.raises(ConfigError, match="about 42 min 00 s on 2 slots, .* more than the 0.69 of --budget-hours"):
        refuse_over_budget(plan, 0.69)


def test_the_state_of_a_search_is_told(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    assert search_state(opened(write_sweep())) == []
    said = "Search: 4 trials for each of 2 rows: 0 done, 0 failed, 8 new; settings are chosen for 0."
    assert search_state(plan := opened(searching(write_sweep)))[0] == said
    run_phases(plan, Runner(lambda one: None if one.candidate and one.candidate.number == 3 else near(0.05)(one)))
    assert search_state(plan) == [
        "Search: 4 trials for each of 2 rows: 6 done, 2 failed, 0 new; settings are chosen for 2.",
        "The same seeds with the settings of the file: 4 done, 0 failed, 0 new.",
    ]
