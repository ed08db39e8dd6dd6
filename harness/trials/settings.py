"""Trial settings: the models x merges x datasets x seeds of a sweep file, with every setting resolved."""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from datasets import READERS
from datasets.storage.description import folder_name
from harness.config.schema import SweepFile
from harness.config.strict import Strict
from harness.config.trainer import Resources, TrainerSettings
from harness.core.registry import Component
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
from models.sources import Sources

NOT_IDENTITY = frozenset({"model", "dataset", "resources"})
"""Fields of a trial that cannot change its numbers: what the sweep calls things, and where it runs."""

Settings = TypeVar("Settings", TrainerSettings, Resources)


class CellKey(NamedTuple):
    """The trials that differ only in seed."""

    model: str
    merge: str
    dataset: str


class TrialSettings(Strict):
    """One model x merge x dataset x seed with every setting resolved; `SweepFile` says what each means."""

    model: str  # Key of the sweep file's entry, as is `dataset`; what they name is in `structure` and `corpus`.
    merge: Merge
    dataset: str
    seed: int
    structure: str
    structure_options: dict[str, Any]  # Every option, the defaults among them; likewise below.
    objective: str
    objective_options: dict[str, Any]
    coherence: Coherence
    encoder: str
    encoder_options: dict[str, Any]
    loads: dict[str, dict[str, str]]  # Of encoder and structure: option to SHA-256 of what lies where it says.
    combine: Combine
    branch_reduction: BranchReduction
    split: HeadSplit
    foreign_rows: bool
    priors: Priors
    corpus: str  # Folder of the prepared corpus below the data folder.
    train_documents: int
    trainer: TrainerSettings
    resources: Resources

    @property
    def cell(self) -> CellKey:
        return CellKey(self.model, self.merge, self.dataset)

    @property
    def name(self) -> str:
        """Name for people, such as `hitin masking pydocs seed 1`."""
        return f"{' '.join(self.cell)} seed {self.seed}"

    @property
    def parts(self) -> dict[str, tuple[Component, dict[str, Any]]]:
        """The parts that may be loaded from somewhere, with their options."""
        structure = STRUCTURE_ENCODERS[self.structure], self.structure_options
        return {"encoder": (TEXT_ENCODERS[self.encoder], self.encoder_options), "structure": structure}

    @property
    def counting(self) -> dict[str, Any]:
        """What can change the trial's numbers, see `what_counts`; ten times as fast as `model_dump`."""
        return what_counts({**vars(self), "trainer": vars(self.trainer)})


def expand(sweep: SweepFile, sources: Sources | None = None) -> list[TrialSettings]:
    """Returns every trial, grouped by what trials share, so that a worker's caches serve the next one.

    With `sources` what the trials load is looked up: contents are in `loads`, and `revision` is a commit.
    """
    trials: list[TrialSettings] = []
    for dataset in sweep.datasets:
        cells = [_cell(sweep, model, merge, dataset, sources) for model, merge in sweep.rows]
        # The settings of a cell are checked once, for the sweep's first seed.
        trials += [cell.model_copy(update={"seed": seed}) for seed in sweep.seeds for cell in cells]
    return trials


def _cell(sweep: SweepFile, model: str, merge: Merge, dataset: str, sources: Sources | None) -> TrialSettings:
    entry, column = sweep.models[model], sweep.datasets[dataset]
    structure, objective = sweep.structure_of(model), sweep.objective_of(model)
    encoder, reader = entry.encoder or sweep.encoder, column.reader or dataset
    reduction = entry.branch_reduction or sweep.branch_reduction
    if merge == "none":  # Without branches the two are one and the same, and so have one name.
        reduction = "mean_global"
    elif reduction == "paper":
        reduction = "mean_local" if merge == "projection" else "mean_global"
    options, loads = dict[str, dict[str, Any]](), dict[str, dict[str, str]]()
    for role, part, given in (
        ("structure", STRUCTURE_ENCODERS[structure], entry.options),
        ("encoder", TEXT_ENCODERS[encoder.name], encoder.options),
    ):
        options[role], loads[role] = part.resolved(given), {}
        if sources:
            options[role], loads[role] = sources.resolved(part, options[role])
    return TrialSettings(
        model=model,
        merge=merge,
        dataset=dataset,
        seed=sweep.seeds[0],
        structure=structure,
        structure_options=options["structure"],
        objective=objective,
        objective_options=OBJECTIVES[objective].resolved(entry.objective.options if entry.objective else {}),
        coherence=entry.coherence or OBJECTIVES[objective].default_coherence,
        encoder=encoder.name,
        encoder_options=options["encoder"],
        loads=loads,
        combine="max" if merge == "none" else sweep.combine,
        branch_reduction=reduction,
        split="hierarchy" if merge == "none" else entry.split,
        foreign_rows=entry.foreign_rows and merge == "masking",
        priors=sweep.priors,
        corpus=folder_name(reader, READERS[reader].chosen(column.options)),
        train_documents=column.train_documents,
        trainer=_overridden(sweep.trainer, column.trainer, entry.trainer),
        resources=_overridden(sweep.resources, column.resources, entry.resources),
    )


def _overridden(settings: Settings, *overrides: dict[str, Any]) -> Settings:
    """Returns the settings with what each override sets, the last one winning."""
    return type(settings)(**ChainMap(*reversed(overrides), settings.model_dump()))


def what_counts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what can change the numbers of a trial, of its settings: the content of files in place of their paths."""
    counting = {**settings, **dict.fromkeys((*NOT_IDENTITY, "loads"))}
    for role, contents in settings["loads"].items():
        counting[f"{role}_options"] = {**settings[f"{role}_options"], **contents}
    return counting


def flat_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings as one mapping from `outer.inner` names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flat_settings(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
