"""Peaks are those of the work, and a process that dies is told from one that returns."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.bench.alone import alone


def fill(num_mb: int) -> Callable[[], int]:
    """Holds 64 MB before the work, which takes some more and gives it back."""
    held = np.ones(64 * 2**20, dtype=np.uint8)
    return lambda: int(np.ones(num_mb * 2**20, dtype=np.uint8).sum()) + 0 * int(held[0])


def kill() -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), signal.SIGKILL)


def sleep() -> Callable[[], None]:
    return lambda: time.sleep(60)


@pytest.mark.parametrize("num_mb", [16, 200])
def test_the_peak_is_that_of_the_work(num_mb: int) -> None:
    outcome = alone(partial(fill, num_mb), 60)
    assert outcome.result == num_mb * 2**20
    assert outcome.peak / 2**20 == pytest.approx(num_mb, abs=4)


def test_a_process_that_dies_has_no_result() -> None:
    assert alone(kill, 60).result is None


def test_a_process_that_takes_too_long_is_stopped() -> None:
    started = time.monotonic()
    assert alone(sleep, 4).result is None
    assert time.monotonic() - started < 30
