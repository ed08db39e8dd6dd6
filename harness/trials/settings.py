"""From a sweep file to trials with every setting resolved, and the identity of each."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from datasets import READERS
from datasets.storage.description import folder_name
from harness.config.schema import Reduction, Resources, Strict, SweepFile, TrainerSettings
from harness.core.errors import ConfigError
from harness.core.files import sha256
from harness.core.registry import Component, nearest
from models import (
    OBJECTIVES,
    STRUCTURE_ENCODERS,
    TEXT_ENCODERS,
    BranchReduction,
    Coherence,
    Combine,
    HeadSplit,
    Merge,
    Priors,
)

RUNNER = Component("trial", "harness.training.run:run")
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
    combine: Combine
    """See the sweep file."""
    branch_reduction: BranchReduction
    """See the sweep file; `paper` is resolved."""
    split: HeadSplit
    """See the sweep file; without branches `hierarchy`."""
    priors: Priors
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


def _reduction(wanted: Reduction, merge: Merge) -> BranchReduction:
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


def flat_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings as one mapping from `outer.inner` names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flat_settings(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
