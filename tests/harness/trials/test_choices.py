"""Choices of a search: the best on validation, frozen with their hash, and void where the search is another."""

import json

import pytest

from harness.trials import plan_file
from harness.trials.choices import Choices, choose
from harness.trials.phases import run_phases
from harness.trials.tuning import Candidate
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, near, opened, searching
from tests.harness.trials.test_plan import record


@pytest.mark.parametrize(("metric", "number"), [("micro", 1), ("macro", 2), ("mean", 2)])
def test_the_best_is_by_the_metric_that_was_said_and_the_first_of_equals(
    write_sweep: SweepWriter, metric: str, number: int
) -> None:
    trial = opened(searching(write_sweep)).untuned[0]
    scores = [(80.0, 40.0), (85.0, 41.0), (84.0, 60.0), (84.0, 60.0)]
    tried = [
        (
            Candidate(place, {"x": place}, trial),
            record("0", trial).model_copy(update={"scores": {"valid_micro_f1": micro, "valid_macro_f1": macro}}),
        )
        for place, (micro, macro) in enumerate(scores)
    ]
    found = choose([*tried, (Candidate(9, {}, trial), None)], metric)  # type: ignore[arg-type]
    assert found and (found.number, found.values) == (number, {"x": number})
    assert choose([(Candidate(9, {}, trial), None)], "mean") is None


def test_what_was_chosen_stands_in_the_plan_file_with_its_hash(write_sweep: SweepWriter) -> None:
    plan = opened(searching(write_sweep))
    run_phases(plan, Runner(near(0.05)))
    said = plan_file.read(plan.sweep)
    assert said["chosen"]["sha256"] == plan_file.digest(said["chosen"]["rows"])
    assert said["sha256"] == plan_file.digest(said["plan"]), "the promise itself is as it was before the search"
    row = said["chosen"]["rows"]["flat/none/synthetic"]
    assert row["values"].keys() == {"trainer.head_lr"} and row["score"] == pytest.approx(80, abs=0.1)


@pytest.mark.parametrize(
    "change", [{"metric": "micro"}, {"seeds": [77]}, {"trials": 5}, {"space": {"trainer.warmup": {"uniform": [0, 1]}}}]
)
def test_a_choice_of_another_search_is_none(write_sweep: SweepWriter, change: dict[str, object]) -> None:
    plan = opened(searching(write_sweep))
    run_phases(plan, Runner(near(0.05)))
    changed = opened(searching(write_sweep, change))
    (cell, untuned), *_ = changed.searched.items()
    fingerprint = changed.fingerprint(cell.dataset)
    assert Choices(plan.sweep).of(cell, untuned, fingerprint)
    assert Choices(changed.sweep).of(cell, untuned, fingerprint) is None
    assert Choices(plan.sweep).of(cell, untuned, "another corpus") is None


def test_a_plan_that_is_frozen_anew_keeps_what_was_chosen(write_sweep: SweepWriter) -> None:
    path = searching(write_sweep)
    run_phases(opened(path), Runner(near(0.05)))
    chosen = json.loads(plan_file.place(opened(path).sweep).read_text())["chosen"]
    for one in opened(path).trials:
        (path.parent / "store" / "trials" / one.key / "record.json").unlink()
    run_phases(opened(searching(write_sweep, statistics={"alpha": 0.01})), Runner(near(0.05)))
    assert json.loads(plan_file.place(opened(path).sweep).read_text())["chosen"] == chosen
