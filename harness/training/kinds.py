"""Kinds of trial: the one protocol that trained, fitted and imported systems share.

A kind gets a corpus, a seed and a folder, and returns the scores of the validation and the test documents with what it
predicted there. Attempts, failures and the record are the same for all kinds: `harness/training/run.py`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import scipy.sparse

from datasets.storage.corpus import Corpus
from harness.trials.settings import TrialSettings

EpochCallback = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Context:
    """Everything that a trial is given."""

    settings: TrialSettings  # The seed is among them.
    corpus: Corpus
    folder: Path  # The trial's own, for what it needs to go on after an interruption.
    log: logging.Logger  # Writes to the trial's own file.
    on_epoch: EpochCallback  # Gets each epoch's entry of the history.


@dataclass(frozen=True)
class Measured:
    """What a trial found.

    Attributes:
        scores: Headline scores of the test documents, in points, and their validation twins as `valid_*`.
        selected: Per best epoch (`micro_f1`, `macro_f1`), its number and every score of the test documents.
        predicted: Per best epoch, the predicted labels: (test documents, L) sparse booleans.
        history: One entry per epoch.
        train_seconds: Time of training alone.
        num_parameters: Trainable parameters, by part.
        peak_memory_mb: Most memory of the device, or of the process on a CPU.
        facts: What else the numbers depend on, such as the device.
        micro_batches: Parts that each batch was cut into, for want of memory.
    """

    scores: Mapping[str, float]
    selected: Mapping[str, Mapping[str, float]]
    predicted: Mapping[str, scipy.sparse.csr_array]
    history: Sequence[Mapping[str, float]]
    train_seconds: float
    num_parameters: Mapping[str, int]
    peak_memory_mb: float
    facts: Mapping[str, str] = field(default_factory=dict)
    micro_batches: int = 1


class Kind(Protocol):
    """A kind of trial is one function."""

    def __call__(self, context: Context) -> Measured | None:
        """Runs a trial; returns None where it needs more of its device than the share it was given.

        Raises:
            UserError: Where no trial can run here: the encoder's weights are missing, say.
            OSError: Where the file system or the network failed; another try may go through.
            Exception: Any other one means that this trial has failed.
        """
