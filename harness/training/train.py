"""Training loop: no Ray, no MLflow, no files but the checkpoint it is handed.

One seed fixes the initial weights, the order of documents and dropout, so that the same trial gives
the same bits on the same CPU, also when it went on from a checkpoint.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from datasets.storage.batches import shuffle_into_batches
from datasets.storage.hierarchy import Hierarchy
from harness.config.trainer import TrainerSettings
from harness.training.checkpoint import Checkpoint, Fitted, TrainingProgress
from harness.training.evaluate import _DOCUMENTS_EVALUATED_AT_ONCE, Documents, Rows, _autocast, evaluate
from harness.training.kinds import NonFiniteLoss
from models.branch_cosines import NUM_BATCHES, branch_cosines
from models.classifier import Classifier
from models.weight_decay import spared


def fit(
    model: Classifier,
    settings: TrainerSettings,
    train: Documents,
    valid: Documents,
    hierarchy: Hierarchy,
    seed: int,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None],
    micro_batches: int = 1,
) -> Fitted:
    """Trains until the last epoch or until validation has not improved for `patience` epochs.

    Goes on from the checkpoint where it holds one, and keeps it current. The seed is that of the order of documents;
    the global torch generator is the caller's. Each batch is cut into `micro_batches` parts, or into as many as the
    checkpoint was made with. Raises NonFiniteLoss when the loss is no number any more.
    """
    optimizer = _optimizer(model, settings)
    num_batches = math.ceil(len(train.rows) / settings.batch_size)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, _warmup_then_linear(settings, num_batches))
    most = settings.batch_size // model.fewest_documents
    fitted = Fitted(TrainingProgress(micro_batches=min(micro_batches, most)), {})
    checkpoint.restore(fitted, model, optimizer, scheduler)
    while fitted.state.epoch < settings.epochs and fitted.state.num_worse < settings.patience:
        progress = fitted.state
        started = time.perf_counter()
        batches = shuffle_into_batches(train.tokens.lengths[train.rows], settings.batch_size, (seed, progress.epoch))
        loss = _train_epoch(model, settings, train, optimizer, scheduler, batches, progress.micro_batches)
        seconds = time.perf_counter() - started
        if not math.isfinite(loss):
            raise NonFiniteLoss(f"The training loss is {loss} in epoch {progress.epoch + 1}.")
        scores = evaluate(model, valid, hierarchy, settings, progress.micro_batches)
        for name in progress.note(scores):
            # Not on the device, where two more sets of weights would leave less room for trials.
            state = model.state_dict().items()
            fitted.weights[name] = {key: value.detach().to("cpu", copy=True) for key, value in state}
        entry = {"epoch": progress.epoch + 1, "train_loss": loss, "train_seconds": seconds}
        entry["learning_rate"] = float(scheduler.get_last_lr()[-1])
        entry |= {f"valid_{key}": value for key, value in scores.items()}
        if settings.branch_cosines:
            parts = (np.array_split(places, progress.micro_batches)[0] for places in batches[:NUM_BATCHES])
            entry |= branch_cosines(model, (train.batch(part, model.device) for part in parts))
        progress.train_seconds += seconds
        progress.history.append(entry)
        on_epoch(entry)
        checkpoint.save(fitted, model, optimizer, scheduler)
    return fitted


def _train_epoch(
    model: Classifier,
    settings: TrainerSettings,
    train: Documents,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    batches: list[Rows],
    micro_batches: int = 1,
) -> float:
    """Returns the mean training loss of one epoch.

    The gradients of a batch's parts, weighted by their shares of its documents, add up to the gradient of the
    whole: up to rounding, batch statistics and the draws of dropout.
    """
    model.train()
    device, fewest = model.device, model.fewest_documents
    total = torch.zeros((), device=device)
    for places in batches:
        optimizer.zero_grad()
        for part in np.array_split(places, max(1, min(micro_batches, len(places) // fewest))):
            tokens, gold_BL = train.batch(part, device)
            with _autocast(device, settings):
                output = model(tokens)
            loss = model.heads.loss(output, gold_BL) * (len(part) / len(places))
            loss.backward()
            total += loss.detach()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimizer.step()
        scheduler.step()
    return float(total) / len(batches)


def rehearse(
    model: Classifier, settings: TrainerSettings, train: Documents, tests: Sequence[Documents], hierarchy: Hierarchy
) -> None:
    """Takes three training steps and one evaluation on each split's longest documents: all that needs memory.

    The model's weights are spoilt.
    """
    optimizer = _optimizer(model, settings)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    # The largest batch that there can be; the optimiser's own state is there from the second step on.
    longest = _longest(train, settings.batch_size + 1)
    _train_epoch(model, settings, train, optimizer, scheduler, [longest] * 3)
    for split in tests:
        places = _longest(split, _DOCUMENTS_EVALUATED_AT_ONCE)
        evaluate(model, Documents(split.tokens, split.rows[places], split.gold[places]), hierarchy, settings)


def _longest(split: Documents, num: int) -> Rows:
    return np.argsort(-split.tokens.lengths[split.rows], kind="stable")[:num]


def _optimizer(model: Classifier, settings: TrainerSettings) -> torch.optim.Optimizer:
    """AdamW over {encoder, heads} x {decay, no decay}; `models/weight_decay.py` says what is spared."""
    groups: list[dict[str, Any]] = []
    for part, rate in ((model.text_encoder, settings.encoder_lr), (model.heads, settings.head_lr)):
        names = spared(part)
        for decay, is_spared in ((settings.weight_decay, False), (0.0, True)):
            chosen = [parameter for name, parameter in part.named_parameters() if (name in names) == is_spared]
            groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, fused=True)


def _warmup_then_linear(settings: TrainerSettings, num_batches: int) -> Callable[[int], float]:
    total = settings.epochs * num_batches
    rising = settings.warmup * total
    return lambda step: step / rising if step < rising else max(0.0, (total - step) / max(1.0, total - rising))


def seed_everything(seed: int) -> None:
    """Seeds the generators that a trial draws from, on every device."""
    torch.manual_seed(seed)
    np.random.seed(seed)
