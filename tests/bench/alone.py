"""Peak memory of one piece of work: in a process of its own, which may die without taking the benchmark along."""

import multiprocessing
import re
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrialResult:
    """What came of it.

    Attributes:
        result: What the work returned; None where its process died, was stopped, or ran out of memory.
        peak: Bytes of physical memory that the work took at most, above what the process held before it.
    """

    result: Any
    peak: int


def alone(prepare: Callable[[], Callable[[], Any]], seconds: float) -> TrialResult:
    """Runs a piece of work in a process of its own (Linux only).

    Args:
        prepare: Returns the work; what it needs before it is not counted.
        seconds: Stops the process after that long.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(prepare, there), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(seconds) else TrialResult(None, 0)
    except EOFError:
        return TrialResult(None, 0)
    finally:
        process.kill()
        process.join()
        here.close()


def _run(prepare: Callable[[], Callable[[], Any]], pipe: Connection) -> None:
    # If the machine runs out of memory, it is this process that the kernel takes.
    Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    work = prepare()
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # Sets the peak to what is held now.
    before = _bytes("VmRSS", "self")
    try:
        result = work()
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "DefaultCPUAllocator" not in str(error):
            raise
        result = None
    pipe.send(TrialResult(result, peak_of("self") - before))


def peak_of(pid: int | str) -> int:
    """Returns the bytes of physical memory that a running process, or `self`, has held at most."""
    return _bytes("VmHWM", pid)


def _bytes(field: str, pid: int | str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0  # A process that has just ended has no memory.
