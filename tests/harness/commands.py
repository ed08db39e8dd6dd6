"""The command of a sweep in processes of its own, and what such a process has left behind so far."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from harness.config.load import load
from tests.shared import ROOT

LONG = {"epochs": 200, "patience": 200, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "harness.sweep", *map(str, words)]


def sweep(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, timeout=900
    )


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def finished(path: Path) -> dict[Path, int]:
    """Returns every record, with the time when it was written."""
    return {record: record.stat().st_mtime_ns for record in Path(load(path).store).glob("trials/*/record.json")}


def wait_for(what: Any, seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def workers(driver: int) -> list[psutil.Process]:
    """Returns the driver's own Ray workers that are running a trial."""
    below = psutil.Process(driver).children(recursive=True)
    return [process for process in below if "Trainable.train" in " ".join(process.cmdline())]
