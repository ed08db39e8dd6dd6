"""Proposals of Optuna: in their space, noted before they run, and better than chance on a planted surface."""

from math import log10
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.core.errors import StoreError
from harness.trials.phases import run_phases
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.proposals import Proposals, propose
from harness.trials.settings import CellKey
from tests.conftest import SweepWriter
from tests.harness.trials.searched import Runner, finish, near, opened, searching

SPACE: dict[str, Any] = {
    "trainer.head_lr": {"log_uniform": [1e-4, 1e0]},
    "trainer.warmup": {"uniform": [0.0, 0.5]},
    "trainer.epochs": {"int": [1, 4]},
    "encoder.width": {"choice": [8, 16, 32]},
}
CELL = CellKey("flat", "none", "synthetic")


def learning(write_sweep: SweepWriter, trials: int = 14, **search: Any) -> Path:
    return searching(write_sweep, {"searcher": "optuna", "trials": trials, "space": SPACE, **search}, merges=["none"])


def response(values: dict[str, Any]) -> float:
    """Returns a score that is highest at a rate of 0.1 and a warm-up of 0.2."""
    return 90 - 10 * abs(log10(values["trainer.head_lr"]) + 1) - 20 * abs(values["trainer.warmup"] - 0.2)


def score(planned: PlannedTrial) -> float:
    return response(dict(planned.candidate.values)) if planned.candidate else 80.0


def test_batches_follow_one_another_until_the_budget_is_spent(write_sweep: SweepWriter) -> None:
    run = Runner(score)
    run_phases(plan := opened(learning(write_sweep)), run)
    assert run.counts == [("search", 10), ("search", 2), ("search", 2), ("report", 2), ("untuned", 2)]
    search = plan.of_phase("search")
    assert [one.candidate.number for one in search.trials if one.candidate] == list(range(14))
    assert len({one.key for one in search.trials}) == 14
    for one in search.trials[1:]:
        assert one.candidate
        rate, warmup, epochs, width = (one.candidate.values[name] for name in SPACE)
        assert 1e-4 <= rate <= 1 and 0 <= warmup <= 0.5 and epochs in range(1, 5) and width in (8, 16, 32)


def test_a_search_that_was_interrupted_goes_on_with_what_it_had_proposed(write_sweep: SweepWriter) -> None:
    path = learning(write_sweep)

    def stop(plan: Plan, todo: list[PlannedTrial]) -> None:
        for planned in todo[:4]:
            finish(plan, planned, score(planned))
        if len(todo) > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_phases(opened(path), stop)
    before = [one.key for one in opened(path).of_phase("search").trials]
    assert len(before) == 10
    run = Runner(score)
    run_phases(opened(path), run)
    assert run.counts[0] == ("search", 6)
    assert [one.key for one in opened(path).of_phase("search").trials][:10] == before


def test_it_finds_better_settings_than_chance(write_sweep: SweepWriter) -> None:
    sweep = opened(learning(write_sweep, 60)).sweep
    assert sweep.search
    found, drawn = [], []
    for seed in range(6):
        own = sweep.search.model_copy(update={"seeds": (seed + 50,)})
        seeded = sweep.model_copy(update={"search": own})
        tried: list[tuple[dict[str, Any], float | None]] = []
        while len(tried) < 60:
            tried += [(one, response(one)) for one in propose(seeded, CELL, tried, 60 - len(tried))]
        found.append(max(score or 0 for _, score in tried))
        drawn.append(max(score or 0 for _, score in tried[:9]))
    assert fmean(found) > fmean(drawn) + 1.5 and fmean(found) > 87


def test_failures_and_settings_outside_of_the_space_are_no_obstacle(write_sweep: SweepWriter) -> None:
    sweep = opened(learning(write_sweep)).sweep
    outside = {"trainer.head_lr": 7.0, "trainer.warmup": 0.1, "trainer.epochs": 2, "encoder.width": 8}
    inside = {**outside, "trainer.head_lr": 0.1}
    assert len(propose(sweep, CELL, [(outside, 80.0), (inside, None)], 3)) == 3
    assert propose(sweep, CELL, [(outside, 80.0)], 3) == propose(sweep, CELL, [(outside, 80.0)], 3)


def test_a_budget_in_hours_ends_proposals(write_sweep: SweepWriter) -> None:
    run = Runner(near(0.05), 100.0)
    run_phases(opened(learning(write_sweep, 40, hours=0.1)), run)
    assert sum(len(todo) for phase, todo in run.runs if phase == "search") == 4


@pytest.mark.parametrize("content", [b"{", b"[]\n", b'{"search": "x"}\n', b"\xff\n"])
def test_a_damaged_file_is_told_with_the_way_out(write_sweep: SweepWriter, content: bytes) -> None:
    sweep = opened(path := learning(write_sweep)).sweep
    (path.parent / "store").mkdir(exist_ok=True)
    (path.parent / "store" / "tiny.search.jsonl").write_bytes(content)
    with pytest.raises(StoreError, match=r"tiny.search.jsonl cannot be read .* Delete it"):
        Proposals(sweep)
