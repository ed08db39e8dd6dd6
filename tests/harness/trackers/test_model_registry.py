"""Registered models: served over HTTP by MLflow's own command, with labels for texts and 400 for mistakes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from harness import export
from harness.config.load import load
from harness.trackers.model_registry import register
from tests.conftest import SweepWriter
from tests.harness.finished_sweep import finished


def ask(port: int, said: bytes) -> tuple[int, Any]:
    """Returns the status and the JSON of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", said, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.xdist_group("ports")
def test_a_registered_export_is_served(write_sweep: SweepWriter, tmp_path: Path) -> None:
    path, out = finished(write_sweep, merges=["none"], seeds=[1]), tmp_path / "out"
    export.main([path, "--row", "flat", "--out", str(out), "--register"])
    sweep = load(Path(path))
    assert register(sweep, "tiny-flat-none", out, "again") == "models:/tiny-flat-none@best", "a second version"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/tiny-flat-none@best"]
    command += ["--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    # MLflow looks for its server's program there.
    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MLFLOW_TRACKING_URI": sweep.tracking}
    server = subprocess.Popen(
        command, env=os.environ | programs, cwd=tmp_path, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            assert server.poll() is None, "the server has ended"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").close()
                break
            except OSError:
                time.sleep(0.2)
        status, answer = ask(
            port, b'{"dataframe_records": [{"text": "some text"}, {"text": ""}], "params": {"top": 2}}'
        )
        assert status == 200
        one, empty = answer["predictions"]
        assert len(one["labels"]) == len(one["paths"]) == len(one["values"]) == 2 and empty["labels"] == []
        mistakes = [
            (b'{"dataframe_records": [{"txt": "some text"}]}', "missing inputs ['text']"),
            (b'{"dataframe_records": [{"text": "x"}], "params": {"top": 9999}}', "the highest 9999 cannot be shown"),
            (b"nonsense", "valid JSON"),
        ]
        for said, expected in mistakes:
            status, answer = ask(port, said)
            assert status == 400 and expected in answer["message"], answer
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
