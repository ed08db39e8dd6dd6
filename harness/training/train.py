"""The training loop: no Ray, no MLflow, no files but the checkpoint it is handed.

One seed fixes the initial weights, the order of documents and dropout, so that the same trial gives
the same bits on the same CPU, also when it went on from a checkpoint.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.tokens import Tokens
from harness.config.schema import TrainerSettings
from harness.training.checkpoint import Checkpoint, Fitted, TrainingState
from harness.training.hf1_auc import ThresholdFree
from harness.training.metrics import THRESHOLD, Bools, Tally
from models.classifier import Classifier
from models.text_encoders.base import TokenBatch

_DOCUMENTS_EVALUATED_AT_ONCE = 256
_BATCHES_SORTED_TOGETHER = 50

Rows = npt.NDArray[np.int64]


class NonFiniteLoss(ArithmeticError):
    """The training loss became NaN or infinite; the message says in which epoch."""


@dataclass(frozen=True)
class Split:
    """The documents that are trained on, or evaluated.

    Attributes:
        tokens: The whole corpus as word pieces.
        rows: The split's documents, as rows of the corpus.
        gold: (rows, L) sparse, closed under ancestors.
    """

    tokens: Tokens
    rows: Rows
    gold: scipy.sparse.csr_array

    def batch(self, places: Rows, device: torch.device) -> tuple[TokenBatch, Tensor]:
        """Returns the word pieces and gold_BL of some places of the split."""
        ids, offsets = self.tokens.gather(self.rows[places])
        gold_BL = torch.from_numpy(self.gold[places].toarray().astype(np.float32))
        parts = [torch.from_numpy(ids), torch.from_numpy(offsets), gold_BL]
        if device.type == "cuda":
            # From pinned memory alone is a copy asynchronous: any other waits for the steps under way.
            parts = [part.pin_memory().to(device, non_blocking=True) for part in parts]
        return TokenBatch(*parts[:2]), parts[2]


def fit(
    model: Classifier,
    settings: TrainerSettings,
    train: Split,
    valid: Split,
    hierarchy: Hierarchy,
    seed: int,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None],
    micro_batches: int = 1,
) -> Fitted:
    """Trains until the last epoch or until validation has not improved for `patience` epochs.

    Args:
        model: On the device to train on.
        settings: See `TrainerSettings`.
        train: Documents to train on.
        valid: Documents that choose the best epoch.
        hierarchy: L labels.
        seed: Of the order of documents; the global torch generator is the caller's.
        checkpoint: Goes on from it where it holds one, and keeps it current.
        on_epoch: Gets each new entry of the history.
        micro_batches: Parts to cut each batch into; what the checkpoint was made with wins.

    Raises:
        NonFiniteLoss: When the loss is no number any more.
    """
    optimizer = _optimizer(model, settings)
    num_batches = math.ceil(len(train.rows) / settings.batch_size)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, _warmup_then_linear(settings, num_batches))
    most = settings.batch_size // _fewest_documents(model)
    fitted = Fitted(TrainingState(micro_batches=min(micro_batches, most)), {})
    checkpoint.restore(fitted, model, optimizer, scheduler)
    while fitted.progress.epoch < settings.epochs and fitted.progress.num_worse < settings.patience:
        progress = fitted.progress
        started = time.perf_counter()
        batches = _order(train, settings, seed, progress.epoch)
        loss = _train_epoch(model, settings, train, optimizer, scheduler, batches, progress.micro_batches)
        seconds = time.perf_counter() - started
        if not math.isfinite(loss):
            raise NonFiniteLoss(f"The training loss is {loss} in epoch {progress.epoch + 1}.")
        scores = evaluate(model, valid, hierarchy, settings, progress.micro_batches)[0]
        for name in progress.note(scores):
            # Not on the device, where two more sets of weights would leave less room for trials.
            fitted.weights[name] = {
                key: value.detach().to("cpu", copy=True) for key, value in model.state_dict().items()
            }
        entry = {"epoch": progress.epoch + 1, "train_loss": loss, "train_seconds": seconds}
        entry |= {"learning_rate": float(scheduler.get_last_lr()[-1])} | {
            f"valid_{key}": value for key, value in scores.items()
        }
        progress.train_seconds += seconds
        progress.history.append(entry)
        on_epoch(entry)
        checkpoint.save(fitted, model, optimizer, scheduler)
    return fitted


def _train_epoch(
    model: Classifier,
    settings: TrainerSettings,
    train: Split,
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
    device = next(model.parameters()).device
    fewest = _fewest_documents(model)
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


def _fewest_documents(model: nn.Module) -> int:
    """Returns how few documents a training step may see: two where it takes their statistics."""
    return 2 if any("running_mean" in name for name, _ in model.named_buffers()) else 1


def rehearse(
    model: Classifier, settings: TrainerSettings, train: Split, tests: Sequence[Split], hierarchy: Hierarchy
) -> None:
    """Takes three training steps and one evaluation on each split's longest documents: all that needs memory.

    Args:
        model: On the device to train on; its weights are spoilt.
        settings: See `TrainerSettings`.
        train: Documents to train on.
        tests: Splits to evaluate on.
        hierarchy: L labels.
    """
    optimizer = _optimizer(model, settings)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    # The largest batch that there can be, see `_order`; the optimiser's own state is there from the second step on.
    longest = _longest(train, settings.batch_size + 1)
    _train_epoch(model, settings, train, optimizer, scheduler, [longest] * 3)
    for split in tests:
        places = _longest(split, _DOCUMENTS_EVALUATED_AT_ONCE)
        evaluate(model, Split(split.tokens, split.rows[places], split.gold[places]), hierarchy, settings)


def _longest(split: Split, num: int) -> Rows:
    """Returns the places of a split's longest documents."""
    return np.argsort(-split.tokens.lengths[split.rows], kind="stable")[:num]


