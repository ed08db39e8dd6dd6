"""Store of finished trials: one folder per trial, and the truth about what is done.

    store/trials/KEY/
        record.json           written last, by a rename: where it stands whole, the trial is finished
        predictions.parquet   probabilities of every validation and test document, as far as they are worth keeping
        history.jsonl         one line per epoch
        trial.log             what the trial printed, and the traceback of a failure
        failure.json          why a trial ended without a record
        stopped.json          what a search that stopped the trial early had seen of it
        attempts              one line per start, so that a trial that kills its worker ends as failed
        lock                  held by the process that runs the trial
        alone                 there once the share of a device that the trial was given has proved too small
        checkpoint*           gone once the trial is finished
        model/                the model, where it is kept: see `models/saved.py`
    store/best/CELL.json      which trial of those that differ only in seed is best on validation, of those that ran


Only the record counts: whatever Ray or MLflow think, a trial without one that can be trusted is not finished.
"""

import json
import os
import shutil
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.errors import StoreError
from harness.core.files import write_atomically
from harness.core.metric_names import DECISIONS, HEADLINE, by_rule
from harness.core.text import one_line
from harness.trials.settings import TrialSettings, what_counts
from models import Keep

State = Literal["done", "failed", "new", "stopped"]
FailureKind = Literal["non_finite", "too_large", "out_of_memory", "infrastructure", "error"]
Kind = TypeVar("Kind", bound=BaseModel)


class Record(BaseModel):
    """What a finished trial leaves behind; what a kind of trial measures is described in `Measured`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str  # Identity: hash of everything that can change the numbers.
    settings: dict[str, Any]  # The resolved trial.
    scores: dict[str, float]
    selected: dict[str, dict[str, float]]
    decisions: dict[str, dict[str, float]] = {}  # Test scores by the rules other than 0.5.
    num_epochs: int
    train_seconds: float
    seconds: float  # The whole trial: data, model, training, evaluation, writing.
    num_parameters: dict[str, int]
    peak_memory_mb: float
    environment: dict[str, str]  # Machine, versions, commit.
    predictions_sha256: str  # Equal predictions have equal hashes.
    attempts: int  # Starts that it took under the last command.
    finished: str  # UTC time, ISO 8601.
    micro_batches: int = 1

    @property
    def scores_by_rule(self) -> dict[str, float]:
        """Headline scores by each decision rule, such as `micro_f1_by_validation`; empty where one rule is known."""
        rules: dict[Any, Any] = {DECISIONS[0]: self.scores, **self.decisions} if self.decisions else {}
        return {by_rule(metric, rule): scores[metric] for rule, scores in rules.items() for metric in HEADLINE}


class Failure(BaseModel):
    """Why a trial ended without a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    kind: FailureKind
    message: str
    settings: dict[str, Any]
    attempts: int


