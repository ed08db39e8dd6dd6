"""Finished means a whole record; a sweep belongs to one command at a time."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from harness.core.errors import StoreError
from harness.core.files import is_disk_full, write_atomically
from harness.trials.store import Store


def write_for_ever(path: Path) -> None:
    number = 0
    while True:
        number += 1
        write_atomically(path, f"{number} ".encode() * 20_000)


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    for wait in (0.2, 0.23, 0.27, 0.31):
        process = multiprocessing.get_context("fork").Process(target=write_for_ever, args=(path,))
        process.start()
        time.sleep(wait)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        words = path.read_text("utf-8").split()
        assert len(words) == 20_000 and len(set(words)) == 1


def test_two_commands_on_one_sweep(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.check_writable()
    refusal = pytest.raises(StoreError, match="Another command is running the sweep 'table1'")
    with store.lock("table1"), refusal, Store(tmp_path).lock("table1"):
        pass
    with store.lock("table1"):
        pass


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written \(Not a directory\).*`store:`"):
        Store(tmp_path / "file" / "store").check_writable()


def test_attempts_are_counted_across_processes(tmp_path: Path) -> None:
    assert [Store(tmp_path).start_attempt("k") for _ in range(3)] == [1, 2, 3]
    Store(tmp_path).forget_failure("k")
    assert Store(tmp_path).start_attempt("k") == 1


def test_a_full_disk_is_recognised_whoever_says_it() -> None:
    assert is_disk_full(OSError(28, "whatever")) and is_disk_full(OSError(122, "quota"))
    assert is_disk_full(Exception("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(OSError(5, "Input/output error"))
