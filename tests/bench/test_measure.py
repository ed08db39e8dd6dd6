"""The arithmetic of the benchmarks: rounds, ratios within a round, and what a page says."""

import json
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.bench.measure import Build, Times, in_own_process, in_processes, publish, side_by_side, table, verdict


def test_every_round_calls_every_variant_once_after_the_warm_up() -> None:
    calls: list[str] = []
    times = side_by_side({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=20, warm_up=2)
    assert calls[:4] == ["a", "a", "b", "b"]
    rounds = [set(calls[4 + 2 * i : 6 + 2 * i]) for i in range(20)]
    assert rounds == [{"a", "b"}] * 20
    assert len({tuple(calls[4 + 2 * i : 6 + 2 * i]) for i in range(20)}) == 2  # In either order.
    assert [len(one.seconds) for one in times.values()] == [20, 20]


def test_ratios_are_taken_within_a_round() -> None:
    # The machine was ten times as slow in the second round.
    ratio = Times((2.0, 20.0, 2.2)).over(Times((1.0, 10.0, 1.0)))
    assert ratio.seconds == (2.0, 2.0, 2.2)
    assert ratio.median == 2.0
    assert ratio.spread == pytest.approx((2.0, 2.1))


def test_goals() -> None:
    assert verdict(1.04, 1.05) == "at most 1.05: met"
    assert verdict(1.06, 1.05) == "at most 1.05: **missed** (1.06)"
    assert verdict(2.5, 2.5, "{:.1f}x", at_least=True) == "at least 2.5x: met"


def test_a_page_names_its_command_and_its_machine(tmp_path: Path) -> None:
    body = table(["what", "seconds"], [["this", "1"]])
    path = publish("some", "Some", body, {"seconds": [1.0]}, "python this.py", tmp_path)
    page = path.read_text("utf-8")
    assert "| what | seconds |\n| :-- | --: |\n| this | 1 |" in page
    assert "by `python this.py`" in page and "torch 2.13" in page
    assert json.loads((tmp_path / "some.json").read_text("utf-8"))["seconds"] == [1.0]


def note_environment(path: Path) -> Callable[[], None]:
    """A variant that writes down what its process was started with, and ends it where that is nothing."""

    def note() -> None:
        path.write_text(f"{os.getpid()} {os.environ['OF_THIS_VARIANT']}")

    return note


def test_a_variant_in_its_own_process_has_its_own_environment(tmp_path: Path) -> None:
    with in_own_process(partial(note_environment, tmp_path / "said"), {"OF_THIS_VARIANT": "7"}) as call:
        call()
        process, said = (tmp_path / "said").read_text().split()
        assert said == "7" and int(process) != os.getpid() and "OF_THIS_VARIANT" not in os.environ
        os.kill(int(process), signal.SIGKILL)
        with pytest.raises((EOFError, OSError)):
            call()


def append_process(path: Path) -> Callable[[], None]:
    """A variant that notes at each call which process it runs in."""

    def note() -> None:
        with path.open("a") as file:
            file.write(f"{os.getpid()}\n")

    return note


@pytest.mark.parametrize("together", [True, False])
def test_variants_live_side_by_side_or_take_turns(tmp_path: Path, together: bool) -> None:
    times = in_processes({name: Build(partial(append_process, tmp_path / name)) for name in "ab"}, 2, together)
    assert [len(times[name].seconds) for name in "ab"] == [2, 2]
    for name in "ab":
        calls = (tmp_path / name).read_text().split()
        # A first call that is not measured, of each process.
        assert (len(calls), len(set(calls))) == ((3, 1) if together else (4, 2))