class Stopped(BaseModel):
    """What a search had seen of a trial when it stopped it; without a search that stops trials it counts as new."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    history: list[dict[str, float]]  # One entry per epoch.
    seconds: float


class Store:
    """Reads and writes trial folders below a root, which `check_writable` makes where it is not there.

    Args:
        root: The folder.
        keep: Which models of the trials that are run from now on stay.
    """

    def __init__(self, root: Path, keep: Keep = "none"):
        self.root = root.absolute()
        self.keep = keep
        self._trials = f"{self.root}/trials"

    def check_writable(self) -> None:
        """Raises StoreError where nothing can be written, before any work is done."""
        check_writable(self.root / "trials", "store")

    def folder(self, key: str) -> Path:
        return Path(self._trials, key)

    def model(self, key: str) -> Path:
        """Returns where a trial's model is, if it was kept."""
        return Path(self._trials, key, "model")

    def best(self, cell: str) -> str:
        """Returns the key of a cell's trial that is best on validation; empty where none kept its model."""
        found = self._best(cell)
        return found[1] if found else ""

    def note_best(self, cell: str, key: str, score: float) -> None:
        """Notes a trial whose model is in place if it is the best of its cell; under `best` only one model stays.

        Of equally good trials the one with the lower key counts, in whatever order they end.
        """
        path = self._best_file(cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            old, new = self._best(cell), (-score, key)
            best = min(one for one in (old, new) if one and (one is new or one[1] != key))
            write_atomically(path, json.dumps({"key": best[1], "score": -best[0]}).encode())
            for one in (old, new):
                if self.keep == "best" and one and one[1] != best[1]:
                    shutil.rmtree(self.model(one[1]), ignore_errors=True)

    def _best_file(self, cell: str) -> Path:
        return self.root / "best" / f"{cell}.json"

    def _best(self, cell: str) -> tuple[float, str] | None:
        """Returns the best trial's score, negated, and its key."""
        path = self._best_file(cell)
        try:
            said = json.loads(path.read_text("utf-8"))
            return -float(said["score"]), str(said["key"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{path} does not say which trial is the best ({one_line(error, 120)}). Delete it; the next trial of "
                "its cell that is run writes it anew."
            ) from None

    def has_folder(self, key: str) -> bool:
        return os.path.isdir(f"{self._trials}/{key}")

    def record(self, key: str, trial: TrialSettings | None = None) -> Record | None:
        """Returns the record of a finished trial; None where there is none, or it cannot be trusted."""
        found = self.look_up(key, trial)
        return found if isinstance(found, Record) else None

    def look_up(self, key: str, trial: TrialSettings | None = None) -> Record | str:
        """Returns the record of a finished trial; else what is wrong with what is there, or nothing.

        A record counts that is whole, of this key and, where `trial` is given, of these settings, and that has its
        predictions beside it. Whether these are the recorded ones is seen where they are read.
        """
        folder = f"{self._trials}/{key}"
        record = _read(Record, f"{folder}/record.json")
        if not isinstance(record, Record):
            return record
        if record.key != key:
            return f"it is of the trial {record.key}"
        if trial and not _is_of(record.settings, trial):
            return "its settings are not those of this trial"
        return record if os.path.isfile(f"{folder}/predictions.parquet") else "its predictions.parquet is gone"

    def failure(self, key: str) -> Failure | None:
        found = _read(Failure, f"{self._trials}/{key}/failure.json")
        return found if isinstance(found, Failure) and found.key == key else None

    def stopped(self, key: str) -> Stopped | None:
        found = _read(Stopped, f"{self._trials}/{key}/stopped.json")
        return found if isinstance(found, Stopped) and found.key == key else None

    def stop(self, stopped: Stopped) -> None:
        """Notes a trial that a search has stopped."""
        write_atomically(self.folder(stopped.key) / "stopped.json", stopped.model_dump_json(indent=1).encode())

    def state(self, key: str, trial: TrialSettings | None = None) -> State:
        """Returns whether a trial is finished, has failed for good, or is still to do."""
        if self.record(key, trial):
            return "done"
        return "failed" if self.failure(key) else "new"

    def history(self, key: str) -> list[dict[str, float]]:
        path = self.folder(key) / "history.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def finish(self, record: Record) -> None:
        """Makes a trial finished, at once or not at all, and deletes what only an unfinished one needs."""
        write_atomically(self.folder(record.key) / "record.json", record.model_dump_json(indent=1).encode())
        for left in (
            "failure.json",
            "stopped.json",
            *(path.name for path in self.folder(record.key).glob("checkpoint*")),
        ):
            (self.folder(record.key) / left).unlink(missing_ok=True)

    def fail(self, failure: Failure) -> None:
        write_atomically(self.folder(failure.key) / "failure.json", failure.model_dump_json(indent=1).encode())

    def forget_failure(self, key: str) -> None:
        """Lets a failed trial run again from its first epoch."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def forget_attempts(self, key: str) -> None:
        """Lets a trial start anew as often as any: what ended its earlier starts was not the trial."""
        (self.folder(key) / "attempts").unlink(missing_ok=True)

    def wants_device_alone(self, key: str) -> bool:
        """Returns whether a trial has run out of the memory of a device that it shared."""
        return (self.folder(key) / "alone").exists()

    def note_wants_device_alone(self, key: str) -> None:
        (self.folder(key) / "alone").touch()

    @contextmanager
    def own(self, key: str) -> Iterator[None]:
        """Holds a trial's folder, waiting for another process that is running the same trial."""
        self.folder(key).mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder(key) / "lock"):
            yield

    def start_attempt(self, key: str) -> int:
        """Notes one more start of a trial and returns how many there are."""
        path = self.folder(key) / "attempts"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii") as stream:
            stream.write(f"{os.getpid()}\n")
        return len(path.read_text("ascii").splitlines())

    def records(self, but: Container[str] = ()) -> Iterable[Record]:
        """Yields the finished trials of the store, of whatever sweep, but for some keys."""
        for folder in sorted((self.root / "trials").glob("*")):
            if folder.name not in but and (record := self.record(folder.name)):
                yield record

    @contextmanager
    def lock(self, sweep: str) -> Iterator[None]:
        """Holds a sweep; a second command on it is refused with StoreError."""
        try:
            held = FileLock(self.root / f"{sweep}.lock", timeout=0).acquire()
        except Timeout:
            raise StoreError(
                f"Another command is running the sweep {sweep!r} on the store {self.root}. Wait for it, or stop it; "
                "what it has finished is kept."
            ) from None
        with held:
            yield


def check_writable(folder: Path, field: str) -> None:
    """Makes a folder where it is not there, and raises StoreError where nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be written ({error.strerror}). Free or unlock it, or name another one under "
            f"`{field}:` in the sweep file."
        ) from None


def _read(kind: type[Kind], path: str) -> Kind | str:
    """Returns what a file says, or what is wrong with it: nothing where there is none. A plan reads ten thousand."""
    try:
        with open(path, "rb") as stream:
            return kind.model_validate_json(stream.read())
    except FileNotFoundError:
        return ""
    except (OSError, ValidationError) as error:
        return f"it cannot be read ({one_line(error, 120)})"


def _is_of(settings: dict[str, Any], trial: TrialSettings) -> bool:
    """Returns whether recorded settings are those of a trial, in all that counts."""
    try:
        return what_counts(settings) == trial.counting
    except (AttributeError, KeyError, TypeError):  # Nothing that a trial has written.
        return False
