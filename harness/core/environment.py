"""Environment that a number was made in: machine, versions, commit."""

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

RECORDED = ("torch", "torch-geometric", "transformers", "tokenizers", "networkx", "numpy", "scipy", "ray", "mlflow")
ROOT = Path(__file__).parents[2]
COMMIT_VARIABLE = "HARNESS_COMMIT"


@cache
def environment() -> dict[str, str]:
    """Returns machine, Python, package versions and the commit of the checkout, without importing torch."""
    facts = {"python": platform.python_version(), "system": platform.platform(), "host": platform.node()}
    facts |= {"cpu": _cpu(), "commit": _commit()}
    for package in RECORDED:
        with suppress(importlib.metadata.PackageNotFoundError):
            facts[package] = importlib.metadata.version(package)
    return facts


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()} x {os.cpu_count()}"


def _commit() -> str:
    """Returns the short hash, with `+` where tracked files differ from it; `unknown` outside git.

    On a cluster the code travels without its history, and the driver says the commit.
    """
    if said := os.environ.get(COMMIT_VARIABLE):
        return said
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!reports")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*words: str) -> str:
    run = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True, timeout=10)
    return run.stdout.strip()
