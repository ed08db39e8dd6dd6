"""Fitted trials: a system that is fitted at once, or whose predictions were made elsewhere."""

import time
from collections.abc import Mapping
from pathlib import Path

import scipy.sparse
import torch

from datasets.storage.corpus import Corpus
from datasets.storage.label_groups import Bools, label_groups
from datasets.storage.predictions import EVALUATED, Keeper, LabelValues, Predictions
from datasets.storage.texts import Texts
from harness.core.errors import UserError
from harness.core.metric_names import HEADLINE
from harness.scoring.metrics import THRESHOLD, Tally, ThresholdFree
from harness.scoring.scores import scores_by_decision
from harness.training import memory
from harness.training.kinds import CannotBeFitted, Context, Measured
from harness.training.tokenised import reading_of
from harness.trials.settings import FittedSettings
from models import SYSTEMS
from models.saved import save_system

NUMERICS = {"fitted": 1}

_AT_ONCE = 1024


def measure(context: Context[FittedSettings]) -> Measured:
    """Fits a system on the training documents, with its own choices made on the validation documents, and tests it."""
    trial, corpus = context.settings, context.corpus
    torch.set_num_threads(trial.resources.cpus)
    torch.manual_seed(trial.seed)  # Of a text encoder that is not pretrained.
    train = Texts.of(corpus, "train", trial.train_documents)
    splits = {split: Texts.of(corpus, split) for split in EVALUATED}
    reading = reading_of(trial, corpus) if trial.encoder else None
    encode = reading.vectors if reading else None
    system = SYSTEMS[trial.system].load()(corpus.hierarchy, encode, **trial.system_options)
    started = time.perf_counter()
    try:
        facts = system.fit(train, splits["val"], trial.seed)
    except UserError as error:  # Of this trial alone: all others go on.
        raise CannotBeFitted(str(error)) from None
    seconds = time.perf_counter() - started
    context.log.info(f"{trial.name}: {', '.join(f'{name} {value}' for name, value in facts.items()) or 'fitted'}")
    groups, gold = label_groups(train.gold.sum(axis=0)), {split: texts.gold for split, texts in splits.items()}
    found = {split: _evaluated(system.values(texts), gold[split], corpus, groups) for split, texts in splits.items()}
    known = {split: kept for split, (_, kept) in found.items() if split == "test" or system.knows_validation}
    predicted = Predictions.of(known, system.meaning)
    decided = scores_by_decision(predicted, gold, corpus.hierarchy, groups)
    scores = found["test"][0] if system.meaning != "labels" else {}
    scores |= decided["0.5"]
    valid = {f"valid_{metric}": found["val"][0][metric] for metric in HEADLINE} if system.knows_validation else {}

    def save(folder: Path) -> None:
        save_system(folder, system, trial.system, trial.system_options, corpus.hierarchy, reading)

    return Measured(
        scores=scores | valid,
        selected=dict.fromkeys(HEADLINE, scores),
        predicted=dict.fromkeys(HEADLINE, predicted),
        decisions={rule: of_rule for rule, of_rule in decided.items() if rule != "0.5"},
        history=[],
        train_seconds=seconds,
        num_parameters={"system": system.num_parameters},
        peak_memory_mb=memory.peak_mb(torch.device("cpu")),
        facts={"device": "cpu", "precision": "fp32", "threads": str(trial.resources.cpus), **facts},
        save=save if system.can_be_kept else None,
    )


def _evaluated(
    values: scipy.sparse.csr_array, gold: scipy.sparse.csr_array, corpus: Corpus, groups: Mapping[str, Bools]
) -> tuple[dict[str, float], LabelValues]:
    """Returns the scores of a split, and what is kept of its values."""
    tally, curves, keeper = Tally(corpus.hierarchy, groups), ThresholdFree(corpus.hierarchy), Keeper()
    for start in range(0, values.shape[0], _AT_ONCE):
        values_BL, gold_BL = (part[start : start + _AT_ONCE].toarray() for part in (values, gold))
        tally.add(values_BL > THRESHOLD, gold_BL)
        curves.add(values_BL, gold_BL)
        keeper.add(values_BL)
    return tally.scores() | curves.scores(), keeper.kept()
