"""Trained trials: a neural model fitted by gradients, tested at its best epochs."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import torch

from datasets.storage.corpus import Corpus, open_corpus
from datasets.storage.documents import SplitName
from datasets.storage.label_groups import label_groups
from datasets.storage.predictions import EVALUATED, Keeper, LabelValues, Predictions
from harness.config.trainer import BestEpoch, TrainerSettings, best_metric
from harness.core.metric_names import BRANCH_COSINE, Decision
from harness.core.text import one_line
from harness.scoring.scores import scores_by_decision
from harness.training import memory
from harness.training.build import Data, architecture, build, device_of, facts_of
from harness.training.checkpoint import Checkpoint, Fitted
from harness.training.evaluate import evaluate, uses_bf16
from harness.training.kinds import Context, Measured
from harness.training.train import fit, rehearse, seed_everything
from harness.trials.settings import TrainedSettings
from models.classifier import Classifier
from models.saved import save_classifier


@dataclass(frozen=True)
class BestEpochs:
    """What was found on the test documents at the best epochs, by the score that was best there on validation."""

    selected: dict[str, dict[str, float]]  # Test scores, and the epoch.
    predicted: dict[str, Predictions]  # What is kept of validation and test documents.
    decided: dict[str, dict[Decision, dict[str, float]]]  # Test scores of what is kept, by decision rule.

    @classmethod
    def test(cls, model: Classifier, fitted: Fitted, data: Data, settings: TrainerSettings) -> "BestEpochs":
        """Tests the weights of each best epoch, once where two are the same epoch; the model is left with the last.

        The training documents say which labels are rare.
        """
        tested = cls({}, {}, {})
        hierarchy, groups = data.corpus.hierarchy, label_groups(data.splits["train"].gold.sum(axis=0))
        gold = {split: data.splits[split].gold for split in EVALUATED}
        by_epoch: dict[float, str] = {}
        for metric, best in fitted.state.best.items():
            twin = by_epoch.setdefault(best["epoch"], metric)
            if twin == metric:
                model.load_state_dict(fitted.weights[metric])
                kept: dict[SplitName, LabelValues] = {}
                for split in EVALUATED:
                    documents, keeper, parts = data.splits[split], Keeper(), fitted.state.micro_batches
                    scores = evaluate(model, documents, hierarchy, settings, parts, groups, keeper)
                    kept[split] = keeper.kept()
                tested.selected[metric] = {"epoch": best["epoch"], **scores}
                tested.predicted[metric] = Predictions.of(kept, model.heads.meaning)
                tested.decided[metric] = scores_by_decision(tested.predicted[metric], gold, hierarchy, groups)
            else:
                for found in (tested.selected, tested.predicted, tested.decided):
                    found[metric] = found[twin]  # type: ignore[index, assignment]
        return tested

    def decisions(self, rule: BestEpoch) -> dict[Decision, dict[str, float]]:
        """Returns the scores to report by a best-epoch rule, for each decision rule."""
        source = best_metric(rule)
        macro = self.decided["macro_f1" if rule == "per_metric" else source]
        return {
            decision: {**scores, "macro_f1": macro[decision]["macro_f1"]}
            for decision, scores in self.decided[source].items()
        }

    def headline(self, rule: BestEpoch, history: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Returns the scores to report of 0.5, those on validation at their epochs, and mean cosines."""
        source = best_metric(rule)
        own = {name: value for name, value in self.selected[source].items() if name != "epoch"}
        scores = own | self.decisions(rule)["0.5"]
        for metric in ("micro_f1", "macro_f1"):
            epoch = self.selected[metric if rule == "per_metric" else source]["epoch"]
            scores[f"valid_{metric}"] = history[int(epoch) - 1][f"valid_{metric}"]
        cosines = [name for name in history[0] if name.startswith(BRANCH_COSINE)]
        return scores | {name: fmean(entry[name] for entry in history) for name in cosines}


def measure(context: Context[TrainedSettings]) -> Measured | None:
    """Trains and tests a model; where memory runs out, again with each batch in twice as many parts.

    On a device that it shares with other trials it does not try again, but wants the device alone: None.
    """
    checkpoint, parts, most = Checkpoint(context.folder), 1, context.settings.trainer.batch_size
    while True:
        try:
            return _train_and_test(context, checkpoint, parts)
        except Exception as error:
            if parts == most or not memory.is_out_of_memory(error):
                raise
            context.log.info(f"Out of memory with {parts} parts a batch: {one_line(error, 500)}")
        # Not in the handler, where the error still holds on to the tensors of its stack.
        memory.free()
        if context.settings.resources.shares_gpu:
            return None
        checkpoint.remove()
        parts = min(2 * parts, most)


def _prepare(trial: TrainedSettings, corpus: Corpus) -> tuple[torch.device, Data, Classifier]:
    device = device_of(trial)
    torch.set_num_threads(trial.resources.cpus)
    memory.keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    data = Data.open(trial, corpus)
    seed_everything(trial.seed)
    return device, data, build(trial, data, device)


def _train_and_test(context: Context[TrainedSettings], checkpoint: Checkpoint, micro_batches: int) -> Measured:
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
        decisions={name: scores for name, scores in tested.decisions(trial.trainer.select).items() if name != "0.5"},
        history=fitted.state.history,
        train_seconds=fitted.state.train_seconds,
        num_parameters=model.num_parameters,
        peak_memory_mb=memory.peak_mb(device),
        facts={
            "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
            "precision": "bf16" if uses_bf16(device, trial.trainer) else "fp32",
            "threads": str(torch.get_num_threads()),
            "tokenizer_sha256": hashlib.sha256(data.tokens.tokenizer.to_str().encode()).hexdigest(),
        },
        micro_batches=fitted.state.micro_batches,
        save=partial(_save, trial, data, model, fitted),
    )


def _save(trial: TrainedSettings, data: Data, model: Classifier, fitted: Fitted, folder: Path) -> None:
    """Writes the weights of the best epoch whose scores are reported, of micro F where each metric has its own."""
    model.load_state_dict(fitted.weights[best_metric(trial.select)])
    precision = "bf16" if uses_bf16(model.device, trial.trainer) else "fp32"
    tokenizer, facts = data.tokens.tokenizer, facts_of(trial, data)
    save_classifier(folder, model, architecture(trial), tokenizer, facts, data.corpus.hierarchy, precision)


def measure_memory(
    trial: TrainedSettings, data_dir: Path, read: Callable[[], tuple[int, int]] = memory.read
) -> tuple[int, int]:
    """Returns the bytes that a trial needs at most, all that the process holds included, and those of the device.

    Takes a few steps on the longest documents, on a device that no other process of ours is on.
    """
    _, data, model = _prepare(trial, open_corpus(data_dir / trial.corpus))
    tests = [data.splits["val"], data.splits["test"]]
    rehearse(model, trial.trainer, data.splits["train"], tests, data.corpus.hierarchy)
    return read()
