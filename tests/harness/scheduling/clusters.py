"""A Ray cluster of one node, as a person starts it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """Returns a port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def started_cluster(folder: Path) -> Iterator[str]:
    """Yields the address of a cluster that runs as long as the context.

    Args:
        folder: Where it is started: not the checkout, so that the code has to travel.
    """
    port = free_port()
    program = Path(sys.executable).with_name("ray")
    flags = ["--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats"]
    head = subprocess.Popen([program, "start", *flags, "--block"], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        time.sleep(15)
        yield f"127.0.0.1:{port}"
    finally:
        head.terminate()
        head.wait(90)  # Ray drains a node for 30 seconds first, which actors of Ray Data's own keep busy.
