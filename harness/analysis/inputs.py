"""Inputs of the analysis: trial results, facts about datasets, provenance."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.config.schema import SweepFile
from harness.core.metric_names import Decision
from harness.stats.document_sample import DocumentSample
from harness.trials.settings import CellKey


class RunKey(NamedTuple):
    """What tells the runs on one dataset apart."""

    model: str
    merge: str
    seed: int


Samples = Mapping[str, DocumentSample[RunKey]]
"""Dataset to its test documents under every run whose predictions are known."""


class TrialPlace(NamedTuple):
    """What tells the planned trials of a sweep apart."""

    model: str
    merge: str
    dataset: str
    seed: int


@dataclass(frozen=True)
class TrialResult:
    """How one trial ended.

    Attributes:
        scores: Metric to value, F in points; None if the trial failed.
        failure: Why it failed; None if it did not.
        train_seconds: Time of the training steps alone.
        num_parameters: Number of trainable parameters.
        predictions_sha256: SHA-256 of the predictions on the test documents.
        key: Identity of the trial.
        micro_batches: Number of parts that each batch was cut into, for want of memory.
        made_on: Commit and hardware; two runs are only compared where they agree.
        has_decisions: Whether its scores are known by every decision rule; else its labels are the same by all.
        failure_kind: The kind of its failure, a `FailureKind` of the store.
        seconds: Time of the whole trial.
        peak_memory_mb: The most memory that it took, in MB.
        num_parameters_by_part: Part of the model to its number of trainable parameters.
        environment: What it was made with, by the names of `harness.reporting.collect.MADE_WITH`.
        still_improving: Whether a best epoch behind the scores is the last one that was allowed, so that more training
            may change them; None where there are no epochs.
    """

    model: str
    merge: str
    dataset: str
    seed: int
    scores: Mapping[str, float] | None
    failure: str | None
    train_seconds: float | None
    num_parameters: int | None
    predictions_sha256: str | None
    key: str
    micro_batches: int = 1
    made_on: str = ""
    num_epochs: int = 1
    still_improving: bool | None = None
    has_decisions: bool = False
    failure_kind: str | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    num_parameters_by_part: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> TrialPlace:
        """Its place in the plan."""
        return TrialPlace(self.model, self.merge, self.dataset, self.seed)


@dataclass(frozen=True)
class DatasetFacts:
    """Facts about a prepared corpus.

    Attributes:
        num_labels: Number of labels of the vocabulary, the root not counted.
        num_branches: Number of children of the root.
        num_documents: Split to number of documents.
        fingerprint: Digest of the prepared data.
        label_groups: Group of labels to its number of labels, and how many of them a test document has.
    """

    num_labels: int
    num_branches: int
    num_documents: Mapping[str, int]
    fingerprint: str
    notes: tuple[str, ...] = ()
    label_groups: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Registration:
    """Whether the plan was frozen before anything was known, and followed."""

    frozen: str  # UTC time, ISO 8601; empty where no plan was frozen.
    sha256: str  # Hash of the plan.
    num_older: int  # Results that are older than the plan.
    changes: tuple[str, ...]  # What is otherwise by now.
    num_seeds: int  # Seeds of the plan; where none was frozen, those of the sweep file.


@dataclass(frozen=True)
class Facts:
    """What the report says beyond the scores.

    Attributes:
        banner: Warning to stand above everything; None for a research benchmark.
        dataset_facts: Dataset key to facts.
        provenance: Commit, versions, hardware, hours and the like, in the order of printing.
        selection: Rules by which epochs were chosen, such as `per_metric`.
        looks: How often the sweep has been tested, this time included.
        registration: Whether the plan was registered before the first result, and followed.
        only: Which trials the report is of, in words; empty where it is of the whole sweep.
    """

    banner: str | None
    dataset_facts: Mapping[str, DatasetFacts]
    provenance: Mapping[str, str]
    selection: tuple[str, ...]
    looks: int
    registration: Registration
    only: str = ""


@dataclass(frozen=True)
class SearchTrial:
    """One trial of a search that has ended.

    Attributes:
        row: The row that was searched.
        number: Its number in the search; 0 has the settings of the sweep file.
        seed: Its seed.
        values: The searched settings, by name.
        score: Validation score that the search goes by, in points, as far as it was trained; None where it failed.
        stopped: Whether it was stopped early, and cannot be chosen.
        seconds: What it took; 0 where it failed.
        key: Identity of the trial.
    """

    row: CellKey
    number: int
    seed: int
    values: Mapping[str, Any]
    score: float | None
    seconds: float
    key: str
    stopped: bool = False


@dataclass(frozen=True)
class SearchInputs:
    """What the search of a sweep did.

    Attributes:
        trials: Its trials that have ended.
        owners: Row to the row in whose search its settings are chosen; only of rows that are searched.
        chosen: Searched row to the number and the values of the chosen candidate.
        untuned: Returns the results and the predictions with the settings of the sweep file, of all rows; called when
            those of the report are no longer needed in memory.
        sha256: Hash of what was chosen; empty until then.
        frozen: When, UTC, ISO 8601.
    """

    trials: Sequence[SearchTrial]
    owners: Mapping[CellKey, CellKey]
    chosen: Mapping[CellKey, tuple[int, Mapping[str, Any]]]
    untuned: Callable[[], tuple[Sequence[TrialResult], Samples]]
    sha256: str
    frozen: str


class Inputs(NamedTuple):
    """Everything that findings are made of.

    Attributes:
        sweep: The sweep file.
        results: Finished and failed trials, in any order; a planned trial that is missing has not run.
        facts: What the report says beyond the scores.
        samples: Predictions on the test documents, by dataset, where they are known.
        others: Results and predictions by each decision rule that the sweep file does not choose, one after the other,
            so that not all of them are in memory; none where no trial tells them apart.
        search: What the search of settings did; None where nothing is searched.
    """

    sweep: SweepFile
    results: Sequence[TrialResult]
    facts: Facts
    samples: Samples
    others: Iterable[tuple[Decision, Sequence[TrialResult], Samples]] = ()
    search: SearchInputs | None = None
