"""Runs one trial in this process: no Ray, no MLflow. This is how a trial is debugged and profiled.

    python -m harness.trial sweeps/quickstart.yaml --filter model=hitin merge=masking seed=1

On a machine without the rest of the harness it runs what the filter leaves, one after the other, into
the same kind of store; copy the trial folders into the sweep's store and the sweep finds them done.
"""

import argparse
import hashlib
import json
import logging
import resource
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from harness.config.arguments import add_sweep
from harness.config.load import load
from harness.core.environment import environment
from harness.core.errors import StoreError, UserError
from harness.core.files import is_disk_full
from harness.training import memory
from harness.training.allocator import keep_freed_memory
from harness.training.best_epochs import BestEpochs
from harness.training.build import Data, build, device_of
from harness.training.checkpoint import Checkpoint
from harness.training.estimate import TooLarge
from harness.training.train import NonFiniteLoss, fit, rehearse, seed_everything, uses_bf16
from harness.trials.corpora import refuse_missing_corpora
from harness.trials.plan import make_plan
from harness.trials.preregistration import freeze
from harness.trials.settings import Trial, identity
from harness.trials.store import Failure, Record, Store

MAX_ATTEMPTS = 3
"""Starts after which a trial that takes its process down counts as failed."""

EpochCallback = Callable[[dict[str, float]], None]


def run(trial: Trial, key: str, data_dir: Path, store: Store, on_epoch: EpochCallback = lambda entry: None) -> None:
    """Runs a trial and leaves a record or a failure in the store; does nothing where one is there already.

    Where memory runs out it tries again with each batch in ever more parts. On a device that it shares it leaves
    neither, but the note that it wants the device alone.

    Args:
        trial: The resolved settings.
        key: Its identity; checked against the data found here.
        data_dir: Folder of prepared corpora.
        store: Where it leaves everything.
        on_epoch: Gets each epoch's entry of the history.

    Raises:
        UserError: Where no trial can run here: the encoder's weights are missing, say, or the disk is full.
        OSError: Where the file system or the network failed; another try may go through.
    """
    with store.own(key), _log_to(store.folder(key) / "trial.log") as log:
        if store.state(key) != "new":
            return
        attempts = store.start_attempt(key)
        try:
            if attempts > MAX_ATTEMPTS:
                raise _WorkerDied(f"Its worker died {attempts - 1} times.")
            checkpoint = Checkpoint(store.folder(key))
            train = partial(_train_and_test, trial, key, data_dir, store, checkpoint, attempts, on_epoch, log)

            def is_worth_it(text: str) -> bool:
                """Starts anew in smaller parts, unless the trial is to have its device to itself first."""
                log.info(text)
                if trial.resources.shares_gpu:
                    store.note_wants_device_alone(key)
                    return False
                checkpoint.remove()
                return True

            if record := memory.until_it_fits(train, trial.trainer.batch_size, is_worth_it):
                store.finish(record)
                checkpoint.remove()
        except Exception as error:
            if is_disk_full(error):
                raise StoreError(f"The disk of the store {store.root} is full; free some of it, and go on.") from None
            log.error(traceback.format_exc())
            if isinstance(error, UserError | OSError):
                raise
            message = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
            settings = _settings(trial)
            store.fail(Failure(key=key, kind=_kind(error), message=message, settings=settings, attempts=attempts))
        finally:
            memory.free()


class _WorkerDied(Exception):
    """Every start so far ended without a word: killed, crashed, or past its time limit."""


def _kind(error: Exception) -> Literal["non_finite", "too_large", "out_of_memory", "infrastructure", "error"]:
    if isinstance(error, _WorkerDied):
        return "infrastructure"
    if isinstance(error, NonFiniteLoss):
        return "non_finite"
    if isinstance(error, TooLarge):
        return "too_large"
    if memory.is_out_of_memory(error):
        return "out_of_memory"
    return "error"


def _settings(trial: Trial) -> dict[str, Any]:
    return trial.model_dump(mode="json")