def evaluate(
    model: Classifier,
    split: Split,
    hierarchy: Hierarchy,
    settings: TrainerSettings,
    micro_batches: int = 1,
    groups: Mapping[str, Bools] | None = None,
    threshold_free: bool = False,
) -> tuple[dict[str, float], scipy.sparse.csr_array]:
    """Returns the scores of a split, and the predicted labels: (rows, L) sparse booleans in its order.

    Args:
        model: On the device to evaluate on.
        split: Its documents.
        hierarchy: L labels.
        settings: See `TrainerSettings`.
        micro_batches: Parts to cut each batch into.
        groups: See `Tally`.
        threshold_free: Whether scores that need the probabilities are among them: for test scores, which are made once.
    """
    model.eval()
    at_once = max(1, _DOCUMENTS_EVALUATED_AT_ONCE // micro_batches)
    device = next(model.parameters()).device
    tally = Tally(hierarchy, groups)
    curves = ThresholdFree(hierarchy) if threshold_free else None
    by_length = np.argsort(split.tokens.lengths[split.rows], kind="stable")
    rows: list[Rows] = []
    labels: list[Rows] = []
    with torch.inference_mode(), _autocast(device, settings):
        for start in range(0, len(by_length), at_once):
            places = by_length[start : start + at_once]
            tokens, gold_BL = split.batch(places, device)
            probabilities_BL = model.heads.probabilities(model(tokens))
            predicted_BL = (probabilities_BL > THRESHOLD).cpu().numpy()
            is_gold_BL = gold_BL.cpu().numpy() > 0
            tally.add(predicted_BL, is_gold_BL)
            if curves:
                curves.add(probabilities_BL.cpu().numpy(), is_gold_BL)
            # Several times as fast as `nonzero`, and as making a sparse array of every batch.
            row, label = np.divmod(np.flatnonzero(predicted_BL), len(hierarchy))
            rows.append(places[row])
            labels.append(label)
    pairs = np.concatenate(rows), np.concatenate(labels)
    shape = len(split.rows), len(hierarchy)
    scores = tally.scores() | (curves.scores() if curves else {})
    return scores, scipy.sparse.csr_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=shape)


def _order(train: Split, settings: TrainerSettings, seed: int, epoch: int) -> list[Rows]:
    """Returns the places of each batch: shuffled, then of similar length within stretches of batches.

    The last batch takes a lone remaining document in, since batch statistics need two.
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled = generator.permutation(len(train.rows))
    lengths = train.tokens.lengths[train.rows]
    stretch = settings.batch_size * _BATCHES_SORTED_TOGETHER
    batches: list[Rows] = []
    for start in range(0, len(shuffled), stretch):
        part = shuffled[start : start + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[i : i + settings.batch_size] for i in range(0, len(part), settings.batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [np.concatenate(batches[-2:])]
    return [batches[i] for i in generator.permutation(len(batches))]


def _optimizer(model: Classifier, settings: TrainerSettings) -> torch.optim.Optimizer:
    """AdamW over {encoder, heads} x {decay, no decay}: no decay on biases and LayerNorm weights."""
    groups: list[dict[str, Any]] = []
    for part, rate in ((model.encoder, settings.encoder_lr), (model.heads, settings.head_lr)):
        for exempt in (False, True):
            chosen = [
                parameter
                for name, parameter in part.named_parameters()
                if ("bias" in name or "LayerNorm.weight" in name) == exempt
            ]
            groups.append({"params": chosen, "lr": rate, "weight_decay": 0.0 if exempt else settings.weight_decay})
    return torch.optim.AdamW(groups, fused=True)


def _warmup_then_linear(settings: TrainerSettings, num_batches: int) -> Callable[[int], float]:
    total = settings.epochs * num_batches
    rising = settings.warmup * total
    return lambda step: step / rising if step < rising else max(0.0, (total - step) / max(1.0, total - rising))


def uses_bf16(device: torch.device, settings: TrainerSettings) -> bool:
    """Returns whether forward passes run in bfloat16 on a device."""
    has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return settings.precision == "bf16" or (settings.precision == "auto" and has_bf16)


def _autocast(device: torch.device, settings: TrainerSettings) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(device, settings))


def seed_everything(seed: int) -> None:
    """Seeds the generators that a trial draws from, on every device."""
    torch.manual_seed(seed)
    np.random.seed(seed)
