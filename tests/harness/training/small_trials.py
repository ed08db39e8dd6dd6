"""Trials of a second, run in this process, and devices that are too small for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.config.load import load
from harness.training import run as runner
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record, Store
from models.classifier import Classifier
from models.text_encoders.base import TokenBatch
from tests.conftest import SweepWriter

FAST = {"epochs": 2, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}
STILL = {
    "hiagm": {"options": {"node_width": 4, "text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}},
    "hitin": {"options": {"node_width": 4}},
}
STILL_BAG = {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40, "dropout": 0.0}}


def planned(write_sweep: SweepWriter, model: str = "hiagm", merge: str = "projection", **changes: Any) -> PlannedTrial:
    """Returns the first seed's trial of a cell."""
    plan = Plan.open(load(write_sweep(**changes)))
    return next(one for one in plan.trials if one.settings.cell[:2] == (model, merge))


def ran(one: PlannedTrial, data_dir: Path, store: Store) -> Record:
    """Runs a trial that must not fail, and returns its record."""
    runner.run(one.settings, one.key, data_dir, store)
    record = store.record(one.key)
    assert record is not None, store.failure(one.key)
    return record


class Killed(BaseException):
    """Takes a trial down as a signal would: nothing may catch it."""


def watch(
    monkeypatch: pytest.MonkeyPatch, check: Callable[[bool, int], None] = lambda is_training, num: None
) -> list[tuple[bool, Tensor]]:
    """Notes of every batch whether it is trained on, and its offsets; lets a check raise."""
    seen: list[tuple[bool, Tensor]] = []
    forward = Classifier.forward

    def watched(self: Classifier, tokens: TokenBatch) -> Tensor:
        check(self.training, len(tokens.offsets) - 1)
        seen.append((self.training, tokens.offsets))
        return forward(self, tokens)

    monkeypatch.setattr(Classifier, "forward", watched)
    return seen


def device_for(num_documents: int, is_for_training_only: bool = True, error: Exception | None = None) -> Any:
    """Returns a check that runs out of memory above a number of documents."""

    def check(is_training: bool, num: int) -> None:
        if num > num_documents and (is_training or not is_for_training_only):
            raise error or torch.OutOfMemoryError("CUDA out of memory")

    return check


def still(write_sweep: SweepWriter, model: str = "hiagm", **changes: Any) -> PlannedTrial:
    """Returns a trial under projection of a model that draws no random numbers once it is built."""
    plan = Plan.open(load(write_sweep(models=STILL, encoder=STILL_BAG, **changes)))
    return next(one for one in plan.trials if one.settings.cell[:2] == (model, "projection"))


def run_with(one: PlannedTrial, data_dir: Path, store: Store, **resources: Any) -> Record | None:
    """Runs a trial with other resources, and returns its record if it leaves one."""
    settled = one.settings.resources.model_copy(update=resources)
    runner.run(one.settings.model_copy(update={"resources": settled}), one.key, data_dir, store)
    return store.record(one.key)
