"""From a sweep file to cells and trials, their identity, and what of it is done, new or failed.

Imports neither torch nor Ray: a plan is a matter of a second.
"""

import hashlib
import json
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from datasets import READERS
from datasets.meta import exact_command, folder_name, read_meta
from harness.config import Reduction, Resources, Strict, SweepFile, TrainerSettings
from harness.errors import ConfigError, DataError
from harness.files import sha256
from harness.registry import Component, nearest
from harness.store import Record, State, Store
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS, Coherence, Merge, Split

RUNNER = Component("trial", "harness.trial:run")
"""What runs a trial, whatever is trained; its numerics are part of every trial's identity."""

NOT_IDENTITY = frozenset({"model", "dataset", "resources"})
"""Fields of a trial that cannot change its numbers: what the sweep calls things, and where it runs."""

Settings = TypeVar("Settings", bound=Strict)
FIELDS = ("model", "merge", "dataset", "seed")
Cell = tuple[str, str, str]
"""Model, merge, dataset."""


class Trial(Strict):
    """One model x merge x dataset x seed with every setting resolved."""

    model: str
    """Key of the sweep file's entry."""
    merge: Merge
    """See the sweep file."""
    dataset: str
    """Key of the sweep file's entry."""
    seed: int
    """See the sweep file."""
    structure: str
    """Registered structure encoder."""
    structure_options: dict[str, Any]
    """Every option of it."""
    objective: str
    """Registered objective."""
    objective_options: dict[str, Any]
    """Every option of it."""
    coherence: Coherence
    """See the sweep file; the objective's default is resolved."""
    encoder: str
    """Registered text encoder."""
    encoder_options: dict[str, Any]
    """Every option of it."""
    combine: Literal["max", "sum", "mean"]
    """See the sweep file."""
    branch_reduction: Literal["mean_local", "mean_global"]
    """See the sweep file; `paper` is resolved."""
    split: Split
    """See the sweep file; without branches `hierarchy`."""
    priors: Literal["train", "train+val"]
    """See the sweep file."""
    corpus: str
    """Folder of the prepared corpus below the data folder."""
    train_documents: int
    """See the sweep file."""
    trainer: TrainerSettings
    """Sweep settings, overridden by the dataset's, overridden by the model's."""
    resources: Resources
    """Likewise."""

    @property
    def cell(self) -> Cell:
        return self.model, self.merge, self.dataset


@dataclass(frozen=True)
class Planned:
    """A trial with its identity.

    Attributes:
        trial: The resolved settings.
        key: Its identity; empty while its corpus is not prepared.
        state: What the store knows of it.
        record: What it left, if done.
        why: In a few words, why it is in that state.
    """

    trial: Trial
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
    trials: tuple[Planned, ...]
    problems: dict[str, str]
    filters: tuple[str, ...] = ()

    def of_state(self, state: State) -> list[Planned]:
        return [planned for planned in self.trials if planned.state == state]

    def cells(self) -> dict[Cell, list[Planned]]:
        """Returns the trials by (model, merge, dataset)."""
        cells: dict[Cell, list[Planned]] = {}
        for planned in self.trials:
            cells.setdefault(planned.trial.cell, []).append(planned)
        return cells

    def seconds_left(self, slots: int) -> float | None:
        """Returns an estimate for the new trials; None without any finished one."""
        return Durations(self.trials).estimate(Counter(one.trial.cell for one in self.of_state("new")), slots)

    def renewed(self) -> "Plan":
        """Returns the plan with what the store knows now of the trials that had no record."""
        store = Store(Path(self.sweep.store))
        trials = (one if one.record or not one.key else _look_up(one.trial, one.key, store) for one in self.trials)
        return replace(self, trials=tuple(trials))


