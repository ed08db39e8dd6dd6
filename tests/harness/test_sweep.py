"""The command as a person uses it: exit codes, paragraphs, and what is left after every kind of end."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.config.load import load
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.shared import ROOT

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.

LONG = {"epochs": 200, "patience": 200, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "harness.sweep", *map(str, words)]


def sweep(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, timeout=280
    )


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def finished(path: Path) -> dict[Path, int]:
    """Returns every record, with the time when it was written."""
    return {record: record.stat().st_mtime_ns for record in Path(load(path).store).glob("trials/*/record.json")}


def wait_for(what: Any, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def workers(driver: int) -> list[psutil.Process]:
    """Returns the driver's own Ray workers that are running a trial."""
    below = psutil.Process(driver).children(recursive=True)
    return [process for process in below if "Trainable.train" in " ".join(process.cmdline())]


def test_failures_do_not_stop_the_rest_and_the_same_command_goes_on(write_sweep: SweepWriter) -> None:
    broken = {"trainer": {"encoder_lr": 1e38, "head_lr": 1e38, "clip_norm": 1e38}}
    models = {"hiagm": {"label": "HiAGM", "options": {"node_width": 4, "logit_dropout": 0.0}}, "flat": broken}
    learns = {"epochs": 8, "batch_size": 16, "encoder_lr": 0.05, "head_lr": 0.05}
    path = write_sweep(models=models, trainer=learns)
    first = sweep(path)
    assert first.returncode == 1, first.stderr
    assert "4 of 8 trials done, 4 failed, 0 missing" in first.stdout
    assert "non_finite: NonFiniteLoss: The training loss is nan" in first.stdout
    reports = Path(load(path).reports_dir)
    markdown = (reports / "tiny.md").read_text("utf-8")
    assert "FAILED (2/2)" in markdown and "shows that the harness works" in markdown.splitlines()[0]
    assert (reports / "tiny.tex").exists() and json.loads((reports / "tiny.json").read_text("utf-8"))
    rows = list(csv.DictReader((reports / "tiny.csv").read_text("utf-8").splitlines()))
    assert len(rows) == 8

    # Nothing is left to do: no worker is started, and no record touched.
    before = finished(path)
    again = sweep(path)
    assert again.returncode == 1 and "to run" not in again.stderr
    assert finished(path) == before and len(before) == 4

    # Mended settings are other trials; --retry-failed runs the failed ones anew.
    assert sweep(path, "--filter", "model=hiagm").returncode == 0
    retried = sweep(path, "--retry-failed", "--filter", "model=flat", "seed=1", "merge=none")
    assert retried.returncode == 1 and "1 trials, 1 to run" in retried.stderr

    from mlflow import MlflowClient

    client = MlflowClient(load(path).tracking)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    parents = {run.info.run_id: run for run in runs if "trial_key" not in run.data.tags}
    children = [run for run in runs if "trial_key" in run.data.tags]
    assert len(parents) == 4 + 1 and len(children) == 8, "four cells and the sweep"
    assert all(run.data.tags["mlflow.parentRunId"] in parents for run in children)
    assert sorted(run.info.status for run in children) == ["FAILED"] * 4 + ["FINISHED"] * 4
    cell = next(run for run in parents.values() if run.data.tags.get("cell") == "hiagm/projection/synthetic")
    scores = [float(row["micro_f1"]) for row in rows if (row["model"], row["merge"]) == ("hiagm", "projection")]
    assert cell.data.metrics["micro_f1_mean"] == pytest.approx(sum(scores) / 2)
    assert cell.data.metrics["n"] == 2 and "micro_f1_vs_none_p" in cell.data.metrics


def test_missing_corpora_stop_everything_with_what_to_get(tmp_path: Path) -> None:
    text = (ROOT / "sweeps" / "table1.yaml").read_text("utf-8")
    path = tmp_path / "table1.yaml"
    path.write_text(text + f"\ndata_dir: {tmp_path}/data\nstore: {tmp_path}/store\n", "utf-8")
    run = sweep(path)
    assert run.returncode == 2 and run.stdout == ""
    paragraphs = run.stderr.strip().split("\n\n")
    assert len(paragraphs) == 4 and "3 of the sweep's corpora cannot be used: wos, rcv1, nyt" in paragraphs[0]
    for paragraph, words in zip(paragraphs[1:], [["Mendeley"], ["NIST", "agreement"], ["LDC2008T19"]], strict=True):
        flat = " ".join(paragraph.split())
        assert all(word in flat for word in [*words, "python -m datasets.prepare", "Terms: "]), flat
    assert not (tmp_path / "store").exists()


