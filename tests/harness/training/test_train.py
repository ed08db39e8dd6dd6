"""The training loop: order, rates, groups, the best-epoch rule, and the same bits again."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.config.schema import TrainerSettings
from harness.training import train
from harness.training.checkpoint import Checkpoint, Fitted, TrainingProgress

SETTINGS = TrainerSettings(epochs=4, batch_size=8, encoder_lr=0.5, head_lr=2.0, warmup=0.25)


@given(st.integers(2, 2000), st.integers(2, 40), st.integers(0, 5), st.integers(0, 5))
def test_every_document_once_an_epoch_and_never_alone(num: int, batch_size: int, seed: int, epoch: int) -> None:
    lengths = np.random.default_rng(num).integers(1, 50, size=num + 3)
    documents = SimpleNamespace(rows=np.arange(3, num + 3), tokens=SimpleNamespace(lengths=lengths))
    settings = SETTINGS.model_copy(update={"batch_size": batch_size})
    batches = train._order(documents, settings, seed, epoch)  # type: ignore[arg-type]
    assert sorted(np.concatenate(batches)) == list(range(num))
    assert min(map(len, batches)) >= 2 and max(map(len, batches)) <= batch_size + 1
    again = train._order(documents, settings, seed, epoch)  # type: ignore[arg-type]
    assert all(np.array_equal(one, other) for one, other in zip(batches, again, strict=True))


def test_batches_hold_documents_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, size=4000)
    documents = SimpleNamespace(rows=np.arange(4000), tokens=SimpleNamespace(lengths=lengths))
    batches = train._order(documents, SETTINGS, 1, 0)  # type: ignore[arg-type]
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.05 * lengths.sum()
    first, second = (train._order(documents, SETTINGS, 1, epoch)[0] for epoch in (0, 1))  # type: ignore[arg-type]
    assert not np.array_equal(first, second)


def test_the_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    shape = train._warmup_then_linear(SETTINGS, num_batches=10)  # 40 steps, 10 of them rising
    assert [shape(step) for step in (0, 5, 10, 25, 40)] == [0.0, 0.5, 1.0, 0.5, 0.0]
    no_warmup = train._warmup_then_linear(SETTINGS.model_copy(update={"warmup": 0.0}), num_batches=10)
    assert no_warmup(0) == 1.0 and no_warmup(40) == 0.0


def test_parameter_groups_are_the_published_ones() -> None:
    encoder = nn.ModuleDict({"LayerNorm": nn.LayerNorm(3), "dense": nn.Linear(3, 3)})
    heads = nn.ModuleDict({"norm": nn.BatchNorm1d(3), "out": nn.Linear(3, 2)})
    optimizer = train._optimizer(SimpleNamespace(text_encoder=encoder, heads=heads), SETTINGS)  # type: ignore[arg-type]
    groups = [(len(g["params"]), g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    # dense.weight | LayerNorm.weight, LayerNorm.bias, dense.bias | norm.weight, out.weight | norm.bias, out.bias
    assert groups == [(1, 0.5, 0.01), (3, 0.5, 0.0), (2, 2.0, 0.01), (2, 2.0, 0.0)]


def test_best_epochs_and_patience() -> None:
    progress = TrainingProgress()

    def after(micro: float, macro: float) -> tuple[list[str], int]:
        better = progress.note({"micro_f1": micro, "macro_f1": macro})
        progress.history.append({})
        return better, progress.num_worse

    assert after(50, 40) == (["micro_f1", "macro_f1"], 0)
    assert after(49, 39) == ([], 1)
    assert after(50, 39) == ([], 1), "a tie is neither better nor worse"
    assert after(48, 38) == ([], 2)
    assert after(48, 41) == (["macro_f1"], 0)
    assert progress.best == {"micro_f1": {"score": 50, "epoch": 1}, "macro_f1": {"score": 41, "epoch": 5}}


def test_seeding_covers_every_generator() -> None:
    draws = []
    for _ in range(2):
        train.seed_everything(7)
        draws.append((torch.rand(1).item(), np.random.rand()))
    assert draws[0] == draws[1]


def test_a_checkpoint_is_whole_or_not_there(tmp_path: Path) -> None:

    model = nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    scheduler.step()
    fitted = Fitted(TrainingProgress(history=[{"epoch": 1.0}], best={"micro_f1": {"score": 1.0, "epoch": 1}}), {})
    fitted.weights["micro_f1"] = {name: value.clone() for name, value in model.state_dict().items()}
    Checkpoint(tmp_path, every_seconds=0).save(fitted, model, optimizer, scheduler)
    expected = torch.rand(3)

    def restored() -> tuple[Fitted, nn.Linear]:
        other = nn.Linear(2, 1)
        its = torch.optim.AdamW(other.parameters(), lr=0.1, fused=True)
        shape = torch.optim.lr_scheduler.LambdaLR(its, lambda step: 1 / (1 + step))
        empty = Fitted(TrainingProgress(), {})
        Checkpoint(tmp_path).restore(empty, other, its, shape)
        return empty, other

    found, twin = restored()
    assert torch.equal(torch.rand(3), expected), "the random stream goes on where it was"
    assert found.state == fitted.state and torch.equal(twin.weight, model.weight)
    assert torch.equal(found.weights["micro_f1"]["weight"], model.weight)
    file = tmp_path / "checkpoint-1.safetensors"
    whole = file.read_bytes()
    for damaged in (whole[:-10], whole[:100] + b"\x00\x01" + whole[102:], b""):
        file.write_bytes(damaged)
        assert restored()[0].state == TrainingProgress()
    file.unlink()
    assert restored()[0].state == TrainingProgress()
