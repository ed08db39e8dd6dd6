"""A model of the hub, from the branch that a sweep file names to the commit in the report, without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SweepWriter
from tests.models.fake_hub import NEW, OLD, point, snapshot
from tests.models.tiny_models import save_bert
from tests.shared import ROOT


def command(hub: Path, *words: str) -> str:
    """Runs a command with a cache of the hub and returns what it prints."""
    variables = os.environ | {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=ROOT, env=variables)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_branch_is_run_recorded_and_reported_as_its_commit(write_sweep: SweepWriter, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    save_bert(snapshot(hub, OLD))
    point(hub, OLD)
    options = {"model": "org/tiny", "max_length": 8}
    path = write_sweep(
        models={"flat": {}},
        merges=["none"],
        seeds=[1],
        encoder={"name": "transformer", "options": options},
        trainer={"epochs": 1, "batch_size": 64},
    )
    command(hub, "harness.trial", str(path))
    (file,) = (tmp_path / "store" / "trials").glob("*/record.json")
    record = json.loads(file.read_text("utf-8"))
    assert record["settings"]["encoder_options"]["revision"] == OLD
    assert record["environment"]["encoder loaded from"] == "org/tiny (commit aaaaaaaaaaaa)"
    assert json.loads((tmp_path / "store" / "tiny.sources.json").read_text("utf-8")) == {"org/tiny @ main": OLD}
    save_bert(snapshot(hub, NEW))
    point(hub, NEW)
    assert "1 trials: 1 done, 0 failed, 0 new." in command(hub, "harness.status", str(path))
    command(tmp_path / "no hub", "harness.report", str(path))
    assert "encoder loaded from: org/tiny (commit aaaaaaaaaaaa)" in (tmp_path / "reports" / "tiny.md").read_text(
        "utf-8"
    )
