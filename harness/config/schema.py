"""Schema of the sweep file: one YAML document, read into typed, frozen models.

Unknown keys, wrong types and unknown names are refused with file, line and the nearest valid name.
The text below each field is what `python -m harness.sweep --explain` prints.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.core.metric_names import HEADLINE, Headline
from models import OBJECTIVES, STRUCTURE_ENCODERS, Coherence, Combine, HeadSplit, Merge, Priors

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Positive = Annotated[int, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Reduction = Literal["paper", "mean_local", "mean_global"]
BestEpoch = Literal["per_metric", "micro", "macro"]
Metrics = Annotated[tuple[Headline, ...], Field(min_length=1)]


class Strict(BaseModel):
    """Frozen, without conversion between types, unknown keys, infinities and NaN."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TrainerSettings(Strict):
    """How a trial is trained; the defaults are the paper's framework with its intended values."""

    epochs: Positive = 100
    """Passes over the training documents, at most."""
    patience: Positive = 50
    """Epochs in which validation micro and macro F are both below their best, before stopping early."""
    batch_size: Annotated[int, Field(gt=1)] = 16
    """Documents per optimiser step."""
    encoder_lr: NonNegativeFloat = 2e-5
    """Peak learning rate of the text encoder."""
    head_lr: NonNegativeFloat = 1e-4
    """Peak learning rate of everything behind the text encoder."""
    weight_decay: NonNegativeFloat = 0.01
    """AdamW decay (the paper's lambda 1); biases and the weights of normalisation layers are exempt."""
    recursive_penalty: NonNegativeFloat = 1e-6
    """Weight of the recursive regularisation (the paper's lambda 2)."""
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of all planned steps over which the learning rate rises linearly; then it falls linearly to 0."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Global L2 norm to which gradients are clipped."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of the forward pass; auto is bf16 on GPUs that have it, else fp32. Single precision is full on
    every device: TF32 is off."""
    select: BestEpoch = "per_metric"
    """Best-epoch rule on validation: micro from the best-micro epoch and macro from the best-macro
    epoch, or both from one of them."""
    branch_cosines: bool = False
    """Whether every epoch ends with the cosines between the gradients of the heads' losses in the text encoder:
    their mean, the least, and the share below 0. Nothing that is trained changes; a report has means over epochs."""


class Resources(Strict):
    """What one trial occupies; never part of a trial's identity."""

    cpus: Positive = 1
    """CPU cores, and as many torch threads."""
    gpus: NonNegativeFloat | Literal["auto"] = 0.0
    """GPUs; a fraction shares one; auto measures what a trial needs of one, so that as many share it as fit, and
    is 0 where there is none."""
    time_limit_minutes: NonNegativeFloat = 0.0
    """Longest run of one trial before it counts as hung and is started again; 0 is no limit."""

    @property
    def shares_gpu(self) -> bool:
        """Whether other trials may be on the same GPU."""
        return self.gpus != "auto" and 0 < self.gpus < 1

    def alone(self) -> "Resources":
        """Returns the same with a whole GPU in place of a share of one."""
        return self.model_copy(update={"gpus": 1.0}) if self.shares_gpu else self


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
    """A model of `--list`; by default the entry's own key, so that variants can share a model."""
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
    """The text encoder of this model only; by default the sweep's."""
    merges: Annotated[tuple[Merge, ...], Field(min_length=1)] | None = None
    """Merges of this model only; by default the sweep's."""
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


class Statistics(Strict):
    """Which rows are compared, and how (see the footnote of every report)."""

    base: Merge = "none"
    """The merge that every other merge of the same model is compared with, paired by seed."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Family-wise error rate of the stars, by Holm in each of two families: averages, and single datasets."""
    star_metrics: Metrics = HEADLINE
    """Metrics of the table."""
    paired: bool = True
    """Runs of one seed are pairs. false where seeds mean nothing across merges: arms are then compared as wholes, by
    Welch's t. To be decided before the first run, never by what the results look like."""
    smallest_effect: Annotated[float, Field(gt=0)] = 0.5
    """Smallest difference of interest, in points: what is surely smaller is negligible."""
    allow_mixed: bool = False
    """Compare scores of one seed also where the two runs were made by different commits or on different hardware;
    times never."""
    other_test_documents: tuple[Name, ...] = ()
    """Datasets whose published scores are of another draw of test documents than ours: their sampling error, and that
    of ours, is then counted in where the two are compared."""


