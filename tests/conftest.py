"""A small planted corpus, prepared once, and a sweep file on it that each test may change."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# Before torch is imported: on tensors of a test's size more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest
import yaml

# No test fails because a machine is slow.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

SYNTHETIC = {"documents": 600}

SweepWriter = Callable[..., Path]


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Starts every test from the same random streams, whatever ran before it in its process."""
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the planted corpus in it."""
    from datasets.prepare import prepare

    folder = tmp_path_factory.mktemp("data")
    prepare("synthetic", None, SYNTHETIC, folder)
    return folder


@pytest.fixture
def write_sweep(tmp_path: Path, data_dir: Path) -> SweepWriter:
    """Writes a sweep of one-second trials; keyword arguments replace its keys."""

    def write(**changes: Any) -> Path:
        sweep: dict[str, Any] = {
            "name": "tiny",
            "models": {"hiagm": {"options": {"node_width": 4, "logit_dropout": 0.0}}, "flat": {}},
            "merges": ["none", "projection"],
            "datasets": {"synthetic": {"options": SYNTHETIC}},
            "controls": [],
            "seeds": [1, 2],
            "encoder": {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40}},
            "trainer": {"epochs": 2, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01},
            "data_dir": str(data_dir),
            "store": str(tmp_path / "store"),
            "tracking": f"sqlite:///{tmp_path}/mlflow.db",
            "reports_dir": str(tmp_path / "reports"),
        }
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(sweep | changes, sort_keys=False), "utf-8")
        return path

    return write
