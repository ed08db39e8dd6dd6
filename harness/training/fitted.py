"""Fitted trials: a system that is fitted at once, or whose predictions were made elsewhere."""

import time
from collections.abc import Mapping

import scipy.sparse
import torch

from datasets.storage.corpus import Corpus
from datasets.storage.label_groups import Bools, label_groups
from datasets.storage.texts import Texts
from harness.core.metric_names import HEADLINE
from harness.training import memory
from harness.training.kinds import Context, Measured
from harness.training.metrics import THRESHOLD, Tally, ThresholdFree
from harness.trials.settings import FittedSettings
from models import SYSTEMS

NUMERICS = {"fitted": 1}

_AT_ONCE = 1024


def measure(context: Context[FittedSettings]) -> Measured:
    """Fits a system on the training documents, with its own choices made on the validation documents, and tests it."""
    trial, corpus = context.settings, context.corpus
    torch.set_num_threads(trial.resources.cpus)
    train, valid, test = (Texts.of(corpus, split, trial.train_documents) for split in ("train", "val", "test"))
    system = SYSTEMS[trial.system].load()(corpus.hierarchy, **trial.system_options)
    started = time.perf_counter()
    facts = system.fit(train, valid, trial.seed)
    seconds = time.perf_counter() - started
    context.log.info(f"{trial.name}: {', '.join(f'{name} {value}' for name, value in facts.items()) or 'fitted'}")
    groups = label_groups(train.gold.sum(axis=0))
    tested = system.values(test)
    scores = _scores(tested, test.gold, corpus, groups)
    validated = _scores(system.values(valid), valid.gold, corpus, {})
    return Measured(
        scores=scores | {f"valid_{metric}": validated[metric] for metric in HEADLINE},
        selected={metric: scores for metric in HEADLINE},
        predicted={metric: tested > THRESHOLD for metric in HEADLINE},
        history=[],
        train_seconds=seconds,
        num_parameters={"system": system.num_parameters},
        peak_memory_mb=memory.peak_mb(torch.device("cpu")),
        facts={"device": "cpu", "precision": "fp32", "threads": str(trial.resources.cpus), **facts},
    )


def _scores(
    values: scipy.sparse.csr_array, gold: scipy.sparse.csr_array, corpus: Corpus, groups: Mapping[str, Bools]
) -> dict[str, float]:
    tally, curves = Tally(corpus.hierarchy, groups), ThresholdFree(corpus.hierarchy)
    for start in range(0, values.shape[0], _AT_ONCE):
        dense = values[start : start + _AT_ONCE].toarray()
        gold_BL = gold[start : start + _AT_ONCE].toarray()
        tally.add(dense > THRESHOLD, gold_BL)
        curves.add(dense, gold_BL)
    return tally.scores() | curves.scores()
