"""Functions that run epoch by epoch: pauses, ends, errors, stops."""

import threading
from typing import Any

import pytest

from harness.scheduling.stepwise import Stepwise
from harness.training.kinds import EpochCallback


class Counted:
    """Three epochs, and what was seen of them."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, on_epoch: EpochCallback) -> None:
        try:
            for epoch in (1.0, 2.0, 3.0):
                self.events.append(epoch)
                on_epoch({"epoch": epoch})
            self.events.append("tested")
        finally:
            self.events.append("closed")


def test_nothing_runs_until_it_is_asked_for_and_then_one_epoch_at_a_time() -> None:
    counted = Counted()
    running = Stepwise(counted)
    assert counted.events == []
    assert running.step() == {"epoch": 1.0} and counted.events == [1.0]
    assert [running.step(), running.step()] == [{"epoch": 2.0}, {"epoch": 3.0}]
    assert running.step() is None
    assert counted.events == [1.0, 2.0, 3.0, "tested", "closed"]


@pytest.mark.parametrize("num_steps", [0, 1, 2])
def test_a_stop_unwinds_what_is_paused_and_leaves_no_thread(num_steps: int) -> None:
    counted, before = Counted(), threading.active_count()
    running = Stepwise(counted)
    for _ in range(num_steps):
        running.step()
    running.stop()
    assert counted.events == [*range(1, num_steps + 1), *(["closed"] if num_steps else [])]
    assert threading.active_count() == before


def test_a_stop_after_the_end_does_nothing() -> None:
    running = Stepwise(lambda on_epoch: None)
    assert running.step() is None
    running.stop()


def test_an_error_is_that_of_the_step() -> None:
    def fail(on_epoch: EpochCallback) -> None:
        on_epoch({"epoch": 1.0})
        raise ValueError("no more")

    running = Stepwise(fail)
    assert running.step() == {"epoch": 1.0}
    with pytest.raises(ValueError, match="no more"):
        running.step()


def test_no_handler_of_failures_sees_a_stop() -> None:
    seen = []

    def careful(on_epoch: EpochCallback) -> None:
        try:
            on_epoch({"epoch": 1.0})
        except Exception as error:
            seen.append(error)

    running = Stepwise(careful)
    running.step()
    running.stop()
    assert seen == []
