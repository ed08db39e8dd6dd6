"""Finished means a whole record; a sweep belongs to one command at a time."""

from pathlib import Path

import pytest

from harness.core.errors import StoreError
from harness.trials.store import Store


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
