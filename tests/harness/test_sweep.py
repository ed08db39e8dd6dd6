"""The command as a person uses it: exit codes, paragraphs, and what is left after every kind of end."""

import csv
import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from harness.config.load import load
from harness.core.errors import ConfigError, DataError
from harness.core.main import run_command
from harness.reporting.explain import explain, list_everything
from harness.sweep import main
from tests.conftest import SweepWriter
from tests.harness.commands import LONG, finished, start, sweep, wait_for
from tests.shared import ROOT

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.


def ended(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int | str | None, str]:
    """Runs the command in this process; returns its exit code, and what it wrote to standard error."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as caught:
            run_command(lambda: main([str(path)]))
    finally:
        signal.signal(signal.SIGTERM, before)
    return caught.value.code, capsys.readouterr().err


def test_failures_do_not_stop_the_rest_and_the_same_command_goes_on(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]
) -> None:
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
    assert main([str(path)]) == 1 and "to run" not in capsys.readouterr().err
    assert finished(path) == before and len(before) == 4

    # Mended settings are other trials; --retry-failed runs the failed ones anew.
    assert main([str(path), "--filter", "model=hiagm"]) == 0
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
    assert cell.data.metrics["n"] == 2 and "micro_f1_vs_hiagm/none_p" in cell.data.metrics


def test_missing_corpora_stop_everything_before_it_begins(tmp_path: Path) -> None:
    text = (ROOT / "sweeps" / "table1.yaml").read_text("utf-8")
    path = tmp_path / "table1.yaml"
    path.write_text(text + f"\ndata_dir: {tmp_path}/data\nstore: {tmp_path}/store\n", "utf-8")
    with pytest.raises(DataError, match="3 of the sweep's corpora cannot be used: wos, rcv1, nyt"):
        main([str(path)])
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_sweep_file_it_explains_lists_or_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, text in {"--list": list_everything(), "--explain": explain()}.items():
        assert main([flag]) == 0
        assert capsys.readouterr().out == text + "\n"
    with pytest.raises(ConfigError, match="Name a sweep file"):
        main([])


def test_a_tracking_server_that_does_not_answer(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, said = ended(write_sweep(tracking=f"http://127.0.0.1:{port}"), capsys)
    assert code == 2 and "does not answer" in said and "`tracking:`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": []}, "seeds"),
        ({"stroe": "x"}, "Did you mean 'store'"),
        ({"store": "/proc/nowhere"}, "cannot be written"),
        ({"resources": {"cpus": 4096}}, "no node has them"),
        (
            {"encoder": {"name": "lstm", "options": {"vectors": "nowhere.txt"}}},
            "no file of word vectors",
        ),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_code_2(
    write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], words: str
) -> None:
    path = write_sweep(**changes)
    if "resources" in changes:  # Ray is asked: in a process of its own.
        run = sweep(path)
        code, said = run.returncode, run.stderr
    else:
        code, said = ended(path, capsys)
    assert code == 2, said
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and words in lines[0] and "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interrupted_and_terminated_keep_what_is_finished(write_sweep: SweepWriter, number: signal.Signals) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2, 3, 4], trainer=LONG)
    process = start(path)
    wait_for(lambda: len(finished(path)) > 0)
    process.send_signal(number)
    output, errors = process.communicate(timeout=600)
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
