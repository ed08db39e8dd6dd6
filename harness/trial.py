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
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse
import torch

from datasets.corpus import Corpus
from datasets.raw import SPLITS
from datasets.raw import Split as SplitName
from datasets.tokens import Tokens, tokenise
from harness import cli, memory
from harness.allocator import keep_freed_memory
from harness.checkpoint import Checkpoint, Fitted
from harness.errors import StoreError, UserError
from harness.estimate import TooLarge, refuse_too_large
from harness.files import is_disk_full, write_atomically
from harness.metrics import label_groups
from harness.plan import Trial, identity, make_plan
from harness.preregistration import freeze
from harness.provenance import environment
from harness.store import Failure, Record, Store
from harness.sweep_file import load
from harness.trainer import NonFiniteLoss, Split, evaluate, fit, rehearse, seed_everything, uses_bf16
from models import OBJECTIVES, STRUCTURE_ENCODERS, TEXT_ENCODERS
from models.branches import BranchHeads
from models.classifier import Classifier
from models.labels import Pieces, Write, count

NUMERICS = 1
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
    device = _device(trial)
    torch.set_num_threads(trial.resources.cpus)
    keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    corpus, tokens = _open(data_dir / trial.corpus, trial)
    if identity(trial, corpus.fingerprint) != key:
        raise UserError(
            f"The corpus in {corpus.folder} is not the one that the plan saw; prepare it anew on this node."
        )
    splits = {name: _split(corpus, tokens, name, trial.train_documents) for name in SPLITS}
    seed_everything(trial.seed)
    model = _build(trial, corpus, tokens, splits).to(device)
    log.info(f"{trial.model} {trial.merge} {trial.dataset} seed {trial.seed} on {device}, attempt {attempts}")
    history_file = folder / "history.jsonl"

    def note(entry: dict[str, float]) -> None:
        log.info(json.dumps(entry))
        on_epoch(entry)

    hierarchy = corpus.hierarchy
    train, valid = splits["train"], splits["val"]
    fitted = fit(model, trial.trainer, train, valid, hierarchy, trial.seed, checkpoint, note, micro_batches)
    history_file.write_text("".join(json.dumps(entry) + "\n" for entry in fitted.progress.history), "utf-8")
    selected, predicted = _test_selected(model, fitted, train, splits["test"], corpus, trial)
    digest = _write_predictions(folder / "predictions.parquet", corpus, splits["test"], predicted)
    return Record(
        key=key,
        settings=_settings(trial),
        scores=_headline(trial, fitted, selected),
        selected=selected,
        num_epochs=fitted.progress.epoch,
        train_seconds=fitted.progress.train_seconds,
        seconds=time.perf_counter() - started,
        num_parameters={
            "encoder": sum(parameter.numel() for parameter in model.encoder.parameters()),
            "heads": sum(parameter.numel() for parameter in model.heads.parameters()),
        },
        peak_memory_mb=_peak_memory_mb(device),
        environment=environment() | _run_facts(trial, device, corpus, tokens),
        predictions_sha256=digest,
        attempts=attempts,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        micro_batches=fitted.progress.micro_batches,
    )


def _device(trial: Trial) -> torch.device:
    """Returns where to train, with the rules that hold there set."""
    wanted = trial.resources.gpus
    if wanted == "auto":
        wanted = float(torch.cuda.is_available())
    if not wanted:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            f"A trial wants {wanted:g} GPUs and torch {torch.__version__} sees none here. Set "
            "`resources: {gpus: 0}` in the sweep file, or install torch's CUDA build."
        )
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    # Or what one process keeps for later would be missing to the others on the device.
    torch.cuda.set_per_process_memory_fraction(min(1.0, wanted))
    return torch.device("cuda")


def measure_memory(trial: Trial, data_dir: Path, read: Callable[[], tuple[int, int]] = memory.read) -> tuple[int, int]:
    """Takes a few steps of a trial on the longest documents, on a device that no other process of ours is on.

    Args:
        trial: The resolved settings.
        data_dir: Folder of prepared corpora.
        read: Reads the device's memory afterwards.

    Returns:
        Bytes that the trial needs at most, all that the process holds included; bytes of the device.
    """
    device = _device(trial)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    corpus, tokens = _open(data_dir / trial.corpus, trial)
    splits = {name: _split(corpus, tokens, name, trial.train_documents) for name in SPLITS}
    seed_everything(trial.seed)
    model = _build(trial, corpus, tokens, splits).to(device)
    rehearse(model, trial.trainer, splits["train"], [splits["val"], splits["test"]], corpus.hierarchy)
    return read()


@lru_cache(maxsize=4)
def _open_once(folder: Path, encoder: str, options: str) -> tuple[Corpus, Tokens]:
    kind = TEXT_ENCODERS[encoder].load()
    chosen = json.loads(options)
    corpus = Corpus.open(folder)
    numerics = TEXT_ENCODERS[encoder].numerics
    return corpus, tokenise(corpus, encoder, numerics, chosen, lambda texts: kind.build_tokenizer(texts, chosen))


@lru_cache(maxsize=4)
def _describe_once(folder: Path, encoder: str, options: str, train_documents: int, write: Write) -> list[Pieces]:
    corpus, tokens = _open_once(folder, encoder, options)
    train = _split(corpus, tokens, "train", train_documents)
    written = write(corpus.hierarchy.labels, corpus.texts(train.rows), train.gold)
    return [np.array(one.ids, dtype=np.int64) for one in tokens.tokenizer.encode_batch_fast(written)]