class Durations:
    """How long finished trials took, by what they share with others.

    Args:
        trials: The first ones; those without a record count for nothing.
    """

    def __init__(self, trials: Iterable[Planned] = ()):
        self._sorted: dict[Cell, list[float]] = defaultdict(list)
        for planned in trials:
            if planned.record:
                self.add(planned.trial.cell, planned.record.seconds)

    def add(self, cell: Cell, seconds: float) -> None:
        """Takes in a finished trial."""
        for group in _groups(cell):
            insort(self._sorted[group], seconds)

    def estimate(self, todo: Mapping[Cell, int], slots: int) -> float | None:
        """Returns the seconds for a number of trials of each cell, going by the median of the nearest finished ones.

        Nearest are those of the cell, else of its model on its dataset, else of its dataset, else any.
        """
        if not self._sorted:
            return None
        return sum(number * self._typical(cell) for cell, number in todo.items()) / slots

    def _typical(self, cell: Cell) -> float:
        alike = next(self._sorted[group] for group in _groups(cell) if group in self._sorted)
        return (alike[(len(alike) - 1) // 2] + alike[len(alike) // 2]) / 2


def _groups(cell: Cell) -> tuple[Cell, Cell, Cell, Cell]:
    """Returns what a cell belongs to, the narrowest first."""
    model, _, dataset = cell
    return cell, (model, "", dataset), ("", "", dataset), ("", "", "")


def expand(sweep: SweepFile, filters: Sequence[str] = ()) -> list[Trial]:
    """Returns every trial, grouped by what trials share, so that a worker's caches serve the next one.

    Raises:
        ConfigError: On a filter that is none, or that leaves no trial.
    """
    chosen = _chosen(sweep, filters)
    rows = [(model, merge) for model, merge in sweep.rows if model in chosen["model"] and merge in chosen["merge"]]
    trials: list[Trial] = []
    for dataset in chosen["dataset"]:
        cells = [_cell(sweep, model, merge, dataset) for model, merge in rows]
        # The settings of a cell are checked once, for its first seed.
        trials += [cell.model_copy(update={"seed": seed}) for seed in chosen["seed"] for cell in cells]
    if not trials:
        raise ConfigError(f"No trial passes the filter {' '.join(filters)!r}; `--dry-run` without it lists all.")
    return trials


def _cell(sweep: SweepFile, model: str, merge: Merge, dataset: str) -> Trial:
    """Returns a cell's trial of the sweep's first seed."""
    entry, column = sweep.models[model], sweep.datasets[dataset]
    structure, objective = sweep.structure_of(model), sweep.objective_of(model)
    encoder = entry.encoder or sweep.encoder
    return Trial(
        model=model,
        merge=merge,
        dataset=dataset,
        seed=sweep.seeds[0],
        structure=structure,
        structure_options=STRUCTURE_ENCODERS[structure].resolved(entry.options),
        objective=objective,
        objective_options=OBJECTIVES[objective].resolved(entry.objective.options if entry.objective else {}),
        coherence=entry.coherence or OBJECTIVES[objective].default_coherence,
        encoder=encoder.name,
        encoder_options=TEXT_ENCODERS[encoder.name].resolved(encoder.options),
        combine="max" if merge == "none" else sweep.combine,
        branch_reduction=_reduction(entry.branch_reduction or sweep.branch_reduction, merge),
        split="hierarchy" if merge == "none" else entry.split,
        priors=sweep.priors,
        corpus=_corpus(column.reader or dataset, column.options),
        train_documents=column.train_documents,
        trainer=_overridden(sweep.trainer, column.trainer, entry.trainer),
        resources=_overridden(sweep.resources, column.resources, entry.resources),
    )


def _reduction(wanted: Reduction, merge: Merge) -> Literal["mean_local", "mean_global"]:
    """Resolves `paper`; without branches the two are one and the same, and so have one name."""
    if merge == "none":
        return "mean_global"
    if wanted == "paper":
        return "mean_local" if merge == "projection" else "mean_global"
    return wanted


def _corpus(reader: str, options: dict[str, Any]) -> str:
    return folder_name(reader, READERS[reader].chosen(options))


def _overridden(settings: Settings, *overrides: dict[str, Any]) -> Settings:
    """Returns the settings with what each override sets, the last one winning."""
    merged = settings.model_dump()
    for override in overrides:
        merged |= override
    return type(settings)(**merged)


def identity(trial: Trial, fingerprint: str) -> str:
    """Returns 16 hex digits of the hash of everything that can change a trial's numbers.

    That is its resolved settings but for `NOT_IDENTITY`, the fingerprint of the prepared data, the content
    of local files and folders that the text encoder and the model are loaded from, and the numerics version of each
    part.
    """
    parts = (
        RUNNER,
        TEXT_ENCODERS[trial.encoder],
        STRUCTURE_ENCODERS[trial.structure],
        OBJECTIVES[trial.objective],
    )
    said = {
        "settings": trial.model_dump(exclude=set(NOT_IDENTITY)),
        "data": fingerprint,
        "folders": {
            f"{part} {name}": content_digest(Path(value).expanduser())
            for part, options in (("encoder", trial.encoder_options), ("structure", trial.structure_options))
            for name, value in options.items()
            if isinstance(value, str) and value and Path(value).expanduser().exists()
        },
        "numerics": {module: version for part in parts for module, version in part.numerics.items()},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@cache
def content_digest(place: Path) -> str:
    """Returns a hash of a file's content, or of the names and contents of a folder's files."""
    if place.is_file():
        return sha256(place)
    digest = hashlib.sha256()
    for path in sorted(place.glob("*")):
        if path.is_file():
            digest.update(path.name.encode() + bytes.fromhex(sha256(path)))
    return digest.hexdigest()


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
        Planned(trial, key, "new", None, why.get(key, "never run")) for trial, key in zip(trials, keys, strict=True)
    ]
    return Plan(sweep, tuple(planned), problems, tuple(filters))


def _look_up(trial: Trial, key: str, store: Store) -> Planned:
    if record := store.record(key):
        return Planned(trial, key, "done", record, f"finished {record.finished}")
    if not store.has_folder(key):
        return Planned(trial, key, "new", None, "never run")
    if failure := store.failure(key):
        return Planned(trial, key, "failed", None, f"{failure.kind}: {failure.message}")
    return Planned(trial, key, "new", None, "started, not finished")


def _chosen(sweep: SweepFile, filters: Iterable[str]) -> dict[str, list[Any]]:
    """Returns, per field of a trial, the values that meet every `field=value` and `field!=value`."""
    chosen: dict[str, list[Any]] = {
        "model": list(sweep.models),
        "merge": list(dict.fromkeys(merge for _, merge in sweep.rows)),
        "dataset": list(sweep.datasets),
        "seed": list(sweep.seeds),
    }
    known = {field: [str(value) for value in values] for field, values in chosen.items()}
    for text in filters:
        field, operator, value = text.partition("!=" if "!=" in text else "=")
        if field not in FIELDS or not operator:
            raise ConfigError(f"The filter {text!r} is not field=value or field!=value.{nearest(field, FIELDS)}")
        if value not in known[field]:
            raise ConfigError(f"The filter {text!r} names no {field} of this sweep.{nearest(value, known[field])}")
        chosen[field] = [one for one in chosen[field] if (str(one) == value) == (operator == "=")]
    return chosen


def changed_settings(trial: Trial, record: Record) -> list[str]:
    """Returns `name: then -> now` for each setting in which a finished trial of the same name differs."""
    then, now = flat_settings(record.settings), flat_settings(trial.model_dump(mode="json"))
    names = sorted(then.keys() | now.keys())
    return [f"{name}: {then.get(name)} -> {now.get(name)}" for name in names if then.get(name) != now.get(name)]


def flat_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings as one mapping from `outer.inner` names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flat_settings(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


if __name__ == "__main__":
    from harness import cli, foresight  # Reports, only where one asks what could be shown

    cli.run(foresight.main)
