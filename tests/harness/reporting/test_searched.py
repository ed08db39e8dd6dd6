"""Searches as the analysis takes them: who was searched for whom, what was tried, what was chosen."""

import pytest

from harness.reporting.searched import search_inputs
from harness.trials.phases import run_phases
from harness.trials.plan import PlannedTrial
from harness.trials.settings import CellKey
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, near, opened, searching


def score(planned: PlannedTrial) -> float | None:
    return None if planned.candidate and planned.candidate.number == 2 else near(0.05)(planned)


@pytest.mark.parametrize(("shared_by", "num_rows"), [("none", 2), ("model", 1)])
def test_what_was_tried_and_chosen_is_told(write_sweep: SweepWriter, shared_by: str, num_rows: int) -> None:
    path = searching(write_sweep, {"shared_by": shared_by}, controls=["constant"])
    run_phases(plan := opened(path), Runner(score, 36.0))
    found = search_inputs(plan)
    base, other = (CellKey("flat", merge, "synthetic") for merge in ("none", "projection"))
    assert found.owners == {base: base, other: base if shared_by == "model" else other}
    assert len(found.trials) == 4 * num_rows and {one.seed for one in found.trials} == {1000}
    assert [one.score is None for one in found.trials if one.row == base] == [False, False, True, False]
    assert sum(one.seconds for one in found.trials) == 36 * 3 * num_rows
    best = max((one for one in found.trials if one.row == base), key=lambda one: one.score or 0)
    assert best.score == pytest.approx(80, abs=0.1), "the mean of micro F and macro F on validation"
    assert found.chosen[base] == (best.number, best.values) and len(found.sha256) == 64


def test_untuned_results_are_of_all_rows(write_sweep: SweepWriter) -> None:
    run_phases(plan := opened(searching(write_sweep, controls=["constant"])), Runner(score))
    results, _ = search_inputs(plan).untuned()
    assert len(results) == 5 and {one.model for one in results} == {"flat", "constant"}


def test_before_the_search_has_ended_nothing_is_chosen(write_sweep: SweepWriter) -> None:
    found = search_inputs(opened(searching(write_sweep)))
    assert (found.trials, found.chosen, found.sha256) == ([], {}, "")
