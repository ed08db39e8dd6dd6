"""Phases of a sweep: search, seeds with what was chosen, the same untuned; going on, budgets in hours, failures."""

import json
from pathlib import Path

import pytest

from harness.trials.phases import due, exit_code, forget_failures, run_phases
from harness.trials.plan import Plan
from harness.trials.settings import CellKey
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, finish, near, opened, searching


def rates(plan: Plan) -> dict[str, set[float]]:
    """Returns the learning rates of the trials by merge."""
    found: dict[str, set[float]] = {}
    for one in plan.trials:
        found.setdefault(one.settings.merge, set()).add(vars(one.settings)["trainer"].head_lr)
    return found


def test_without_a_search_there_is_one_phase(write_sweep: SweepWriter) -> None:
    run = Runner(near(0.0))
    run_phases(opened(write_sweep()), run)
    assert run.counts == [("report", 8)]


def test_the_seeds_run_with_the_candidate_that_is_best_on_validation_and_untuned(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep, {"trials": 12}))
    assert all(one.key == "" and one.why == "its settings are not chosen yet" for one in plan.trials)
    run = Runner(near(0.05))
    run_phases(plan, run)
    assert run.counts == [("search", 24), ("report", 4), ("untuned", 4)]
    search = plan.of_phase("search")
    for cell, trials in search.cells().items():
        best = min(trials, key=lambda one: abs(vars(one.settings)["trainer"].head_lr - 0.05))
        assert rates(plan)[cell.merge] == {vars(best.settings)["trainer"].head_lr}
        assert {one.settings.seed for one in trials} == {1000}
    assert rates(plan.of_phase("untuned")) == {"none": {0.01}, "projection": {0.01}}
    plan.refresh()
    assert exit_code(plan) == 0 and {one.settings.seed for one in plan.trials} == {1, 2}


def test_a_finished_search_is_never_run_again(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep)
    run_phases(opened(path), Runner(near(0.05)))
    chosen = json.loads((path.parent / "store" / "tiny.plan.json").read_text())["chosen"]
    for one in opened(path).of_phase("search").trials:
        (path.parent / "store" / "trials" / one.key / "record.json").unlink()
    again = Runner(near(0.001))
    run_phases(opened(path), again)
    assert again.runs == []
    assert json.loads((path.parent / "store" / "tiny.plan.json").read_text())["chosen"] == chosen


def test_a_search_goes_on_where_it_was_left(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep)
    plan = opened(path)
    search = plan.of_phase("search")
    for planned in search.trials[:3]:
        finish(search, planned, 80.0)
    run = Runner(near(0.05))
    run_phases(plan, run)
    assert run.counts == [("search", 5), ("report", 4), ("untuned", 4)]


def test_another_budget_or_space_is_another_search_of_which_earlier_trials_count(write_sweep: SweepWriter) -> None:
    run_phases(opened(searching(write_sweep)), Runner(near(0.05)))
    wider = opened(searching(write_sweep, {"trials": 6}))
    assert [one.why for one in wider.trials] == ["its settings are not chosen yet"] * 4
    assert len(due(wider.of_phase("search"))) == 4


def test_rows_of_a_model_may_share_the_search_of_its_base(write_sweep: SweepWriter) -> None:
    plan, run = opened(searching(write_sweep, {"shared_by": "model"})), Runner(near(0.05))
    run_phases(plan, run)
    assert run.counts == [("search", 4), ("report", 4), ("untuned", 4)]
    assert rates(plan)["none"] == rates(plan)["projection"]


def test_a_filter_leaves_the_searches_that_its_rows_need(write_sweep: SweepWriter) -> None:
    from harness.config.load import load

    path = searching(write_sweep, {"shared_by": "model"})
    plan, run = Plan.open(load(path), ["merge=projection", "seed=2"]), Runner(near(0.05))
    run_phases(plan, run)
    assert run.counts == [("search", 4), ("report", 1), ("untuned", 1)]
    assert run.runs[0][1][0].settings.cell == CellKey("flat", "none", "synthetic")


def test_what_nothing_is_searched_of_runs_once(write_sweep: SweepWriter) -> None:
    plan, run = opened(searching(write_sweep, controls=["constant"])), Runner(near(0.05))
    run_phases(plan, run)
    assert run.counts == [("search", 8), ("report", 5), ("untuned", 4)]


def test_failed_candidates_are_not_chosen_and_a_row_of_which_all_fail_does_not_run(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep)
    run = Runner(lambda one: None if one.candidate and one.settings.merge == "none" else near(0.05)(one))
    plan = opened(path)
    run_phases(plan, run)
    assert run.counts == [("search", 8), ("report", 2), ("untuned", 4)]
    assert exit_code(plan) == 1
    forget_failures(plan)
    again = Runner(near(0.05))
    run_phases(plan, again)
    assert again.counts == [("search", 4), ("report", 2)]


def test_a_failed_untuned_trial_is_told(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    untuned = {one.key for one in plan.of_phase("untuned").trials}
    run_phases(plan, Runner(lambda one: None if one.key in untuned else near(0.05)(one)))
    plan.refresh()
    assert (plan.exit_code, exit_code(plan)) == (0, 1)


def test_failures_of_a_row_whose_settings_are_chosen_stay(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    run_phases(plan, Runner(lambda one: None if one.candidate and one.candidate.number == 2 else near(0.05)(one)))
    forget_failures(plan)
    assert [one.state for one in plan.of_phase("search").trials].count("failed") == 2


@pytest.mark.parametrize(("seconds", "num"), [(60.0, 6), (100.0, 4), (360.0, 1), (1000.0, 1)])
def test_a_budget_in_hours_ends_a_row_once_its_trials_took_them(
    write_sweep: SweepWriter, seconds: float, num: int
) -> None:
    """A tenth of an hour: the trial that goes over it is the last one."""
    plan = opened(searching(write_sweep, {"trials": 40, "hours": 0.1}, merges=["none"]))
    run = Runner(near(0.05), seconds)
    run_phases(plan, run)
    assert sum(len(todo) for phase, todo in run.runs if phase == "search") == num
    # A search of one trial chooses the settings of the file.
    assert run.counts[-1] == (("untuned", 2) if num > 1 else ("report", 2))


def test_trials_that_lose_their_workers_do_not_hold_the_search_up(write_sweep: SweepWriter) -> None:
    runs = []
    run_phases(opened(searching(write_sweep)), lambda plan, todo: runs.append(plan.phase))
    assert runs == ["search", "untuned"]


def test_models_of_the_search_are_not_kept(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    assert (plan.store.keep, plan.of_phase("search").store.keep, plan.of_phase("untuned").store.keep) == (
        "best",
        "none",
        "none",
    )


def test_a_thousand_search_trials_are_planned(write_sweep: SweepWriter, tmp_path: Path) -> None:
    space = {"trainer.head_lr": {"log_uniform": [1e-4, 1e0]}, "trainer.warmup": {"uniform": [0, 1]}}
    plan = opened(searching(write_sweep, {"trials": 500, "space": space}))
    search = plan.of_phase("search")
    assert len({one.key for one in search.trials}) == len(search.trials) == 1000
