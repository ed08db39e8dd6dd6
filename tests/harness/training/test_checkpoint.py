"""A checkpoint puts every bit back, and one that is damaged or of another model counts as none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.training.checkpoint import Checkpoint, Fitted, TrainingProgress

ENTRY = {"epoch": 1, "train_loss": 0.5}
Made = tuple[Fitted, nn.Module, torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]


def made(model: nn.Module) -> Made:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    return Fitted(TrainingProgress(), {}), model, optimizer, scheduler


def one_epoch(parts: Made) -> None:
    fitted, model, optimizer, scheduler = parts
    model(torch.rand(4, 3)).square().sum().backward()
    optimizer.step()
    scheduler.step()
    for metric in fitted.state.note({"micro_f1": 50.0, "macro_f1": 40.0}):
        fitted.weights[metric] = {name: value.clone() for name, value in model.state_dict().items()}
    fitted.state.history.append(dict(ENTRY))


@pytest.fixture
def saved(tmp_path: Path) -> Made:
    """What stands in the checkpoint in `tmp_path`."""
    parts = made(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)))
    one_epoch(parts)
    Checkpoint(tmp_path, every_seconds=0).save(*parts)
    return parts


def bits(parts: Made) -> dict[str, Tensor]:
    _, model, optimizer, _ = parts
    moments = {
        f"{number}/{name}": value for number, one in enumerate(optimizer.state.values()) for name, value in one.items()
    }
    return {name: value.clone() for name, value in (model.state_dict() | moments).items()}


def test_everything_is_put_back_to_the_bit(saved: Made, tmp_path: Path) -> None:
    expected, drawn = bits(saved), torch.rand(3)
    parts = made(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)))
    Checkpoint(tmp_path).restore(*parts)
    found = bits(parts)
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)
    assert torch.equal(torch.rand(3), drawn), "random numbers go on from where the checkpoint was taken"
    assert parts[0].state == saved[0].state and parts[0].weights.keys() == {"micro_f1", "macro_f1"}
    assert parts[3].last_epoch == 1 and parts[2].param_groups[0]["lr"] == 0.05


def renamed() -> nn.Module:
    return nn.ModuleDict({"text_encoder": nn.Linear(3, 2)})


def wider() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5))


def damage(folder: Path) -> None:
    (path,) = folder.glob("checkpoint-*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("build", "harm"),
    [(renamed, None), (wider, None), (lambda: nn.Sequential(nn.Linear(3, 2)), damage)],
    ids=["other names", "other shapes", "damaged"],
)
def test_a_checkpoint_that_does_not_fit_counts_as_none(
    build: Callable[[], nn.Module], harm: Callable[[Path], Any] | None, saved: Made, tmp_path: Path
) -> None:
    if harm:
        harm(tmp_path)
    parts = made(build())
    before, state = bits(parts), torch.get_rng_state()
    Checkpoint(tmp_path).restore(*parts)
    after = bits(parts)
    assert all(torch.equal(after[name], before[name]) for name in before | after)
    assert torch.equal(torch.get_rng_state(), state)
    assert parts[0] == Fitted(TrainingProgress(), {}) and parts[0].state.epoch == 0 and parts[3].last_epoch == 0
