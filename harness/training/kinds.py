"""Kinds of trial: the one protocol that trained, fitted and imported systems share.

A kind gets a corpus, a seed and a folder, and returns the scores of the validation and the test documents with what it
predicted there. Attempts, failures and the record are the same for all kinds: `harness/training/run.py`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from datasets.storage.corpus import Corpus
from datasets.storage.predictions import Predictions
from harness.core.metric_names import Decision
from harness.trials.settings import TrialSettings

EpochCallback = Callable[[dict[str, float]], None]
Settings = TypeVar("Settings", bound=TrialSettings)


@dataclass(frozen=True)
class Context(Generic[Settings]):
    """Everything that a trial is given."""

    settings: Settings  # The seed is among them.
    corpus: Corpus
    folder: Path  # The trial's own, for what it needs to go on after an interruption.
    log: logging.Logger  # Writes to the trial's own file.
    on_epoch: EpochCallback  # Gets each epoch's entry of the history.


@dataclass(frozen=True)
class Measured:
    """What a trial found; a best epoch goes by the score that was best in it, `micro_f1` or `macro_f1`."""

    scores: Mapping[str, float]  # Test scores, in points; `valid_*`: the headline ones on validation.
    selected: Mapping[str, Mapping[str, float]]  # Per best epoch, its number and every test score.
    predicted: Mapping[str, Predictions]  # Per best epoch, what is kept of validation and test documents.
    history: Sequence[Mapping[str, float]]  # One entry per epoch.
    train_seconds: float  # Training steps alone.
    num_parameters: Mapping[str, int]  # Trainable parameters, by part.
    peak_memory_mb: float  # Most memory of the device, or of the process on a CPU.
    facts: Mapping[str, str] = field(default_factory=dict)  # What else the numbers depend on, such as the device.
    decisions: Mapping[Decision, Mapping[str, float]] = field(default_factory=dict)  # Test scores by the other rules.
    micro_batches: int = 1  # Parts that each batch was cut into, for want of memory.
    save: Callable[[Path], None] | None = None  # Writes the model into an empty folder; None where there is none.


class NonFiniteLoss(ArithmeticError):
    """The training loss became NaN or infinite; the message says in which epoch."""


class CannotBeFitted(Exception):
    """A system cannot be fitted to this corpus; the message says why, and the way out."""


class Kind(Protocol):
    """A kind of trial is one function."""

    def __call__(self, context: Context[Any]) -> Measured | None:
        """Runs a trial; returns None where it needs more of its device than the share it was given.

        Raises:
            UserError: Where no trial can run here: the encoder's weights are missing, say.
            OSError: Where the file system or the network failed; another try may go through.
            Exception: Any other one means that this trial has failed.
        """
