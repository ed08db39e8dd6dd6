"""Schema of the sweep file: one YAML document, read into typed, frozen models.

Unknown keys, wrong types and unknown names are refused with file, line and the nearest valid name.
The text below each field is what `python -m harness.sweep --explain` prints.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from harness.config.literature import Claim, Published
from harness.config.search import ModelSearch, Search, Space
from harness.config.statistics import Compare, Statistics
from harness.config.strict import Name, Seeds, Strict
from harness.config.trainer import Resources, TrainerSettings
from harness.core.metric_names import Decision
from harness.core.registry import Component
from models import (
    OBJECTIVES,
    STRUCTURE_ENCODERS,
    SYSTEMS,
    TEXT_ENCODERS,
    Coherence,
    Combine,
    HeadSplit,
    Keep,
    Merge,
    Priors,
)

Reduction = Literal["paper", "mean_local", "mean_global"]
ONE_RUN = 0
"""Seed of the only run of a system that no seed changes."""


class EncoderEntry(Strict):
    """The text encoder."""

    name: str
    """A text encoder of `--list`."""
    options: dict[str, Any] = {}
    """Its options; `--list` names them."""


class ObjectiveEntry(Strict):
    """How logits become a loss and probabilities."""

    name: str
    """An objective of `--list`."""
    options: dict[str, Any] = {}
    """Its options; `--list` names them."""


class ModelEntry(Strict):
    """One row family of the table."""

    model: str | None = None
    """A model or a system of `--list`; by default the entry's own key, so that variants can share a model."""
    label: str | None = None
    """Name in the tables; by default the entry's key."""
    options: dict[str, Any] = {}
    """The model's options; `--list` names them."""
    objective: ObjectiveEntry | None = None
    """The objective of this model; by default its own, which is `bce` of most."""
    coherence: Coherence | None = None
    """Whether each label's probability is raised to the largest among its descendants, after branches are combined;
    by default where the objective's own probabilities are coherent, which a combination on a DAG can undo."""
    encoder: EncoderEntry | None = None
    """The text encoder of this model only; by default the sweep's. A system reads texts, unless one is named here."""
    merges: Annotated[tuple[Merge, ...], Field(min_length=1)] | None = None
    """Merges of this model only; by default the sweep's. A system has none."""
    seeds: Seeds | None = None
    """Seeds of this model only, such as those of imported predictions; by default the sweep's, or 0 alone for a
    system that no seed changes."""
    branch_reduction: Reduction | None = None
    """Denominator of a branch's loss for this model only; by default the sweep's."""
    split: HeadSplit = "hierarchy"
    """What the heads of a merge are for: a branch each; or, as controls, a level each (level), fixed random sets of
    labels of the branches' sizes (random), or all labels each (copies). Under merge none it changes nothing."""
    foreign_rows: bool = False
    """Whether masked heads also have classifier rows for the labels that they do not predict, at the paper's cost in
    parameters, time and regularisation; no prediction reads them. Under other merges it changes nothing."""
    control: bool = False
    """A control experiment: shown in a table of its own, outside comparisons and corrections."""
    search: ModelSearch | None = None
    """What is searched of this model; a sweep with `search` only."""
    trainer: dict[str, Any] = {}
    """Trainer settings for this model only, the fields of the sweep's `trainer`; they win over the dataset's."""
    resources: dict[str, Any] = {}
    """Resources for this model only."""


class DatasetEntry(Strict):
    """One column group of the table."""

    reader: str | None = None
    """A dataset of `--list`; by default the entry's own key."""
    label: str | None = None
    """Name in the tables; by default the entry's key."""
    options: dict[str, Any] = {}
    """The reader's options; `--list` names them."""
    train_documents: Annotated[int, Field(ge=0)] = 0
    """Train on this many documents only, the same seeded subset in every trial; 0 takes all."""
    trainer: dict[str, Any] = {}
    """Trainer settings for this dataset only, the fields of the sweep's `trainer`."""
    resources: dict[str, Any] = {}
    """Resources for this dataset only."""


