"""Finished means a whole record; a sweep belongs to one command at a time."""

import json
from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import StoreError
from harness.trials.settings import expand
from harness.trials.store import Failure, Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import finish, record


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


def test_a_record_from_before_there_were_decision_rules_knows_of_one(write_sweep: SweepWriter, tmp_path: Path) -> None:
    trial, store = expand(load(write_sweep()))[0], Store(tmp_path)
    finish(store, "k", trial)
    file = store.folder("k") / "record.json"
    content = json.loads(file.read_text("utf-8"))
    assert content.pop("decisions") == {}
    file.write_text(json.dumps(content), "utf-8")
    assert store.record("k") == record("k", trial)


def test_a_record_from_before_batches_were_cut_is_of_whole_ones(write_sweep: SweepWriter, tmp_path: Path) -> None:
    trial, store = expand(load(write_sweep()))[0], Store(tmp_path)
    finish(store, "k", trial)
    file = store.folder("k") / "record.json"
    content = json.loads(file.read_text("utf-8"))
    assert content.pop("micro_batches") == 1
    file.write_text(json.dumps(content), "utf-8")
    assert store.record("k") == record("k", trial)


def test_a_finished_trial_keeps_nothing_that_only_an_unfinished_one_needs(
    write_sweep: SweepWriter, tmp_path: Path
) -> None:
    trial, store = expand(load(write_sweep()))[0], Store(tmp_path)
    store.folder("k").mkdir(parents=True)
    for name in ("checkpoint.json", "checkpoint-3.safetensors", "predictions.parquet"):
        (store.folder("k") / name).touch()
    store.fail(Failure(key="k", kind="error", message="no", settings={}, attempts=1))
    assert (store.state("k"), store.failure("k") is None) == ("failed", False)
    store.finish(record("k", trial))
    assert (store.state("k"), store.failure("k") is None) == ("done", True)
    assert {path.name for path in store.folder("k").iterdir()} == {"record.json", "predictions.parquet"}
    assert [one.key for one in store.records()] == ["k"] and not list(store.records(but=("k",)))
