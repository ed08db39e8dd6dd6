"""Checkpoint of a trial: tensors in safetensors, the rest in JSON, nothing pickled.

The JSON names its tensor file and that file's SHA-256 and is renamed into place last, so a checkpoint
is either whole or not there; a damaged one, one of another trial, or one of a model whose tensors have other names or
shapes, is passed over and the trial starts from its first epoch.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.core.files import sha256, write_atomically

Weights = dict[str, Tensor]


@dataclass
class TrainingProgress:
    """Where training stands; everything a checkpoint holds besides tensors."""

    history: list[dict[str, float]] = field(default_factory=list)  # One entry per finished epoch.
    best: dict[str, dict[str, float]] = field(default_factory=dict)  # Per metric, the best score so far and its epoch.
    num_worse: int = 0  # Epochs in a row without a better micro or macro F.
    train_seconds: float = 0.0
    micro_batches: int = 1

    @property
    def epoch(self) -> int:
        return len(self.history)

    def note(self, scores: dict[str, float]) -> list[str]:
        """Takes an epoch's validation scores in; returns the metrics that are better than ever."""
        names = ("micro_f1", "macro_f1")
        better = [name for name in names if name not in self.best or scores[name] > self.best[name]["score"]]
        all_worse = all(name in self.best and scores[name] < self.best[name]["score"] for name in names)
        self.num_worse = 0 if better else self.num_worse + all_worse
        for name in better:
            self.best[name] = {"score": scores[name], "epoch": self.epoch + 1}
        return better


@dataclass
class Fitted:
    """A trained model: its state, and the weights of the best epoch per metric, in the memory of the CPU."""

    state: TrainingProgress
    weights: dict[str, Weights]


class Checkpoint:
    """Saves into a trial's folder, at most every so often, and restores once; a shorter trial writes none."""

    def __init__(self, folder: Path, every_seconds: float = 30.0):
        self.folder = folder
        self.every_seconds = every_seconds
        self._index = folder / "checkpoint.json"
        self._saved_at = time.monotonic()

    def save(self, fitted: Fitted, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
        """Writes the state after an epoch, if the last save is old enough."""
        if time.monotonic() - self._saved_at < self.every_seconds:
            return
        tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
        for metric, weights in fitted.weights.items():
            tensors |= {f"best/{metric}/{name}": value for name, value in weights.items()}
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{name}": value for name, value in state.items()}
        tensors["random/cpu"] = torch.get_rng_state()
        if torch.cuda.is_initialized():
            tensors["random/cuda"] = torch.cuda.get_rng_state()
        path = self.folder / f"checkpoint-{fitted.state.epoch}.safetensors"
        save_file({name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}, path)
        written: dict[str, Any] = {"trial": self.folder.name, "file": path.name, "sha256": sha256(path)}
        written |= {"progress": asdict(fitted.state), "scheduler": scheduler.last_epoch}
        write_atomically(self._index, json.dumps(written).encode())
        for old in self.folder.glob("checkpoint-*.safetensors"):
            if old != path:
                old.unlink()
        self._saved_at = time.monotonic()

    def restore(self, fitted: Fitted, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
        """Puts everything back to where the checkpoint was taken; does nothing without a whole one of such a model."""
        try:
            written = json.loads(self._index.read_text("utf-8"))
            path = self.folder / written["file"]
            if written["trial"] != self.folder.name or sha256(path) != written["sha256"]:
                return
        except (OSError, ValueError, KeyError):
            return
        tensors = load_file(path)
        weights = _below("model/", tensors)
        if _shapes(weights) != _shapes(model.state_dict()):
            return
        model.load_state_dict(weights)
        for metric in written["progress"]["best"]:
            fitted.weights[metric] = _below(f"best/{metric}/", tensors)
        for name, value in written["progress"].items():
            setattr(fitted.state, name, value)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _below("optimizer/", tensors).items():
            number, _, key = name.partition("/")
            moments.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
        scheduler.last_epoch = written["scheduler"]
        for group, rate, shape in zip(optimizer.param_groups, scheduler.base_lrs, scheduler.lr_lambdas, strict=True):
            group["lr"] = rate * shape(scheduler.last_epoch)
        torch.set_rng_state(tensors["random/cpu"])
        if "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"])

    def remove(self) -> None:
        self._index.unlink(missing_ok=True)
        for path in self.folder.glob("checkpoint-*.safetensors"):
            path.unlink()


def _shapes(tensors: Weights) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in tensors.items()}


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
