"""Progress of a running sweep: counts, time left and the last result, or one line per event."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from harness.core.text import duration
from harness.trials.durations import Durations
from harness.trials.plan import Plan, PlannedTrial, by_identity
from harness.trials.store import State


class Listener:
    """Hears from a scheduler what becomes of the trials; each event is one that a listener may ignore."""

    def started(self, key: str) -> None:
        """A worker has taken a trial."""

    def epoch(self, key: str, entry: Mapping[str, float]) -> None:
        """A trial has finished an epoch, with this entry of its history."""

    def interrupted(self, key: str) -> None:
        """A trial has lost its worker, and waits for another one."""

    def ended(self, key: str, reason: str = "") -> None:
        """A worker is through with a trial; `reason` says why the worker was lost, if it was."""


class EpochLog(Listener):
    """Prints every trial that starts, every epoch and every failure, for one who debugs a trial.

    Args:
        plan: The sweep.
    """

    def __init__(self, plan: Plan):
        self._store = plan.store
        self._planned = by_identity(plan.selected)

    def started(self, key: str) -> None:
        print(f"{self._planned[key].name}: {key}", flush=True)

    def epoch(self, key: str, entry: Mapping[str, float]) -> None:
        print(json.dumps(entry), flush=True)

    def ended(self, key: str, reason: str = "") -> None:
        if failure := self._store.failure(key):
            print(f"failed: {failure.kind}: {failure.message}", flush=True)


class Progress(Listener):
    """Counts a plan's trials as they start and end, and shows how far the sweep is.

    Args:
        plan: The sweep; its selected trials are counted.

    Attributes:
        num_slots: Most trials that ran at a time.
        seconds: Time of the trials that have finished under this command, added up.
    """

    def __init__(self, plan: Plan):
        self._store = plan.store
        self._planned = by_identity(plan.selected)
        states = [planned.state for planned in self._planned.values()]
        self._known = {"done": states.count("done"), "failed": states.count("failed")}
        self._durations = Durations(plan.selected)
        self._todo = Counter(planned.settings.cell for planned in self._planned.values() if planned.state == "new")
        self.num_slots = 1
        self.seconds = 0.0
        self._running: set[str] = set()
        self._ended: dict[str, State] = {}
        self._started = time.monotonic()
        self._last = "starting the workers"
        self._console = Console(file=sys.stderr, highlight=False)
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2, transient=True)

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def started(self, key: str) -> None:
        self._running.add(key)
        self.num_slots = max(self.num_slots, len(self._running))

    def interrupted(self, key: str) -> None:
        self._running.discard(key)

    def ended(self, key: str, reason: str = "") -> None:
        self._running.discard(key)
        planned = self._planned[key]
        if key not in self._ended:  # A lost one may come again with a new worker.
            self._todo[planned.settings.cell] -= 1
        self._ended[key], self._last = self._result(planned, reason)
        if not self._console.is_terminal:
            self._console.print(f"{self._counts()} | {escape(self._last)}", soft_wrap=True)

    def _result(self, planned: PlannedTrial, reason: str) -> tuple[State, str]:
        name = planned.name
        if record := self._store.record(planned.key, planned.settings):
            self._durations.add(planned.settings.cell, record.seconds)
            self.seconds += record.seconds
            scores = record.scores
            said = f"micro {scores['micro_f1']:.2f} macro {scores['macro_f1']:.2f} in {record.seconds:.0f} s"
            return "done", f"{name}: {said}"
        if failure := self._store.failure(planned.key):
            return "failed", f"{name}: {failure.kind}: {failure.message}"
        if stopped := self._store.stopped(planned.key):
            self.seconds += stopped.seconds
            return "stopped", f"{name}: stopped after epoch {len(stopped.history)}"
        return "new", f"{name}: lost its worker ({reason})"

    def _counts(self) -> str:
        ended = list(self._ended.values())
        done, failed = ended.count("done"), ended.count("failed") + self._known["failed"]
        text = f"{done} done, {len(self._running)} running, {failed} failed, {self._known['done']} already there"
        text += f", {self._todo.total()} to go"
        seconds = self._durations.estimate(self._todo, self.num_slots)
        return text + (f", about {duration(seconds)} left" if seconds else "")

    def _render(self) -> Text:
        total, settled = len(self._planned), sum(self._known.values()) + len(self._ended)
        filled = round(30 * settled / total)
        bar = f"{'━' * filled}{'╌' * (30 - filled)} {settled}/{total}"
        elapsed = duration(time.monotonic() - self._started)
        return Text(f"{bar}  {elapsed}\n{self._counts()}\nlast: {self._last}")
