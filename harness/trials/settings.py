"""Trial settings: the models x merges x datasets x seeds of a sweep file, with every setting resolved."""

from collections import ChainMap
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from pydantic import TypeAdapter

from datasets import READERS
from datasets.storage.description import folder_name
from harness.config.schema import EncoderEntry, SweepFile
from harness.config.strict import Strict
from harness.config.trainer import BestEpoch, Resources, TrainerSettings
from harness.core.registry import Component
from models import (
    OBJECTIVES,
    STRUCTURE_ENCODERS,
    SYSTEMS,
    TEXT_ENCODERS,
    BranchReduction,
    Coherence,
    Combine,
    HeadSplit,
    Merge,
    Priors,
)
from models.refusals import Part
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
    """One model x merge x dataset x seed with every setting resolved; `SweepFile` says what each means.

    This is what trials of every kind have; what is run is a `TrainedSettings` or a `FittedSettings`.
    """

    kind: ClassVar[Component]
    """The function that runs such a trial, a `harness.training.kinds.Kind`."""

    model: str  # Key of the sweep file's entry, as is `dataset`; what is run is in the fields of the kind.
    merge: Merge
    dataset: str
    seed: int
    corpus: str  # Folder of the prepared corpus below the data folder.
    train_documents: int
    loads: dict[str, dict[str, str]]  # Of each part: option to SHA-256 of what lies where it says.
    resources: Resources

    @staticmethod
    def read(dumped: Mapping[str, Any]) -> "TrialSettings":
        """Returns the settings of which this is the `model_dump`."""
        return _ANY_KIND.validate_python(dumped)

    @property
    def cell(self) -> CellKey:
        return CellKey(self.model, self.merge, self.dataset)

    @property
    def name(self) -> str:
        """Name for people, such as `hitin masking pydocs seed 1`."""
        return f"{' '.join(self.cell)} seed {self.seed}"

    @property
    def parts(self) -> dict[str, Part]:
        """The parts that may be loaded from somewhere, with their options."""
        raise NotImplementedError

    @property
    def components(self) -> tuple[Component, ...]:
        """Everything chosen by name that can change the trial's numbers."""
        return tuple(part for part, _ in self.parts.values())

    @property
    def select(self) -> BestEpoch:
        """The best-epoch rule; without epochs all rules agree."""
        return "per_metric"

    @property
    def counting(self) -> dict[str, Any]:
        """What can change the trial's numbers, see `what_counts`; ten times as fast as `model_dump`."""
        return what_counts(dict(vars(self)))


class TrainedSettings(TrialSettings):
    """A trial that is trained by gradients."""

    kind = Component("trained", "harness.training.trained:measure")

    structure: str
    structure_options: dict[str, Any]  # Every option, the defaults among them; likewise below.
    objective: str
    objective_options: dict[str, Any]
    coherence: Coherence
    encoder: str
    encoder_options: dict[str, Any]
    combine: Combine
    branch_reduction: BranchReduction
    split: HeadSplit
    foreign_rows: bool
    priors: Priors
    trainer: TrainerSettings

    @property
    def parts(self) -> dict[str, Part]:
        structure = STRUCTURE_ENCODERS[self.structure], self.structure_options
        return {"encoder": (TEXT_ENCODERS[self.encoder], self.encoder_options), "structure": structure}

    @property
    def components(self) -> tuple[Component, ...]:
        return *super().components, OBJECTIVES[self.objective]

    @property
    def select(self) -> BestEpoch:
        return self.trainer.select

    @property
    def counting(self) -> dict[str, Any]:
        return what_counts({**vars(self), "trainer": vars(self.trainer)})


class FittedSettings(TrialSettings):
    """A trial of a system that is fitted at once, or whose predictions were made elsewhere."""

    kind = Component("fitted", "harness.training.fitted:measure")

    system: str
    system_options: dict[str, Any]
    encoder: str  # Whose vectors the system reads; empty where it reads texts.
    encoder_options: dict[str, Any]

    @property
    def parts(self) -> dict[str, Part]:
        encoder = {"encoder": (TEXT_ENCODERS[self.encoder], self.encoder_options)} if self.encoder else {}
        return {"system": (SYSTEMS[self.system], self.system_options), **encoder}


_ANY_KIND: TypeAdapter[TrainedSettings | FittedSettings] = TypeAdapter(TrainedSettings | FittedSettings)