def _train_and_test(
    trial: Trial,
    key: str,
    data_dir: Path,
    store: Store,
    checkpoint: Checkpoint,
    attempts: int,
    on_epoch: EpochCallback,
    log: logging.Logger,
    micro_batches: int,
) -> Record:
    started = time.perf_counter()
    folder = store.folder(key)
    device = device_of(trial)
    torch.set_num_threads(trial.resources.cpus)
    keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    data = Data.open(trial, data_dir)
    if identity(trial, data.corpus.fingerprint) != key:
        raise UserError(
            f"The corpus in {data.corpus.folder} is not the one that the plan saw; prepare it anew on this node."
        )
    seed_everything(trial.seed)
    model = build(trial, data, device)
    log.info(f"{trial.model} {trial.merge} {trial.dataset} seed {trial.seed} on {device}, attempt {attempts}")
    history_file = folder / "history.jsonl"

    def note(entry: dict[str, float]) -> None:
        log.info(json.dumps(entry))
        on_epoch(entry)

    train, valid = data.splits["train"], data.splits["val"]
    fitted = fit(model, trial.trainer, train, valid, data.corpus.hierarchy, trial.seed, checkpoint, note, micro_batches)
    history_file.write_text("".join(json.dumps(entry) + "\n" for entry in fitted.progress.history), "utf-8")
    tested = BestEpochs.test(model, fitted, data, trial.trainer)
    doc_ids = data.corpus.doc_ids(data.splits["test"].rows)
    digest = tested.write_predictions(folder / "predictions.parquet", doc_ids)
    return Record(
        key=key,
        settings=_settings(trial),
        scores=tested.headline(trial.trainer.select, fitted.progress.history),
        selected=tested.selected,
        num_epochs=fitted.progress.epoch,
        train_seconds=fitted.progress.train_seconds,
        seconds=time.perf_counter() - started,
        num_parameters={
            "encoder": sum(parameter.numel() for parameter in model.encoder.parameters()),
            "heads": sum(parameter.numel() for parameter in model.heads.parameters()),
        },
        peak_memory_mb=_peak_memory_mb(device),
        environment=environment() | _run_facts(trial, device, data),
        predictions_sha256=digest,
        attempts=attempts,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        micro_batches=fitted.progress.micro_batches,
    )


def measure_memory(trial: Trial, data_dir: Path, read: Callable[[], tuple[int, int]] = memory.read) -> tuple[int, int]:
    """Takes a few steps of a trial on the longest documents, on a device that no other process of ours is on.

    Args:
        trial: The resolved settings.
        data_dir: Folder of prepared corpora.
        read: Reads the device's memory afterwards.

    Returns:
        Bytes that the trial needs at most, all that the process holds included; bytes of the device.
    """
    device = device_of(trial)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    data = Data.open(trial, data_dir)
    seed_everything(trial.seed)
    model = build(trial, data, device)
    tests = [data.splits["val"], data.splits["test"]]
    rehearse(model, trial.trainer, data.splits["train"], tests, data.corpus.hierarchy)
    return read()


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _run_facts(trial: Trial, device: torch.device, data: Data) -> dict[str, str]:
    """Returns what else the numbers depend on: the device, its threads, the data, the tokeniser as it was made."""
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": "bf16" if uses_bf16(device, trial.trainer) else "fp32",
        "threads": str(torch.get_num_threads()),
        "data_fingerprint": data.corpus.fingerprint,
        "tokenizer_sha256": hashlib.sha256(data.tokens.tokenizer.to_str().encode()).hexdigest(),
    }


@contextmanager
def _log_to(path: Path) -> Any:
    """Yields a logger that writes to the trial's own file and nowhere else."""
    log = logging.Logger("trial")
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    try:
        yield log
    finally:
        handler.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every trial that the filter leaves and the store lacks, in this process."""
    parser = argparse.ArgumentParser(prog="python -m harness.trial", description=(__doc__ or "").partition("\n")[0])
    add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    plan = make_plan(sweep, chosen.filter)
    refuse_missing_corpora(plan)
    store = Store(Path(sweep.store))
    store.check_writable()
    if plan.of_state("new"):
        freeze(sweep, store)
    for planned in plan.of_state("new"):
        store.forget_attempts(planned.key)
        print(f"{' '.join(planned.trial.cell)} seed {planned.trial.seed}: {planned.key}", flush=True)
        # Nothing that the harness knows of is on the device besides.
        trial = planned.trial.model_copy(update={"resources": planned.trial.resources.alone()})
        run(trial, planned.key, Path(sweep.data_dir), store, lambda entry: print(json.dumps(entry), flush=True))
        if failure := store.failure(planned.key):
            print(f"failed: {failure.kind}: {failure.message}")
    states = [store.state(planned.key) for planned in plan.trials]
    print(f"{states.count('done')} of {len(states)} trials done, {states.count('failed')} failed")
    return 1 if "failed" in states else 0
