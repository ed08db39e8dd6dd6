"""Ray cluster: one on this machine that lives as long as the work, or one that runs already."""

import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

# Read by Ray when it is imported or starts its processes.
for _name, _value in {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}.items():
    os.environ.setdefault(_name, _value)

import ray

from harness.core.environment import COMMIT_VARIABLE, ROOT, environment
from harness.core.errors import UserError
from harness.core.text import one_line

_NOT_CODE = [".git", ".venv", "data", "store", "reports", "mlruns", "mlflow.db", "**/__pycache__"]
_OBJECT_STORE_BYTES = 200 * 2**20


@contextmanager
def cluster(address: str | None = None, elsewhere: Sequence[Path] = (), is_mute: bool = False) -> Iterator[None]:
    """Connects to a Ray cluster, and leaves it at the end.

    Args:
        address: Address of a running cluster; None starts one on this machine and stops it at the end.
        elsewhere: Files and folders that every node sees by themselves, and that need not travel with the code.
        is_mute: Whether what Ray's own processes would say is left out, on the screen and in their log files.

    Raises:
        UserError: Where the cluster cannot be reached.
        KeyboardInterrupt: On Ctrl-C, and likewise on SIGTERM; the workers are gone by then.
    """
    before = signal.getsignal(signal.SIGTERM)
    with _muted() if is_mute else nullcontext():
        _connect(address, elsewhere)
    # Ray has just put its own handler there, which aborts the process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, before)


def _connect(address: str | None, elsewhere: Sequence[Path]) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    variables = {COMMIT_VARIABLE: environment()["commit"]}
    if address is None:
        ray.init(
            address="local",  # Else it would join whatever cluster runs on this machine.
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT), **variables}},
            **quiet,
        )
        return
    inside = [path.absolute().relative_to(ROOT) for path in elsewhere if path.absolute().is_relative_to(ROOT)]
    not_code = [*_NOT_CODE, *(f"/{path.as_posix()}" for path in inside)]
    code = {"working_dir": str(ROOT), "excludes": not_code, "env_vars": variables}
    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        if host:  # Ray itself would try a dead address for minutes.
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, runtime_env=code, **quiet)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f"No Ray cluster answers at {address!r} ({one_line(error, 300)}). Start one with "
            "`ray start --head`, or leave --address out to use this machine. Every shell of a cluster needs the same "
            "authentication: RAY_AUTH_MODE and the token in ~/.ray/auth_token or RAY_AUTH_TOKEN."
        ) from None


@contextmanager
def _muted() -> Iterator[None]:
    """Sets Ray's lowest log level, and hides the line on the standard error that says so."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