def expand(sweep: SweepFile, sources: Sources | None = None) -> list[TrialSettings]:
    """Returns every trial, grouped by what trials share, so that a worker's caches serve the next one.

    With `sources` what the trials load is looked up: contents are in `loads`, and `revision` is a commit.
    """
    trials: list[TrialSettings] = []
    for dataset in sweep.datasets:
        # The settings of a cell are checked once, for its first seed.
        cells = [_cell(sweep, model, merge, dataset, sources) for model, merge in sweep.rows]
        seeds = dict.fromkeys(seed for cell in cells for seed in sweep.seeds_of(cell.model))
        trials += [
            cell.model_copy(update={"seed": seed})
            for seed in seeds
            for cell in cells
            if seed in sweep.seeds_of(cell.model)
        ]
    return trials


def _cell(sweep: SweepFile, model: str, merge: Merge, dataset: str, sources: Sources | None) -> TrialSettings:
    """Returns the trial of a cell's first seed."""
    column, entry = sweep.datasets[dataset], sweep.models[model]
    reader = column.reader or dataset
    shared: dict[str, Any] = {
        "model": model,
        "merge": merge,
        "dataset": dataset,
        "seed": sweep.seeds_of(model)[0],
        "corpus": folder_name(reader, READERS[reader].chosen(column.options)),
        "train_documents": column.train_documents,
        "resources": _overridden(sweep.resources, column.resources, entry.resources),
    }
    return (_fitted if sweep.is_system(model) else _trained)(sweep, shared, sources)


def _trained(sweep: SweepFile, shared: Mapping[str, Any], sources: Sources | None) -> TrainedSettings:
    model, merge = shared["model"], shared["merge"]
    entry, column = sweep.models[model], sweep.datasets[shared["dataset"]]
    structure, objective = sweep.component_of(model), OBJECTIVES[sweep.objective_of(model)]
    encoder = sweep.encoder_of(model)
    assert encoder, "no sweep file is read without it"
    options, loads = _resolved(sources, structure=(structure, entry.options), encoder=_encoder(encoder))
    return TrainedSettings(
        **shared,
        loads=loads,
        structure=structure.name,
        structure_options=options["structure"],
        objective=objective.name,
        objective_options=objective.resolved(entry.objective.options if entry.objective else {}),
        coherence=entry.coherence or objective.default_coherence,
        encoder=encoder.name,
        encoder_options=options["encoder"],
        combine="max" if merge == "none" else sweep.combine,
        branch_reduction=_reduction(sweep, model, merge),
        split="hierarchy" if merge == "none" else entry.split,
        foreign_rows=entry.foreign_rows and merge == "masking",
        priors=sweep.priors,
        trainer=_overridden(sweep.trainer, column.trainer, entry.trainer).at_rates_of(TEXT_ENCODERS[encoder.name]),
    )


def _fitted(sweep: SweepFile, shared: Mapping[str, Any], sources: Sources | None) -> FittedSettings:
    entry, system = sweep.models[shared["model"]], sweep.component_of(shared["model"])
    read = {"encoder": _encoder(entry.encoder)} if entry.encoder else {}
    given = {
        name: value.replace("{dataset}", shared["dataset"]) if isinstance(value, str) else value
        for name, value in entry.options.items()
    }
    options, loads = _resolved(sources, system=(system, given), **read)
    return FittedSettings(
        **{**shared, "resources": shared["resources"].model_copy(update={"gpus": 0.0})},
        loads=loads,
        system=system.name,
        system_options=options["system"],
        encoder=entry.encoder.name if entry.encoder else "",
        encoder_options=options.get("encoder", {}),
    )


def _encoder(entry: EncoderEntry) -> Part:
    return TEXT_ENCODERS[entry.name], entry.options


def _reduction(sweep: SweepFile, model: str, merge: Merge) -> BranchReduction:
    reduction = sweep.models[model].branch_reduction or sweep.branch_reduction
    if merge == "none":  # Without branches the two are one and the same, and so have one name.
        return "mean_global"
    if reduction == "paper":
        return "mean_local" if merge == "projection" else "mean_global"
    return reduction


def _resolved(sources: Sources | None, **parts: Part) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, str]]]:
    """Returns every option of each part, and the contents that options name; see `expand`."""
    options, loads = dict[str, dict[str, Any]](), dict[str, dict[str, str]]()
    for role, (part, given) in parts.items():
        options[role], loads[role] = part.resolved(given), {}
        if sources:
            options[role], loads[role] = sources.resolved(part, options[role])
    return options, loads


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
