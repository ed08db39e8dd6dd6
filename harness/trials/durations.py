"""Durations of finished trials, from which that of others is estimated."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping

from harness.trials.plan import PlannedTrial
from harness.trials.settings import CellKey


class Durations:
    """Durations of finished trials, by what they share with others; trials without a record count for nothing."""

    def __init__(self, trials: Iterable[PlannedTrial] = ()):
        self._sorted: dict[CellKey, list[float]] = defaultdict(list)
        for planned in trials:
            if planned.record:
                self.add(planned.settings.cell, planned.record.seconds)

    def add(self, cell: CellKey, seconds: float) -> None:
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
        nearest = next(self._sorted[group] for group in _groups(cell) if group in self._sorted)
        return (nearest[(len(nearest) - 1) // 2] + nearest[len(nearest) // 2]) / 2


def _groups(cell: CellKey) -> tuple[CellKey, ...]:
    """Returns what a cell belongs to, the narrowest first."""
    return cell, CellKey(cell.model, "", cell.dataset), CellKey("", "", cell.dataset), CellKey("", "", "")
