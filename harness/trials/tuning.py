"""Tuning: the candidates of every searched row, and the settings that are chosen among them.

A candidate is a trial like any other, with settings of its own and a seed of the search. The first one has the
settings of the sweep file, so that what is chosen is never worse on validation. Random draws are independent, and the
same on every machine: more trials are more draws, not others.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, floor, log, log10
from typing import Any

import numpy as np

from harness.config.schema import SweepFile
from harness.config.search import Dimension, SearchMetric, Space, grouped
from harness.trials.settings import CellKey, TrainedSettings, TrialSettings
from harness.trials.store import Record

_DIGITS = 4
"""Significant digits of a number that is drawn, so that a person can write it into a sweep file."""


@dataclass(frozen=True)
class Candidate:
    """One trial of a search.

    Attributes:
        number: Its place in the search of its row; number 0 has the settings of the sweep file.
        values: Its searched settings.
        settings: The trial.
    """

    number: int
    values: Mapping[str, Any]
    settings: TrialSettings


def owner(sweep: SweepFile, cell: CellKey) -> CellKey:
    """Returns the cell in whose search the settings of a cell are chosen."""
    return cell._replace(merge=sweep.searched_row(cell.model, cell.merge))


def candidates(
    sweep: SweepFile, cell: CellKey, untuned: TrialSettings, proposed: Sequence[Mapping[str, Any]] | None = None
) -> list[Candidate]:
    """Returns the trials of a row's search; none where nothing of its model is searched.

    Args:
        sweep: The sweep file.
        cell: The row on its dataset.
        untuned: The settings that the sweep file gives it.
        proposed: Settings after the first ones; by default they are drawn.
    """
    space, budget = sweep.space_of(cell.model), sweep.budget_of(cell.model)
    if not budget:
        return []
    assert sweep.search
    seeds = sweep.search.seeds
    drawn = _draws(space, cell, seeds, budget - 1) if proposed is None else proposed[: budget - 1]
    found = [Candidate(0, values_of(untuned, space), untuned)]
    found += [Candidate(number, values, with_values(untuned, values)) for number, values in enumerate(drawn, 1)]
    return [
        Candidate(one.number, one.values, one.settings.model_copy(update={"seed": seeds[one.number % len(seeds)]}))
        for one in found
    ]


def _draws(space: Space, cell: CellKey, seeds: Sequence[int], number: int) -> list[Mapping[str, Any]]:
    name = int.from_bytes(hashlib.sha256("/".join(cell).encode()).digest()[:8])
    random = np.random.default_rng([name, *seeds])
    return [{key: _draw(space[key], random) for key in sorted(space)} for _ in range(number)]


def _draw(dimension: Dimension, random: np.random.Generator) -> Any:
    if dimension.law == "choice":
        return dimension.values[int(random.integers(len(dimension.values)))]
    low, high = dimension.values
    if dimension.law == "int":
        return int(random.integers(low, high, endpoint=True))
    if dimension.law == "uniform":
        return rounded(random.uniform(low, high), dimension)
    return rounded(exp(random.uniform(log(low), log(high))), dimension)


def rounded(value: Any, dimension: Dimension) -> Any:
    """Returns a number of an interval with few digits, within it; any other value as it is."""
    if dimension.law not in ("uniform", "log_uniform"):
        return value
    digits = _DIGITS - 1 - floor(log10(abs(value))) if value else 0
    low, high = dimension.values
    return float(min(max(round(value, digits), low), high))


def with_values(settings: TrialSettings, values: Mapping[str, Any]) -> TrialSettings:
    """Returns a trial with some settings, such as `trainer.head_lr`, in place of its own."""
    changed: dict[str, Any] = {}
    for group, of_group in grouped(values):
        field = _field(settings, group)
        own = getattr(settings, field)
        changed[field] = own.model_copy(update=of_group) if group == "trainer" else {**own, **of_group}
    return settings.model_copy(update=changed)


def values_of(settings: TrialSettings, names: Iterable[str]) -> dict[str, Any]:
    """Returns some settings of a trial by name."""
    found: dict[str, Any] = {}
    for group, of_group in grouped(dict.fromkeys(names)):
        own = getattr(settings, _field(settings, group))
        of_trial = vars(own) if group == "trainer" else own
        found |= {f"{group}.{name}": of_trial[name] for name in of_group}
    return {name: found[name] for name in sorted(found)}


def _field(settings: TrialSettings, group: str) -> str:
    """Returns the field of a trial that has the settings of a group."""
    own = "structure_options" if isinstance(settings, TrainedSettings) else "system_options"
    return {"trainer": "trainer", "options": own}.get(group, f"{group}_options")


def score(record: Record, metric: SearchMetric) -> float:
    """Returns the validation score that a search goes by, in points."""
    return _by_metric(record.scores["valid_micro_f1"], record.scores["valid_macro_f1"], metric)


def score_so_far(history: Iterable[Mapping[str, float]], metric: SearchMetric) -> float:
    """Returns the score of a trial that goes on, by the best of each metric in its epochs so far."""
    entries = list(history)
    micro, macro = (max(entry[name] for entry in entries) for name in ("valid_micro_f1", "valid_macro_f1"))
    return _by_metric(micro, macro, metric)


def _by_metric(micro: float, macro: float, metric: SearchMetric) -> float:
    return {"micro": micro, "macro": macro, "mean": (micro + macro) / 2}[metric]