def test_a_tracking_server_that_does_not_answer(write_sweep: SweepWriter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = sweep(write_sweep(tracking=f"http://127.0.0.1:{port}"))
    assert run.returncode == 2 and "does not answer" in run.stderr and "`tracking:`" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": []}, "seeds"),
        ({"stroe": "x"}, "Did you mean 'store'"),
        ({"store": "/proc/nowhere"}, "cannot be written"),
        ({"resources": {"cpus": 4096}}, "no node has them"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_2(
    write_sweep: SweepWriter, changes: dict[str, Any], words: str
) -> None:
    run = sweep(write_sweep(**changes))
    assert run.returncode == 2, run.stderr
    lines = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and words in lines[0] and "Traceback" not in run.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interrupted_and_terminated_keep_what_is_finished(write_sweep: SweepWriter, number: signal.Signals) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2, 3, 4], trainer=LONG)
    process = start(path)
    wait_for(lambda: len(finished(path)) > 0)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Interrupted. What was finished is kept" in errors and "Traceback" not in errors
    assert "of 4 trials done" in output
    assert (Path(load(path).reports_dir) / "tiny.md").exists()
    whole = sweep(path)
    assert whole.returncode == 0, whole.stderr
    assert "4 of 4 trials done" in whole.stdout


@pytest.mark.slow
def test_a_killed_driver_loses_nothing(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=list(range(8)), trainer=LONG)
    seen: dict[Path, int] = {}
    for num_wanted in (1, 2, 3):
        process = start(path)
        wait_for(lambda: len(finished(path)) >= num_wanted)  # noqa: B023
        process.kill()
        process.communicate()
        assert seen.items() <= finished(path).items(), "a finished trial was run again"
        seen = finished(path)
        time.sleep(3)  # Ray's processes notice that their driver is gone.
    assert sweep(path).returncode == 0
    assert seen.items() <= finished(path).items()


@pytest.mark.slow
def test_a_killed_worker_is_replaced(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2, 3], trainer=LONG)
    process = start(path)
    wait_for(lambda: any(Path(load(path).store).glob("trials/*/attempts")))
    for worker in workers(process.pid):
        worker.kill()
    output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    attempts = [Store(Path(load(path).store)).record(one.key).attempts for one in Plan.open(load(path)).trials]  # type: ignore[union-attr]
    assert max(attempts) == 2 and "3 of 3 trials done" in output


@pytest.mark.slow
def test_a_hung_trial_ends_as_failed(write_sweep: SweepWriter) -> None:
    hung = {"epochs": 1_000_000, "patience": 1_000_000, "batch_size": 32, "encoder_lr": 0.0, "head_lr": 0.0}
    models = {
        "hiagm": {"options": {"node_width": 4}},
        "flat": {"trainer": hung, "resources": {"time_limit_minutes": 0.15}},
    }
    path = write_sweep(models=models, merges=["none"], seeds=[1])
    run = sweep(path)
    assert run.returncode == 1, run.stderr
    assert "1 of 2 trials done, 1 failed" in run.stdout and "Its worker died 3 times" in run.stdout


@pytest.mark.slow
def test_a_worker_killed_for_memory_does_not_end_the_sweep(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2], trainer=LONG)
    run = sweep(path, RAY_memory_usage_threshold="0.01", RAY_memory_monitor_refresh_ms="200")
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr and (Path(load(path).reports_dir) / "tiny.md").exists()
    calm = sweep(path, "--retry-failed")
    assert calm.returncode == 0 and "2 of 2 trials done" in calm.stdout


@pytest.mark.slow
def test_the_code_travels_to_a_cluster(write_sweep: SweepWriter, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("ray")
    flags = [
        "--head",
        f"--port={port}",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--disable-usage-stats",
        "--block",
    ]
    head = subprocess.Popen([program, "start", *flags], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        time.sleep(15)
        path = write_sweep(models={"flat": {}}, merges=["none"])
        run = sweep(path, "--address", f"127.0.0.1:{port}", RAY_AUTH_MODE="token")
        assert run.returncode == 0, run.stderr
        assert "2 of 2 trials done" in run.stdout
        record = Store(Path(load(path).store)).record(Plan.open(load(path)).trials[0].key)
        assert record is not None and record.environment["commit"] not in ("", "unknown")
    finally:
        head.terminate()
        head.wait(30)
    gone = sweep(write_sweep(seeds=[9]), "--address", f"127.0.0.1:{port}")
    assert gone.returncode == 2 and "No Ray cluster answers" in gone.stderr
