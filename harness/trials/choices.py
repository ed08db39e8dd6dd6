"""Choices of a search: the settings that each searched row is run with, frozen in the plan file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.schema import SweepFile
from harness.config.search import SearchMetric
from harness.trials import plan_file
from harness.trials.identity import cell_identity
from harness.trials.settings import CellKey, TrialSettings
from harness.trials.store import Record
from harness.trials.tuning import Candidate, score


@dataclass(frozen=True)
class Choice:
    """What the search of a row chose.

    Attributes:
        number: Number of the candidate.
        values: Its searched settings.
        score: Its validation score, in points.
    """

    number: int
    values: Mapping[str, Any]
    score: float


class Choices:
    """The settings that were chosen for each searched row, as the plan file has them.

    Args:
        sweep: The sweep file.

    Attributes:
        rows: What the file says of each row, by its name.
    """

    def __init__(self, sweep: SweepFile):
        self._sweep = sweep
        self.rows: dict[str, Any] = plan_file.read(sweep).get(plan_file.CHOSEN, {}).get("rows", {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choices) and self.rows == other.rows

    def of(self, cell: CellKey, untuned: TrialSettings, fingerprint: str) -> Choice | None:
        """Returns what was chosen for a searched row; None where its search, as it is declared now, has not ended.

        Args:
            cell: The row that was searched, on its dataset.
            untuned: The settings that the sweep file gives it.
            fingerprint: That of its corpus.
        """
        said = self.rows.get("/".join(cell))
        if said is None or said["search"] != declared(self._sweep, cell, untuned, fingerprint):
            return None
        return Choice(said["number"], said["values"], said["score"])

    def add(self, cell: CellKey, untuned: TrialSettings, fingerprint: str, choice: Choice) -> None:
        """Notes a choice, which stands in the file once `freeze` has written it."""
        self.rows["/".join(cell)] = {
            "search": declared(self._sweep, cell, untuned, fingerprint),
            "number": choice.number,
            "values": dict(choice.values),
            "score": choice.score,
        }

    def freeze(self) -> None:
        """Writes the choices into the plan file, with their hash and the time."""
        said = {"sha256": plan_file.digest(self.rows), "frozen": plan_file.now(), "rows": self.rows}
        plan_file.write(self._sweep, {**plan_file.read(self._sweep), plan_file.CHOSEN: said})


def declared(sweep: SweepFile, cell: CellKey, untuned: TrialSettings, fingerprint: str) -> str:
    """Returns the hash of all that decides the search of a row.

    Args:
        sweep: The sweep file.
        cell: The row that is searched, on its dataset.
        untuned: The settings that the sweep file gives it.
        fingerprint: That of its corpus.
    """
    assert sweep.search
    rules = sweep.search.model_dump(mode="json", exclude={"unequal", "shared_by"}) | {
        "trials": sweep.budget_of(cell.model),
        "space": {key: one.model_dump(mode="json") for key, one in sweep.space_of(cell.model).items()},
    }
    return plan_file.digest([cell_identity(untuned, fingerprint), rules])[:16]


def choose(tried: Iterable[tuple[Candidate, Record | None]], metric: SearchMetric) -> Choice | None:
    """Returns the candidate that is best on validation, the first of equals; None where every one failed."""
    known = [(one, score(record, metric)) for one, record in tried if record]
    if not known:
        return None
    best, points = max(known, key=lambda pair: (pair[1], -pair[0].number))
    return Choice(best.number, best.values, points)