class Claim(Strict):
    """A statement of the literature, judged in the report: a conjunction over rows, data and metrics."""

    text: str
    """The statement, as it is printed."""
    kind: Literal["best", "rises", "falls", "no_gain", "within", "larger_gain", "time_ratio", "equivalent", "exceeds"]
    """best of its model's merges; rises or falls against the base merge; no gain over it; a difference within
    bounds; the first model gains more than the second, over the merges that both have; training time over the base's
    within bounds; the first row's difference from the second within bounds; above a published score."""
    rows: Annotated[tuple[str, ...], Field(min_length=1)]
    """`model key/merge`; of larger_gain the two model keys."""
    source: str = ""
    """Of exceeds: the source of `published` whose scores are exceeded."""
    data: Annotated[tuple[str, ...], Field(min_length=1)] = ("average",)
    """Dataset keys, or `average`."""
    metrics: Metrics = HEADLINE
    """Metrics of the table."""
    bounds: tuple[float, float] = (-1.0, 1.0)
    """The lower and the higher: of within and equivalent, in points; of time_ratio, ratios above 0."""


class PublishedScore(Strict):
    """F in points: a number, which is one run's, or a mean over runs."""

    mean: Annotated[float, Field(ge=0, le=100)]
    """The number, or the mean."""
    sd: NonNegativeFloat | None = None
    """Standard deviation over runs."""
    n: Annotated[int, Field(gt=1)] | None = None
    """Number of runs. A mean without it counts as one run's score or, with an sd, as that of the fewest, 2."""

    @model_validator(mode="before")
    @classmethod
    def _of_number(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else {"mean": given}


PublishedRows = dict[str, dict[str, dict[Headline, PublishedScore]]]
"""Row or system to dataset key to metric to score."""


class Published(Strict):
    """Scores from the literature. Those of the first source are held against ours, others are shown beside them."""

    source: str
    """Where the numbers stand."""
    scores: PublishedRows = {}
    """`model key/merge` to dataset key to metric to F in points, or to `{mean: ..., sd: ..., n: ...}`."""
    literature: PublishedRows = {}
    """The same of systems that are no rows of this sweep, by name."""


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
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**32)], ...], Field(min_length=1)]
    """One trial per cell and seed; all different."""
    encoder: EncoderEntry
    """The text encoder of every trial."""
    trainer: TrainerSettings = TrainerSettings()
    """Trainer settings of every trial, unless a dataset or a model overrides them."""
    resources: Resources = Resources()
    """Resources of every trial, unless overridden."""
    statistics: Statistics = Statistics()
    """Comparisons, and how they are tested."""
    published: dict[Name, Published] = {}
    """Scores from the literature, by a short name of the source."""
    claims: dict[Name, Claim] = {}
    """Statements to be judged, by short name."""
    notes: tuple[str, ...] = ()
    """Deviations from the literature and other remarks, printed in the report."""
    data_dir: str = "data"
    """Folder of prepared corpora; relative to where the command is typed."""
    store: str = "store"
    """Folder of finished trials; on a cluster, one that every node sees."""
    tracking: str = "sqlite:///mlflow.db"
    """MLflow tracking URI; relative SQLite paths are relative to where the command is typed."""
    reports_dir: str = "reports"
    """Folder that the report files are written to."""

    @field_validator("published", mode="before")
    @classmethod
    def _named_sources(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("source"), str):
            raise ValueError("give the source a short name: `published: {NAME: {source: ..., scores: ...}}`")
        return given

    def merges_of(self, model: str) -> tuple[Merge, ...]:
        return self.models[model].merges or self.merges

    def structure_of(self, model: str) -> str:
        return self.models[model].model or model

    def reads_hierarchy(self, model: str) -> bool:
        """Returns whether a model's logits or its objective depend on the edges between labels."""
        parts = STRUCTURE_ENCODERS[self.structure_of(model)], OBJECTIVES[self.objective_of(model)]
        return any(part.reads_hierarchy for part in parts)

    def reconstruction_of(self, model: str) -> str:
        """Returns why a model may not be what its paper describes; empty where nothing is in doubt."""
        return STRUCTURE_ENCODERS[self.structure_of(model)].reconstruction

    def objective_of(self, model: str) -> str:
        chosen = self.models[model].objective
        return chosen.name if chosen else STRUCTURE_ENCODERS[self.structure_of(model)].default_objective

    @property
    def rows(self) -> list[tuple[str, Merge]]:
        """Every model with each of its merges: the rows of the table."""
        return [(model, merge) for model in self.models for merge in self.merges_of(model)]
