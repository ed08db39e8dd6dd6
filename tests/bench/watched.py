"""Commands in processes of their own: MLflow's server, and a command whose processes' memory is watched."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.core.environment import ROOT
from tests.bench.alone import peak_of

_EVERY = 0.1
_WORKER = "ray::"


@dataclass(frozen=True)
class Watched:
    """One run of a command.

    Attributes:
        seconds: From its start to its end.
        driver: Peak bytes of memory of its first process.
        worker: Those of the largest of Ray's workers.
        others: Those of all the others below it, added up.
        size: Bytes of what it wrote.
    """

    seconds: float
    driver: int
    worker: int
    others: int
    size: int


def watched(command: Sequence[object], output: Path) -> Watched:
    """Runs a command to its end, and looks at the processes below it meanwhile (Linux only).

    Args:
        command: Its words.
        output: Folder that it fills.
    """
    peaks: dict[int, tuple[str, int]] = {}
    started = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        for one in _below(process.pid):
            with suppress(psutil.Error, OSError):
                peaks[one.pid] = " ".join(one.cmdline()), peak_of(one.pid)
        time.sleep(_EVERY)
    seconds = time.perf_counter() - started
    assert process.returncode == 0, f"it ended with {process.returncode}"
    _, driver = peaks.pop(process.pid)
    workers = [peak for name, peak in peaks.values() if name.startswith(_WORKER)]
    others = sum(peak for _, peak in peaks.values()) - sum(workers)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return Watched(seconds, driver, max(workers, default=0), others, size)


def _below(pid: int) -> list[psutil.Process]:
    """Returns a process and all below it."""
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


@contextmanager
def serving(uri: str, tracking: str) -> Iterator[int]:
    """Yields the port at which MLflow's own command serves a registered model, as long as the context lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
    # MLflow looks for its server's program there.
    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MLFLOW_TRACKING_URI": tracking}
    server = subprocess.Popen(
        [*command, "-h", "127.0.0.1", "-p", str(port)], env=os.environ | programs, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            assert server.poll() is None, "the server has ended"
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").close()
                break
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
