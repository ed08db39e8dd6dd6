"""What a model must beat to have learnt: predicting the frequent labels for every document."""

from pathlib import Path

import numpy as np

from datasets.storage.corpus import Corpus
from harness.scoring.metrics import Tally
from harness.trials.store import Record


def assert_learnt(record: Record, corpus_folder: Path, margin: float = 25) -> None:
    """Test scores are far above those of the labels that more than a quarter of the training documents carry.

    Args:
        record: Of a finished trial.
        corpus_folder: Of the trial's corpus.
        margin: In points, of micro and of macro F1.
    """
    corpus = Corpus.open(corpus_folder)
    gold = corpus.labels(corpus.rows("test")).toarray()
    frequent = corpus.labels(corpus.rows("train")).toarray().mean(0) > 0.25
    constant = Tally(corpus.hierarchy)
    constant.add(np.tile(frequent, (len(gold), 1)), gold)
    for metric in ("micro_f1", "macro_f1"):
        assert record.scores[metric] > constant.scores()[metric] + margin
