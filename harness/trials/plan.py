"""Plan of a sweep: its trials against the store, and how long the rest takes.

Imports neither torch nor Ray: a plan is a matter of a second.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from datasets.storage.description import exact_command, prepared_options, read_meta
from harness.config.arguments import parse_filters
from harness.config.schema import SweepFile
from harness.config.search import SearchMetric
from harness.core.errors import ConfigError, DataError
from harness.trials.choices import Choice, Choices, declared
from harness.trials.identity import identity
from harness.trials.proposals import Proposals
from harness.trials.settings import CellKey, TrialSettings, expand
from harness.trials.store import Failure, Record, State, Stopped, Store
from harness.trials.tuning import Candidate, candidates, owner, score, score_so_far, with_values
from models.sources import Sources

Phase = Literal["report", "search", "untuned"]
"""What trials are for: the rows of the report; the search of their settings; the same rows with the settings that the
sweep file gives them."""


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with its identity, and what the store knows of it."""

    settings: TrialSettings
    key: str  # Identity; empty while the corpus is not prepared, or the settings are not chosen.
    state: State = "new"
    record: Record | None = None  # What it left, if done.
    why: str = ""  # Reason of its state, in a few words.
    failure: Failure | None = None  # What it left, if failed.
    stopped: Stopped | None = None  # What a search had seen of it, if stopped.
    candidate: Candidate | None = None  # What it is in the search of its row.

    @property
    def seconds(self) -> float:
        """What it took, as far as that is known."""
        known = self.record or self.stopped
        return known.seconds if known else 0.0

    def score(self, metric: SearchMetric) -> float | None:
        """Returns its validation score, of one that was stopped the best until then; None where it has none."""
        if self.stopped:
            return score_so_far(self.stopped.history, metric)
        return score(self.record, metric) if self.record else None

    @property
    def name(self) -> str:
        """Name for people, such as `hitin masking pydocs seed 1`."""
        return self.settings.name + (f" candidate {self.candidate.number}" if self.candidate else "")


