"""What a running sweep shows: counts, time left, the last result. Lines where there is no terminal."""

import sys
import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from harness.core.text import duration
from harness.trials.plan import Durations, Plan, PlannedTrial, by_identity
from harness.trials.store import State, Store


class Progress:
    """Counts a plan's trials as they start and end.

    Args:
        plan: What is to run.
        store: Where results appear.

    Attributes:
        num_slots: Most trials that ran at a time.
        seconds: Of the trials that have finished under this command, together.
    """

    def __init__(self, plan: Plan, store: Store):
        self._store = store
        self._planned = by_identity(plan.trials)
        states = [planned.state for planned in self._planned.values()]
        self._known = {"done": states.count("done"), "failed": states.count("failed")}
        self._durations = Durations(plan.trials)
        self._todo = Counter(planned.trial.cell for planned in self._planned.values() if planned.state == "new")
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
        """Notes that a worker has taken a trial."""
        self._running.add(key)
        self.num_slots = max(self.num_slots, len(self._running))

    def interrupted(self, key: str) -> None:
        """Notes that a trial lost its worker and waits for another one."""
        self._running.discard(key)

    def ended(self, key: str, reason: str = "") -> None:
        """Notes that a worker is through with a trial, and says how it went.

        Args:
            key: The trial.
            reason: Why the worker was lost, if it was.
        """
        self._running.discard(key)
        planned = self._planned[key]
        if key not in self._ended:  # A lost one may come again with a new worker.
            self._todo[planned.trial.cell] -= 1
        self._ended[key], self._last = self._result(planned, reason)
        if not self._console.is_terminal:
            self._console.print(f"{self._counts()} | {escape(self._last)}", soft_wrap=True)

    def _result(self, planned: PlannedTrial, reason: str) -> tuple[State, str]:
        trial = planned.trial
        name = f"{trial.model} {trial.merge} {trial.dataset} seed {trial.seed}"
        if record := self._store.record(planned.key):
            self._durations.add(trial.cell, record.seconds)
            self.seconds += record.seconds
            scores = record.scores
            said = f"micro {scores['micro_f1']:.2f} macro {scores['macro_f1']:.2f} in {record.seconds:.0f} s"
            return "done", f"{name}: {said}"
        if failure := self._store.failure(planned.key):
            return "failed", f"{name}: {failure.kind}: {failure.message}"
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
