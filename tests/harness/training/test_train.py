"""The training loop: rates, groups, seeds, and batches in parts with the gradients of the whole."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from datasets.storage.corpus import open_corpus
from harness.config.trainer import TrainerSettings
from harness.training import build, train
from harness.training.build import Data
from harness.training.evaluate import Documents
from harness.trials.settings import TrialSettings
from models.classifier import Classifier
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import still, watch

SETTINGS = TrainerSettings(epochs=4, batch_size=8, encoder_lr=0.5, head_lr=2.0, warmup=0.25)


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    shape = train._warmup_then_linear(SETTINGS, num_batches=10)  # 40 steps, 10 of them rising
    assert [shape(step) for step in (0, 5, 10, 25, 40)] == [0.0, 0.5, 1.0, 0.5, 0.0]
    no_warmup = train._warmup_then_linear(SETTINGS.model_copy(update={"warmup": 0.0}), num_batches=10)
    assert no_warmup(0) == 1.0 and no_warmup(40) == 0.0


def test_norms_and_biases_are_spared_by_what_they_are_in_the_encoder_and_in_the_heads() -> None:
    encoder = nn.ModuleDict({"final": nn.RMSNorm(3), "bias_table": nn.Embedding(3, 3), "dense": nn.Linear(3, 3)})
    heads = nn.ModuleDict({"norm": nn.BatchNorm1d(3), "out": nn.Linear(3, 2)})
    optimizer = train._optimizer(SimpleNamespace(text_encoder=encoder, heads=heads), SETTINGS)  # type: ignore[arg-type]
    groups = [(len(g["params"]), g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    # bias_table.weight, dense.weight | final.weight, dense.bias | out.weight | norm.weight, norm.bias, out.bias
    assert groups == [(2, 0.5, 0.01), (2, 0.5, 0.0), (1, 2.0, 0.01), (3, 2.0, 0.0)]


def test_seeding_covers_every_generator() -> None:
    draws = []
    for _ in range(2):
        train.seed_everything(7)
        draws.append((torch.rand(1).item(), np.random.rand()))
    assert draws[0] == draws[1]


def built(trial: TrialSettings, data_dir: Path) -> tuple[Classifier, Documents]:
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    train.seed_everything(1)
    return build.build(trial, data, torch.device("cpu")), data.splits["train"]


def epoch(model: Classifier, trial: TrialSettings, split: Documents, batches: list[Any], *parts: int) -> float:
    """Trains with steps of size 0, so that the last batch's gradients are left and nothing else changes."""
    settings = trial.trainer.model_copy(update={"clip_norm": 1e9})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    return train._train_epoch(model, settings, split, optimizer, scheduler, batches, *parts)


def gradients(model: Classifier) -> list[Tensor]:
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("parts", [2, 3, 4, 13, 32])
def test_the_gradients_of_parts_are_those_of_the_whole(write_sweep: SweepWriter, data_dir: Path, parts: int) -> None:
    trial = still(write_sweep).settings
    whole, split = built(trial, data_dir)
    places = np.arange(13)  # In 4 parts: 4 + 3 + 3 + 3.
    tokens, gold_BL = split.batch(places, torch.device("cpu"))
    loss = whole.heads.loss(whole(tokens), gold_BL)
    loss.backward()
    cut, _ = built(trial, data_dir)
    assert epoch(cut, trial, split, [places], parts) == pytest.approx(loss.item(), rel=1e-6)
    pairs = list(zip(gradients(whole), gradients(cut), strict=True))
    assert len(pairs) == len(list(whole.parameters()))
    for expected, found in pairs:
        assert torch.allclose(expected, found, rtol=1e-4, atol=1e-7), float((expected - found).abs().max())


def test_whole_batches_give_the_bits_of_a_plain_loop(write_sweep: SweepWriter, data_dir: Path) -> None:
    trial = still(write_sweep, "hitin").settings  # With dropout and batch statistics.
    weights = []
    for is_plain in (True, False):
        model, split = built(trial, data_dir)
        optimizer = train._optimizer(model, trial.trainer)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1)
        batches = [np.arange(start, start + 9) for start in (0, 9, 18)]
        model.train()
        if is_plain:
            for places in batches:
                tokens, gold_BL = split.batch(places, torch.device("cpu"))
                loss = model.heads.loss(model(tokens), gold_BL)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), trial.trainer.clip_norm)
                optimizer.step()
        else:
            train._train_epoch(model, trial.trainer, split, optimizer, scheduler, batches)
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("model", "num", "parts", "sizes"),
    [
        ("hiagm", 9, 4, [3, 2, 2, 2]),
        ("hiagm", 3, 8, [1, 1, 1]),
        ("hitin", 9, 8, [3, 2, 2, 2]),
        ("hitin", 3, 2, [3]),
    ],
)
def test_where_a_step_takes_statistics_no_document_is_alone(
    write_sweep: SweepWriter,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    num: int,
    parts: int,
    sizes: list[int],
) -> None:
    trial = still(write_sweep, model).settings
    classifier, split = built(trial, data_dir)
    seen = watch(monkeypatch)
    epoch(classifier, trial, split, [np.arange(num)], parts)
    assert [len(offsets) - 1 for _, offsets in seen] == sizes
