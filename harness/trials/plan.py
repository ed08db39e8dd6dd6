"""A sweep's trials against its store: what is done, new or failed, and how long the rest takes.

Imports neither torch nor Ray: a plan is a matter of a second.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.storage.description import exact_command, read_meta
from harness.config.schema import SweepFile
from harness.core.errors import DataError
from harness.trials.identity import identity
from harness.trials.settings import CellKey, TrialSettings, expand
from harness.trials.store import Record, State, Store


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with its identity.

    Attributes:
        trial: The resolved settings.
        key: Its identity; empty while its corpus is not prepared.
        state: What the store knows of it.
        record: What it left, if done.
        why: In a few words, why it is in that state.
    """

    trial: TrialSettings
    key: str
    state: State
    record: Record | None
    why: str


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep file, narrowed by filters, against a store.

    Attributes:
        sweep: The sweep file.
        trials: In the order in which they run.
        problems: Per dataset whose corpus cannot be used, the reason.
        filters: That narrowed it.
    """

    sweep: SweepFile
    trials: tuple[PlannedTrial, ...]
    problems: dict[str, str]
    filters: tuple[str, ...] = ()

    def of_state(self, state: State) -> list[PlannedTrial]:
        return [planned for planned in self.trials if planned.state == state]

    def cells(self) -> dict[CellKey, list[PlannedTrial]]:
        """Returns the trials by (model, merge, dataset)."""
        cells: dict[CellKey, list[PlannedTrial]] = {}
        for planned in self.trials:
            cells.setdefault(planned.trial.cell, []).append(planned)
        return cells

    def seconds_left(self, slots: int) -> float | None:
        """Returns an estimate for the new trials; None without any finished one."""
        todo = Counter(one.trial.cell for one in by_identity(self.trials).values() if one.state == "new")
        return Durations(self.trials).estimate(todo, slots)

    def renewed(self) -> "Plan":
        """Returns the plan with what the store knows now of the trials that had no record."""
        store = Store(Path(self.sweep.store))
        trials = (one if one.record or not one.key else _look_up(one.trial, one.key, store) for one in self.trials)
        return replace(self, trials=tuple(trials))


def by_identity(trials: Iterable[PlannedTrial]) -> dict[str, PlannedTrial]:
    """Returns each trial once: several cells may be one, where they differ in what only branches have."""
    return {one.key or identity(one.trial, fingerprint=""): one for one in trials}


class Durations:
    """How long finished trials took, by what they share with others.

    Args:
        trials: The first ones; those without a record count for nothing.
    """

    def __init__(self, trials: Iterable[PlannedTrial] = ()):
        self._sorted: dict[CellKey, list[float]] = defaultdict(list)
        for planned in trials:
            if planned.record:
                self.add(planned.trial.cell, planned.record.seconds)

    def add(self, cell: CellKey, seconds: float) -> None:
        """Takes in a finished trial."""
        for group in _groups(cell):
            insort(self._sorted[group], seconds)

    def estimate(self, todo: Mapping[CellKey, int], slots: int) -> float | None:
        """Returns the seconds for a number of trials of each cell, going by the median of the nearest finished ones.

        Nearest are those of the cell, else of its model on its dataset, else of its dataset, else any.
        """
        if not self._sorted:
            return None
        return sum(number * self._typical(cell) for cell, number in todo.items()) / slots

    def _typical(self, cell: CellKey) -> float:
        alike = next(self._sorted[group] for group in _groups(cell) if group in self._sorted)
        return (alike[(len(alike) - 1) // 2] + alike[len(alike) // 2]) / 2


def _groups(cell: CellKey) -> tuple[CellKey, CellKey, CellKey, CellKey]:
    """Returns what a cell belongs to, the narrowest first."""
    model, _, dataset = cell
    return cell, (model, "", dataset), ("", "", dataset), ("", "", "")


def make_plan(sweep: SweepFile, filters: Sequence[str] = ()) -> Plan:
    """Resolves, filters and looks up every trial.

    Raises:
        ConfigError: On a filter that is none, or that leaves no trial.
    """
    plan = unread_plan(sweep, filters)
    store = Store(Path(sweep.store))
    return replace(plan, trials=tuple(_look_up(one.trial, one.key, store) if one.key else one for one in plan.trials))


def unread_plan(sweep: SweepFile, filters: Sequence[str] = ()) -> Plan:
    """Returns a plan that knows nothing of the store: enough to say what is wrong with the corpora."""
    trials = expand(sweep, filters)
    data_dir = Path(sweep.data_dir)
    fingerprints: dict[str, str] = {}
    problems: dict[str, str] = {}
    for dataset, folder in {trial.dataset: trial.corpus for trial in trials}.items():
        entry = sweep.datasets[dataset]
        command = exact_command(entry.reader or dataset, entry.options, data_dir)
        try:
            fingerprints[dataset] = read_meta(data_dir / folder, command)["fingerprint"]
        except DataError as error:
            problems[dataset] = str(error)
    keys = [identity(one, fingerprints[one.dataset]) if one.dataset in fingerprints else "" for one in trials]
    why = {"": "its corpus is not prepared"}
    planned = [
        PlannedTrial(trial, key, "new", None, why.get(key, "never run"))
        for trial, key in zip(trials, keys, strict=True)
    ]
    return Plan(sweep, tuple(planned), problems, tuple(filters))


def _look_up(trial: TrialSettings, key: str, store: Store) -> PlannedTrial:
    if record := store.record(key):
        return PlannedTrial(trial, key, "done", record, f"finished {record.finished}")
    if not store.has_folder(key):
        return PlannedTrial(trial, key, "new", None, "never run")
    if failure := store.failure(key):
        return PlannedTrial(trial, key, "failed", None, f"{failure.kind}: {failure.message}")
    return PlannedTrial(trial, key, "new", None, "started, not finished")