def _open(folder: Path, trial: Trial) -> tuple[Corpus, Tokens]:
    """Opens a corpus and its tokens; a worker keeps them for its next trial."""
    return _open_once(folder, trial.encoder, _tokenizer_options(trial))


def _tokenizer_options(trial: Trial) -> str:
    kind = TEXT_ENCODERS[trial.encoder].load()
    return json.dumps({name: trial.encoder_options[name] for name in kind.TOKENIZER_OPTIONS}, sort_keys=True)


def _split(corpus: Corpus, tokens: Tokens, name: SplitName, train_documents: int) -> Split:
    rows = corpus.training_rows(train_documents) if name == "train" else corpus.rows(name)
    return Split(tokens, rows, corpus.labels(rows))


def _build(trial: Trial, corpus: Corpus, tokens: Tokens, splits: dict[SplitName, Split]) -> Classifier:
    """Builds the encoder first, so that every model and merge of a seed starts from the same one."""
    encoder = TEXT_ENCODERS[trial.encoder].load()(tokens.tokenizer, **trial.encoder_options)
    structure = STRUCTURE_ENCODERS[trial.structure].load()
    objective = OBJECTIVES[trial.objective].load()
    counted = [splits["train"].gold] + ([splits["val"].gold] if trial.priors == "train+val" else [])
    gold = scipy.sparse.vstack(counted, format="csr")
    describe = partial(_describe_once, corpus.folder, trial.encoder, _tokenizer_options(trial), trial.train_documents)
    build = partial(
        BranchHeads,
        corpus.hierarchy,
        count(corpus.hierarchy, gold, describe),
        lambda members: structure(members, structure.width_read(encoder), **trial.structure_options),
        merge=trial.merge,
        split=trial.split,
        objective=lambda members: objective(members, **trial.objective_options),
        combine=trial.combine,
        branch_reduction=trial.branch_reduction,
        coherence=trial.coherence,
        recursive_penalty=trial.trainer.recursive_penalty,
    )
    options = trial.structure_options
    refuse_too_large(build, _device(trial), model=trial.model, merge=trial.merge, options=options)
    return Classifier(encoder, build())


def _test_selected(
    model: Classifier, fitted: Fitted, train: Split, test: Split, corpus: Corpus, trial: Trial
) -> tuple[dict[str, dict[str, float]], dict[str, scipy.sparse.csr_array]]:
    """Returns, per best epoch, its test scores and predictions; one test where they are the same epoch."""
    selected: dict[str, dict[str, float]] = {}
    predicted: dict[str, scipy.sparse.csr_array] = {}
    by_epoch: dict[float, str] = {}
    for metric, best in fitted.progress.best.items():
        twin = by_epoch.setdefault(best["epoch"], metric)
        if twin == metric:
            model.load_state_dict(fitted.weights[metric])
            micro_batches = fitted.progress.micro_batches
            groups = label_groups(train.gold.sum(axis=0))
            scores, predicted[metric] = evaluate(
                model, test, corpus.hierarchy, trial.trainer, micro_batches, groups, threshold_free=True
            )
            selected[metric] = {"epoch": best["epoch"], **scores}
        else:
            selected[metric], predicted[metric] = selected[twin], predicted[twin]
    return selected, predicted


def _headline(trial: Trial, fitted: Fitted, selected: dict[str, dict[str, float]]) -> dict[str, float]:
    """Returns the scores to report, by the best-epoch rule."""
    rule = trial.trainer.select
    source = "macro_f1" if rule == "macro" else "micro_f1"
    scores = {name: value for name, value in selected[source].items() if name != "epoch"}
    if rule == "per_metric":
        scores["macro_f1"] = selected["macro_f1"]["macro_f1"]
    for metric in ("micro_f1", "macro_f1"):
        epoch = selected[metric if rule == "per_metric" else source]["epoch"]
        scores[f"valid_{metric}"] = fitted.progress.history[int(epoch) - 1][f"valid_{metric}"]
    return scores


def _write_predictions(path: Path, corpus: Corpus, test: Split, predicted: dict[str, scipy.sparse.csr_array]) -> str:
    """Writes the predicted labels per best epoch as lists; returns the hash of their content."""
    columns: dict[str, Any] = {"doc_id": pa.array(corpus.doc_ids(test.rows))}
    digest = hashlib.sha256()
    for metric, labels in sorted(predicted.items()):
        labels.sort_indices()
        offsets, indices = labels.indptr.astype(np.int32), labels.indices.astype(np.int32)
        columns[f"{metric}_labels"] = pa.ListArray.from_arrays(offsets, indices)
        digest.update(offsets.tobytes() + indices.tobytes())
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_atomically(path, sink.getvalue())
    return digest.hexdigest()


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _run_facts(trial: Trial, device: torch.device, corpus: Corpus, tokens: Tokens) -> dict[str, str]:
    """Returns what else the numbers depend on: the device, its threads, the data, the tokeniser as it was made."""
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "precision": "bf16" if uses_bf16(device, trial.trainer) else "fp32",
        "threads": str(torch.get_num_threads()),
        "data_fingerprint": corpus.fingerprint,
        "tokenizer_sha256": hashlib.sha256(tokens.tokenizer.to_str().encode()).hexdigest(),
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
    cli.add_sweep(parser)
    chosen = parser.parse_args(arguments)
    sweep = load(chosen.sweep)
    plan = make_plan(sweep, chosen.filter)
    cli.refuse_missing_corpora(plan)
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


if __name__ == "__main__":
    cli.run(main)
