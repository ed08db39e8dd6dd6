"""Trained trials: a neural model fitted by gradients, tested at its best epochs."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from datasets.storage.corpus import Corpus
from harness.training import memory
from harness.training.best_epochs import BestEpochs
from harness.training.build import Data, build, device_of, open_corpus
from harness.training.checkpoint import Checkpoint
from harness.training.evaluate import uses_bf16
from harness.training.kinds import Context, Measured
from harness.training.train import fit, rehearse, seed_everything
from harness.trials.settings import TrialSettings
from models.classifier import Classifier


def measure(context: Context) -> Measured | None:
    """Trains and tests a model; where memory runs out, again with each batch in ever more parts.

    On a device that it shares with other trials it does not try again, but wants the device alone: None.
    """
    checkpoint = Checkpoint(context.folder)

    def is_worth_it(text: str) -> bool:
        """Starts anew in smaller parts, unless the trial is to have its device to itself first."""
        context.log.info(text)
        if context.settings.resources.shares_gpu:
            return False
        checkpoint.remove()
        return True

    train = partial(_train_and_test, context, checkpoint)
    return memory.until_it_fits(train, context.settings.trainer.batch_size, is_worth_it)


def _prepare(trial: TrialSettings, corpus: Corpus) -> tuple[torch.device, Data, Classifier]:
    device = device_of(trial)
    torch.set_num_threads(trial.resources.cpus)
    memory.keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    data = Data.open(trial, corpus)
    seed_everything(trial.seed)
    return device, data, build(trial, data, device)


def _train_and_test(context: Context, checkpoint: Checkpoint, micro_batches: int) -> Measured:
    trial = context.settings
    device, data, model = _prepare(trial, context.corpus)
    context.log.info(f"{trial.name} on {device}")

    def note(entry: dict[str, float]) -> None:
        context.log.info(json.dumps(entry))
        context.on_epoch(entry)

    train, valid = data.splits["train"], data.splits["val"]
    fitted = fit(model, trial.trainer, train, valid, data.corpus.hierarchy, trial.seed, checkpoint, note, micro_batches)
    tested = BestEpochs.test(model, fitted, data, trial.trainer)
    return Measured(
        scores=tested.headline(trial.trainer.select, fitted.state.history),
        selected=tested.selected,
        predicted=tested.predicted,
        history=fitted.state.history,
        train_seconds=fitted.state.train_seconds,
        num_parameters={
            "encoder": sum(parameter.numel() for parameter in model.text_encoder.parameters()),
            "heads": sum(parameter.numel() for parameter in model.heads.parameters()),
        },
        peak_memory_mb=memory.peak_mb(device),
        facts={
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            "precision": "bf16" if uses_bf16(device, trial.trainer) else "fp32",
            "threads": str(torch.get_num_threads()),
            "tokenizer_sha256": hashlib.sha256(data.tokens.tokenizer.to_str().encode()).hexdigest(),
        },
        micro_batches=fitted.state.micro_batches,
    )


def measure_memory(
    trial: TrialSettings, data_dir: Path, read: Callable[[], tuple[int, int]] = memory.read
) -> tuple[int, int]:
    """Takes a few steps of a trial on the longest documents, on a device that no other process of ours is on.

    Returns:
        Bytes that the trial needs at most, all that the process holds included; bytes of the device.
    """
    _, data, model = _prepare(trial, open_corpus(data_dir / trial.corpus))
    tests = [data.splits["val"], data.splits["test"]]
    rehearse(model, trial.trainer, data.splits["train"], tests, data.corpus.hierarchy)
    return read()
