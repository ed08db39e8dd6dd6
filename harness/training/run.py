"""Run of one trial in this process, whatever its kind: attempts, failures and the record. No Ray, no MLflow."""

import json
import logging
import time
import traceback
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from datasets.storage import predictions
from datasets.storage.corpus import open_corpus
from harness.core.environment import environment
from harness.core.errors import StoreError, UserError
from harness.core.files import is_disk_full, write_atomically
from harness.core.text import one_line
from harness.training.keep import keep
from harness.training.kinds import Context, EpochCallback, Kind, NonFiniteLoss
from harness.training.memory import TooLarge, free, is_out_of_memory
from harness.trials.identity import identity
from harness.trials.settings import TrialSettings
from harness.trials.store import Failure, FailureKind, Record, Store
from models import sources

MAX_ATTEMPTS = 3  # Starts after which a trial that takes its process down counts as failed.


def run(
    trial: TrialSettings, key: str, data_dir: Path, store: Store, on_epoch: EpochCallback = lambda entry: None
) -> None:
    """Runs a trial and leaves a record or a failure in the store; does nothing where one is there already.

    On a device that it shares and that proves too small it leaves neither, but the note that it wants the device alone.
    `key`, the identity, is checked against the data found here; `on_epoch` gets each epoch's entry of the history.
    Raises UserError and OSError as a `Kind` does, and StoreError where the disk is full.
    """
    folder = store.folder(key)
    with store.own(key), closing(logging.FileHandler(folder / "trial.log", encoding="utf-8")) as handler:
        if store.state(key, trial) != "new":
            return
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log = logging.Logger("trial")  # Not `getLogger`: it writes to the trial's own file and nowhere else.
        log.addHandler(handler)
        attempts, settings = store.start_attempt(key), trial.model_dump(mode="json")
        try:
            if attempts > MAX_ATTEMPTS:
                raise _WorkerDied(f"Its worker died {attempts - 1} times.")
            log.info(f"{trial.name}, attempt {attempts}")
            started = time.perf_counter()
            corpus = open_corpus(data_dir / trial.corpus)
            if identity(trial, corpus.fingerprint) != key:
                raise UserError(
                    f"The corpus in {corpus.folder} is not the one that the plan saw; prepare it anew on this node."
                )
            loaded = sources.checked(trial.parts, trial.loads)
            measure: Kind = trial.kind.load()
            measured = measure(Context(trial, corpus, folder, log, on_epoch))
            if measured is None:
                store.note_wants_device_alone(key)
                return
            history = "".join(json.dumps(entry) + "\n" for entry in measured.history)
            write_atomically(folder / "history.jsonl", history.encode())
            doc_ids = {split: corpus.doc_ids(corpus.rows(split)) for split in predictions.EVALUATED}
            digest = predictions.write(folder / "predictions.parquet", doc_ids, measured.predicted)
            keep(store, key, trial, measured, corpus, log)
            record = Record(
                key=key,
                settings=settings,
                scores=dict(measured.scores),
                selected={metric: dict(scores) for metric, scores in measured.selected.items()},
                decisions={rule: dict(scores) for rule, scores in measured.decisions.items()},
                num_epochs=len(measured.history),
                train_seconds=measured.train_seconds,
                seconds=time.perf_counter() - started,
                num_parameters=dict(measured.num_parameters),
                peak_memory_mb=measured.peak_memory_mb,
                environment=environment() | dict(measured.facts) | loaded | {"data_fingerprint": corpus.fingerprint},
                predictions_sha256=digest,
                attempts=attempts,
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                micro_batches=measured.micro_batches,
            )
            store.finish(record)
        except Exception as error:
            if is_disk_full(error):
                raise StoreError(f"The disk of the store {store.root} is full; free some of it, and go on.") from None
            log.error(traceback.format_exc())
            if isinstance(error, UserError | OSError):
                raise
            message = f"{type(error).__name__}: {one_line(error, 500)}"
            kind = _KINDS.get(type(error), "out_of_memory" if is_out_of_memory(error) else "error")
            store.fail(Failure(key=key, kind=kind, message=message, settings=settings, attempts=attempts))
        finally:
            free()


class _WorkerDied(Exception):
    """Every start so far ended without a word: killed, crashed, or past its time limit."""


_KINDS: dict[type[Exception], FailureKind]
_KINDS = {_WorkerDied: "infrastructure", NonFiniteLoss: "non_finite", TooLarge: "too_large"}