class SweepFile(Strict):
    """One sweep: models x merges x datasets x seeds."""

    name: Name
    """Names the report files and the MLflow experiment."""
    title: str = ""
    """Heading of the report."""
    models: Annotated[dict[Name, ModelEntry], Field(min_length=1)]
    """Row families, by key."""
    merges: Annotated[tuple[Merge, ...], Field(min_length=1)] = get_args(Merge)
    """How branch heads are merged: none (the base model), masking, projection."""
    combine: Combine = "max"
    """How the branches' probabilities of a shared label are combined; all equal on trees."""
    branch_reduction: Reduction = "paper"
    """Denominator of a branch's loss: its own labels or all labels; paper is local under projection and
    global under masking."""
    priors: Priors = "train+val"
    """Splits on which parent-child shares are counted; the published programs use both."""
    datasets: Annotated[dict[Name, DatasetEntry], Field(min_length=1)]
    """Corpora, by key."""
    controls: tuple[Name, ...] = ("constant", "linear")
    """Systems added as controls unless `models` names them: what any method has to beat."""
    seeds: Seeds
    """One trial per cell and seed; all different."""
    encoder: EncoderEntry | None = None
    """The text encoder of every model that is trained; only a sweep of systems alone needs none."""
    trainer: TrainerSettings = TrainerSettings()
    """Trainer settings of every trial, unless a dataset or a model overrides them."""
    resources: Resources = Resources()
    """Resources of every trial, unless overridden."""
    search: Search | None = None
    """How settings are chosen on validation before the seeds are run; by default not at all."""
    compare: Compare | None = None
    """What is tested, and corrected together: `base`, `pairs`, `contrasts` or `{against: ROW}`. By default base; where
    no model has the base merge and another, `contrasts` if there are any, else against `linear`, else pairs."""
    contrasts: tuple[tuple[str, str], ...] = ()
    """Single comparisons that are tested as well, each `[ROW, ROW]`: the first against the second, also of controls."""
    statistics: Statistics = Statistics()
    """How comparisons are tested."""
    decision: Decision = "0.5"
    """How values become labels in the tables: above 0.5, above one threshold chosen on validation, or above one chosen
    for each label. Every trial is scored by all of them."""
    published: dict[Name, Published] = {}
    """Scores from the literature, by a short name of the source."""
    claims: dict[Name, Claim] = {}
    """Statements to be judged, by short name."""
    notes: tuple[str, ...] = ()
    """Deviations from the literature and other remarks, printed in the report."""
    data_dir: str = "data"
    """Folder of prepared corpora; relative to where the command is typed."""
    keep: Keep = "best"
    """Which trained models stay in the store: of each row on each dataset the seed that is best on validation, all, or
    none. `python -m harness.export` hands one on."""
    store: str = "store"
    """Folder of finished trials; on a cluster, one that every node sees."""
    tracking: str = "sqlite:///mlflow.db"
    """MLflow tracking URI; relative SQLite paths are relative to where the command is typed."""
    reports_dir: str = "reports"
    """Folder that the report files are written to."""

    @field_validator("decision", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return str(given) if isinstance(given, float) else given

    @field_validator("published", mode="before")
    @classmethod
    def _named_sources(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("source"), str):
            raise ValueError("give the source a short name: `published: {NAME: {source: ..., scores: ...}}`")
        return given

    def space_of(self, model: str) -> Space:
        """Returns the settings of a model that are searched; none of a system unless its entry names some."""
        if self.search is None:
            return {}
        own = self.models[model].search
        shared = {} if self.is_system(model) else self.search.space
        return {**shared, **(own.space if own else {})}

    def budget_of(self, model: str) -> int:
        """Returns the number of trials in the search of each of a model's rows; 0 where nothing is searched."""
        if self.search is None or not self.space_of(model):
            return 0
        own = self.models[model].search
        return (own and own.trials) or self.search.trials

    def searched_row(self, model: str, merge: str) -> str:
        """Returns the merge under which the settings of a row are searched."""
        merges = self.merges_of(model)
        if self.search is None or self.search.shared_by == "none":
            return merge
        return self.statistics.base if self.statistics.base in merges else merges[0]

    def merges_of(self, model: str) -> tuple[Merge, ...]:
        return ("none",) if self.is_system(model) else self.models[model].merges or self.merges

    def is_system(self, model: str) -> bool:
        """Returns whether a model is fitted or imported, and not trained by gradients."""
        return self.name_of(model) in SYSTEMS

    def name_of(self, model: str) -> str:
        """Returns the model or system of `--list` that an entry runs."""
        return self.models[model].model or model

    def component_of(self, model: str) -> Component:
        """Returns the structure encoder of a model, or the system that it is."""
        return (SYSTEMS if self.is_system(model) else STRUCTURE_ENCODERS)[self.name_of(model)]

    def encoder_of(self, model: str) -> EncoderEntry | None:
        """Returns the text encoder of a model, its own or the sweep's; None of a system that reads texts."""
        return self.models[model].encoder or (None if self.is_system(model) else self.encoder)

    def is_standing(self, model: str) -> bool:
        """Returns whether a model is a control that every sweep has."""
        return model in self.controls and self.models[model] == ModelEntry(control=True)

    def seeds_of(self, model: str) -> tuple[int, ...]:
        """Returns the seeds of a model's trials: one, 0, where the seed changes nothing."""
        return self.models[model].seeds or ((ONE_RUN,) if self._is_fixed(model) else self.seeds)

    def has_one_run(self, model: str) -> bool:
        """Returns whether one run stands for a system: no seed changes it, or no other run was imported."""
        return self._is_fixed(model) and len(self.seeds_of(model)) == 1

    def _is_fixed(self, model: str) -> bool:
        """Returns whether a model is a system that no seed changes, nor the text encoder whose vectors it reads."""
        read = self.models[model].encoder
        parts = (self.component_of(model), *([TEXT_ENCODERS[read.name]] if read else []))
        return self.is_system(model) and all(part.deterministic for part in parts)

    def reads_hierarchy(self, model: str) -> bool:
        """Returns whether a model's logits or its objective depend on the edges between labels."""
        objective = () if self.is_system(model) else (OBJECTIVES[self.objective_of(model)],)
        return any(part.reads_hierarchy for part in (self.component_of(model), *objective))

    def reconstruction_of(self, model: str) -> str:
        """Returns why a model may not be what its paper describes; empty where nothing is in doubt."""
        return self.component_of(model).reconstruction

    def objective_of(self, model: str) -> str:
        chosen = self.models[model].objective
        return chosen.name if chosen else self.component_of(model).default_objective

    @property
    def comparing(self) -> Compare:
        """What is compared: what `compare` says, or its default."""
        if self.compare is not None:
            return self.compare
        kept = [self.merges_of(model) for model, entry in self.models.items() if not entry.control]
        if any(self.statistics.base in merges and len(merges) > 1 for merges in kept):
            return Compare(rule="base")
        if self.contrasts:
            return Compare(rule="contrasts")
        return Compare(rule="against", against=self.linear[0]) if self.linear else Compare(rule="pairs")

    @property
    def linear(self) -> tuple[str, ...]:
        """Keys of the models that are the system `linear`."""
        return tuple(model for model in self.models if self.name_of(model) == "linear")

    @property
    def named_rows(self) -> dict[str, tuple[str, Merge]]:
        """Every way to write a row: `model/merge`, and `model` where it has one merge."""
        alone = {model: (model, merge) for model, merge in self.rows if len(self.merges_of(model)) == 1}
        return {**{f"{model}/{merge}": (model, merge) for model, merge in self.rows}, **alone}

    @property
    def rows(self) -> list[tuple[str, Merge]]:
        """Every model with each of its merges: the rows of the table."""
        return [(model, merge) for model in self.models for merge in self.merges_of(model)]
