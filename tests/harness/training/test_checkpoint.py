"""A checkpoint puts every bit back, knows the best epochs, and a damaged one counts as none."""

import shutil
from collections.abc import Callable
from pathlib import Path

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


def test_a_checkpoint_of_another_trial_counts_as_none(saved: Made, tmp_path: Path) -> None:
    copy = tmp_path / "another trial"
    copy.mkdir()
    for path in tmp_path.glob("checkpoint*"):
        shutil.copy(path, copy)
    parts = made(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)))
    before = bits(parts)
    Checkpoint(copy).restore(*parts)
    assert parts[0] == Fitted(TrainingProgress(), {}) and bits(parts).keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in bits(parts).items())


def renamed() -> nn.Module:
    return nn.ModuleDict({"text_encoder": nn.Linear(3, 2)})


def wider() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5))


def flip_the_last_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def same() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("build", "harm"),
    [(renamed, None), (wider, None), (same, flip_the_last_bit), (same, cut), (same, empty), (same, Path.unlink)],
)
def test_a_checkpoint_that_does_not_fit_counts_as_none(
    build: Callable[[], nn.Module], harm: Callable[[Path], None] | None, saved: Made, tmp_path: Path
) -> None:
    for path in tmp_path.glob("checkpoint-*.safetensors") if harm else ():
        harm(path)
    parts = made(build())
    before, state = bits(parts), torch.get_rng_state()
    Checkpoint(tmp_path).restore(*parts)
    after = bits(parts)
    assert all(torch.equal(after[name], before[name]) for name in before | after)
    assert torch.equal(torch.get_rng_state(), state)
    assert parts[0] == Fitted(TrainingProgress(), {}) and parts[0].state.epoch == 0 and parts[3].last_epoch == 0


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
