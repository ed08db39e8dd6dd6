"""Proposals of Optuna: settings that a search tries next, going by the scores of its earlier trials.

Each is noted in `store/NAME.search.jsonl` before it is run, so that a search that was interrupted goes on with the same
ones. The sampler is Optuna's tree-structured Parzen estimator, asked directly and not through Ray Tune: a search then
runs on any scheduler, and what was proposed does not depend on which trial ended first within a batch.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.schema import SweepFile
from harness.config.search import Dimension
from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.core.text import one_line
from harness.trials.settings import CellKey
from harness.trials.tuning import rounded

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_STARTUP = 10
"""Trials of a row before the estimator has something to go by: the settings of the file, and random ones."""
_AT_ONCE = 2
"""Proposals for a row at a time, once there is something to go by."""

Values = dict[str, Any]


class Proposals:
    """What was proposed for each row of a search, in order.

    Args:
        sweep: The sweep file.

    Raises:
        StoreError: If the file of proposals cannot be read.
    """

    def __init__(self, sweep: SweepFile):
        self._path = Path(sweep.store).absolute() / f"{sweep.name}.search.jsonl"
        self._lines: list[str] = []
        self.rows: dict[str, list[Values]] = {}
        try:
            self._lines = self._path.read_text("utf-8").splitlines()
            for line in self._lines:
                said = json.loads(line)
                self.rows.setdefault(str(said["search"]), []).append(dict(said["values"]))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{self._path} cannot be read ({one_line(error, 120)}). Delete it: the search then proposes anew, and "
                "trials that it happens to propose again are not run again."
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proposals) and self._lines == other._lines

    def of(self, search: str) -> list[Values]:
        """Returns what was proposed in a search, which goes by the hash of its declaration."""
        return self.rows.get(search, [])

    def add(self, search: str, values: Sequence[Values]) -> None:
        """Notes proposals, before they are run."""
        self._lines += [json.dumps({"search": search, "values": one}) for one in values]
        self.rows.setdefault(search, []).extend(values)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, "".join(f"{line}\n" for line in self._lines).encode())


def propose(
    sweep: SweepFile, cell: CellKey, tried: Sequence[tuple[Mapping[str, Any], float | None]], room: int
) -> list[Values]:
    """Returns the next settings to try for a row.

    Args:
        sweep: The sweep file.
        cell: The row on its dataset.
        tried: Settings and validation score of each of its trials so far; None where one failed.
        room: Most proposals that its budget leaves.
    """
    import optuna

    assert sweep.search
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {name: _distribution(one) for name, one in sorted(sweep.space_of(cell.model).items())}
    name = int.from_bytes(hashlib.sha256(json.dumps([cell, len(tried), sweep.search.seeds]).encode()).digest()[:4])
    sampler = optuna.samplers.TPESampler(n_startup_trials=_STARTUP, constant_liar=True, seed=name)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for values, score in tried:
        if all(space[key]._contains(space[key].to_internal_repr(value)) for key, value in values.items()):
            state = optuna.trial.TrialState.FAIL if score is None else optuna.trial.TrialState.COMPLETE
            study.add_trial(optuna.create_trial(state=state, params=dict(values), distributions=space, value=score))
    number = min(room, _AT_ONCE if len(tried) >= _STARTUP else _STARTUP - max(len(tried), 1))
    asked = [study.ask(space).params for _ in range(number)]
    return [
        {key: rounded(value, sweep.space_of(cell.model)[key]) for key, value in sorted(one.items())} for one in asked
    ]


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.law == "choice":
        return CategoricalDistribution(dimension.values)
    low, high = dimension.values
    if dimension.law == "int":
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=dimension.law == "log_uniform")