@dataclass
class Plan:
    """The trials of a sweep file against its store: opened once per command, then refreshed."""

    sweep: SweepFile
    store: Store
    filters: tuple[str, ...]  # Each `field=value` or `field!=value`; the selected trials meet them all.
    untuned: tuple[TrialSettings, ...]  # Every trial of the report, with the settings of the sweep file.
    sources: Sources
    _chosen: Mapping[str, Sequence[object]]
    phase: Phase = "report"
    trials: tuple[PlannedTrial, ...] = ()  # Every trial of the phase, in the order in which they run.
    untrusted: dict[str, str] = field(default_factory=dict)  # Key to what is wrong with what the trial left.
    _fingerprints: dict[str, str] = field(default_factory=dict)
    _problems: dict[str, str] = field(default_factory=dict)
    _choices: Choices | None = None
    _proposals: Proposals | None = None

    @classmethod
    def open(cls, sweep: SweepFile, filters: Sequence[str] = ()) -> "Plan":
        """Resolves every trial of a sweep file and looks it up.

        Where one prepared corpus of a dataset's name has all options that the file gives, it is meant.

        Raises:
            ConfigError: On a filter that leaves no trial.
            DataError: Where several prepared corpora may be meant.
        """
        sweep = _with_prepared(sweep)
        sources = Sources(Path(sweep.store) / f"{sweep.name}.sources.json")
        settings = tuple(expand(sweep, sources))
        store = Store(Path(sweep.store), sweep.keep)
        plan = cls(sweep, store, tuple(filters), settings, sources, parse_filters(sweep, filters))
        if not any(plan._is_selected(one) for one in settings):
            raise ConfigError(f"No trial passes the filter {' '.join(filters)!r}; `--dry-run` without it lists all.")
        plan.refresh()
        return plan

    def of_phase(self, phase: Phase) -> "Plan":
        """Returns the plan of another phase of the same sweep; it keeps models of the report's trials alone."""
        store = Store(self.store.root, self.sweep.keep if phase == "report" else "none")
        own: dict[str, Any] = {"untrusted": {}, "_fingerprints": {}, "_problems": {}}
        plan = replace(self, phase=phase, store=store, trials=(), **own)
        plan.refresh()
        return plan

    def refresh(self) -> None:
        """Reads again which corpora are prepared, and what the store knows of the trials without a record."""
        before, self._fingerprints, self._problems = self._fingerprints, {}, {}
        self.untrusted.clear()
        data_dir = Path(self.sweep.data_dir)
        for dataset, folder in {one.dataset: one.corpus for one in self.untuned}.items():
            entry = self.sweep.datasets[dataset]
            command = exact_command(entry.reader or dataset, entry.options, data_dir)
            try:
                self._fingerprints[dataset] = read_meta(data_dir / folder, command)["fingerprint"]
            except DataError as error:
                self._problems[dataset] = str(error)
        choices, proposals = self._choices, self._proposals
        if self.sweep.search:
            self._choices = Choices(self.sweep)
            self._proposals = None if self.sweep.search.searcher == "random" else Proposals(self.sweep)
        if (before, choices, proposals) != (self._fingerprints, self._choices, self._proposals) or not self.trials:
            self.trials = tuple(self._expanded())
        self.trials = tuple(one if one.record else self._look_up(one) for one in self.trials)

    def distrust(self, key: str, problem: str) -> None:
        """Counts a trial as not run that has proved wrong where it was read, until the next refresh."""
        self.untrusted[key] = problem
        why = "what it left cannot be trusted"
        self.trials = tuple(
            replace(one, state="new", record=None, why=why) if one.key == key else one for one in self.trials
        )

    def forget_failures(self, but: Container[CellKey] = ()) -> None:
        """Makes the selected trials that failed new ones, which start from their first epoch, but for some cells."""
        for one in self.of_state("failed"):
            if one.settings.cell not in but:
                self.store.forget_failure(one.key)
        self.refresh()

    @property
    def selected(self) -> tuple[PlannedTrial, ...]:
        """The trials that pass the filters: what a command runs, or shows."""
        return tuple(one for one in self.trials if one.candidate or self._is_selected(one.settings))

    @property
    def ready(self) -> list[PlannedTrial]:
        """The selected trials that can be run now: new ones, with a corpus and with settings."""
        return [one for one in self.of_state("new") if one.key]

    @property
    def _stops(self) -> bool:
        """Whether trials of the phase may be stopped early."""
        return self.phase == "search" and self.sweep.search is not None and self.sweep.search.stopper != "none"

    def _is_selected(self, trial: TrialSettings) -> bool:
        return all(getattr(trial, name) in values for name, values in self._chosen.items())

    @property
    def problems(self) -> dict[str, str]:
        """Per dataset of the selected trials whose corpus cannot be used, the reason."""
        wanted = {one.settings.dataset for one in self.selected}
        return {dataset: problem for dataset, problem in self._problems.items() if dataset in wanted}

    def unfiltered(self) -> "Plan":
        return replace(self, filters=(), _chosen=parse_filters(self.sweep, ()))

    @cached_property
    def searched(self) -> dict[CellKey, TrialSettings]:
        """The cells in whose search settings are chosen, with the settings that the sweep file gives them."""
        firsts: dict[CellKey, TrialSettings] = {}
        for one in self.untuned:
            if self.sweep.budget_of(one.model) and owner(self.sweep, one.cell) == one.cell:
                firsts.setdefault(one.cell, one)
        return firsts

    def declared(self, searched: CellKey) -> str:
        """Returns the hash of all that decides the search of a cell."""
        return declared(self.sweep, searched, self.searched[searched], self.fingerprint(searched.dataset))

    def choice(self, searched: CellKey) -> Choice | None:
        """Returns what was chosen for a searched cell; None until its search has ended."""
        fingerprint = self.fingerprint(searched.dataset)
        return self._choices.of(searched, self.searched[searched], fingerprint) if self._choices else None

    def fingerprint(self, dataset: str) -> str:
        """Returns the fingerprint of a dataset's corpus; empty where that is not prepared."""
        return self._fingerprints.get(dataset, "")

    def of_state(self, state: State) -> list[PlannedTrial]:
        return [one for one in self.selected if one.state == state]

    @property
    def exit_code(self) -> int:
        """That of the commands that show results: 0 where every selected trial is done, else 1."""
        return 0 if all(one.state == "done" for one in self.selected) else 1

    def cells(self) -> dict[CellKey, list[PlannedTrial]]:
        cells: dict[CellKey, list[PlannedTrial]] = {}
        for one in self.selected:
            cells.setdefault(one.settings.cell, []).append(one)
        return cells

    def _key(self, settings: TrialSettings) -> str:
        fingerprint = self.fingerprint(settings.dataset)
        return identity(settings, fingerprint) if fingerprint else ""

    def _expanded(self) -> Iterator[PlannedTrial]:
        """Yields the trials of the phase."""
        if self.phase == "search":
            wanted = {owner(self.sweep, one.cell) for one in self.untuned if self._is_selected(one)}
            for cell in (cell for cell in self.searched if cell in wanted):
                proposed = self._proposals.of(self.declared(cell)) if self._proposals else None
                for one in candidates(self.sweep, cell, self.searched[cell], proposed):
                    yield PlannedTrial(one.settings, self._key(one.settings), candidate=one)
            return
        chosen = {cell: self.choice(cell) for cell in self.searched}
        for settings in self.untuned:
            source = owner(self.sweep, settings.cell)
            if self.phase == "untuned" or source not in chosen:
                yield PlannedTrial(settings, self._key(settings))
            elif choice := chosen[source]:
                tuned = with_values(settings, choice.values)
                yield PlannedTrial(tuned, self._key(tuned))
            else:
                yield PlannedTrial(settings, "")

    def _look_up(self, one: PlannedTrial) -> PlannedTrial:
        settings, key = one.settings, one.key
        if not key:
            is_there = self.fingerprint(settings.dataset)
            return replace(one, why="its settings are not chosen yet" if is_there else "its corpus is not prepared")
        found = self.store.look_up(key, settings)
        if isinstance(found, Record):
            return replace(one, state="done", record=found, why=f"finished {found.finished}")
        if found:
            self.untrusted[key] = (
                f"The record {self.store.folder(key) / 'record.json'} cannot be trusted: {found}. The trial counts as "
                "not run; running the sweep again replaces it."
            )
            return replace(one, state="new", why="its record cannot be trusted")
        if not self.store.has_folder(key):
            return replace(one, state="new", why="never run")
        if self._stops and (stopped := self.store.stopped(key)):
            return replace(one, state="stopped", why=f"stopped after epoch {len(stopped.history)}", stopped=stopped)
        if failure := self.store.failure(key):
            return replace(one, state="failed", why=f"{failure.kind}: {failure.message}", failure=failure)
        return replace(one, state="new", why="started, not finished")


def _with_prepared(sweep: SweepFile) -> SweepFile:
    """Returns a sweep with all options of the prepared corpora that its datasets mean."""
    found = {}
    for dataset, entry in sweep.datasets.items():
        options = prepared_options(entry.reader or dataset, entry.options, Path(sweep.data_dir))
        found[dataset] = entry.model_copy(update={"options": {**entry.options, **options}})
    return sweep.model_copy(update={"datasets": found})


def by_identity(trials: Iterable[PlannedTrial]) -> dict[str, PlannedTrial]:
    """Returns each trial once: several cells may be one, where they differ in what only branches have."""
    return {one.key or identity(one.settings, fingerprint=""): one for one in trials}
