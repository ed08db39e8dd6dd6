"""Models that are kept: of each cell that of the best seed, all, or none; whole or not at all."""

import errno
from pathlib import Path

import pytest

from harness.config.load import load
from harness.core.errors import StoreError
from harness.training import keep as keeping
from harness.training import run as runner
from harness.trials.identity import cell_identity
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Store
from models.load import load as load_model
from tests.conftest import SweepWriter

SMALL = {"models": {"flat": {}}, "merges": ["none"], "seeds": [1, 2, 3]}


def cell(write_sweep: SweepWriter) -> list[PlannedTrial]:
    return list(Plan.open(load(write_sweep(**SMALL))).trials)


def run_all(trials: list[PlannedTrial], data_dir: Path, store: Store) -> dict[int, float]:
    """Runs trials, and returns each seed's score on validation."""
    for one in trials:
        runner.run(one.settings, one.key, data_dir, store)
    records = {one.settings.seed: store.record(one.key) for one in trials}
    assert all(records.values())
    return {seed: record.scores["valid_micro_f1"] for seed, record in records.items() if record}


def test_of_a_cell_the_best_seed_stays_in_whatever_order_they_end(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    trials = cell(write_sweep)
    plan = Plan.open(load(write_sweep(**SMALL)))
    name = cell_identity(trials[0].settings, plan.fingerprint("synthetic"))
    for order in (trials, trials[::-1]):
        store = Store(tmp_path / str(order[0].settings.seed), "best")
        scores = run_all(order, data_dir, store)
        best = max(scores.values())
        expected = min(one.key for one in trials if scores[one.settings.seed] == best)
        assert [one.key for one in trials if store.model(one.key).exists()] == [expected] == [store.best(name)]
        load_model(store.model(expected))


def test_all_or_none_stay_where_the_sweep_says_so(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    trials = cell(write_sweep)[:2]
    for keep, expected in (("all", [True, True]), ("none", [False, False])):
        store = Store(tmp_path / keep, keep)  # type: ignore[arg-type]
        run_all(trials, data_dir, store)
        assert [store.model(one.key).exists() for one in trials] == expected


def test_a_worker_that_dies_while_it_writes_leaves_no_model_and_the_next_one_does(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, store = cell(write_sweep)[0], Store(tmp_path / "store", "best")

    class Killed(BaseException):
        pass

    def die(folder: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keeping.saved, "seal", die)
        with pytest.raises(Killed):
            runner.run(one.settings, one.key, data_dir, store)
    assert not store.model(one.key).exists() and store.state(one.key) == "new"
    run_all([one], data_dir, store)
    load_model(store.model(one.key))
    assert [path.name for path in store.folder(one.key).iterdir() if path.name.startswith(".")] == []


def test_keeping_changes_no_number_and_no_identity(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = cell(write_sweep)[0]
    keys = {Plan.open(load(write_sweep(**SMALL, keep=keep))).trials[0].key for keep in ("best", "all", "none")}
    assert keys == {one.key}
    found = []
    for keep in ("all", "none"):
        store = Store(tmp_path / keep, keep)  # type: ignore[arg-type]
        run_all([one], data_dir, store)
        record = store.record(one.key)
        assert record
        found.append((record.predictions_sha256, record.scores))
    assert found[0] == found[1]


def test_a_model_that_cannot_be_written_costs_no_trial(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, store = cell(write_sweep)[0], Store(tmp_path / "store", "best")

    def fail(folder: Path) -> None:
        raise RuntimeError("no such tensor")

    monkeypatch.setattr(keeping.saved, "seal", fail)
    run_all([one], data_dir, store)
    assert not store.model(one.key).exists()
    log = (store.folder(one.key) / "trial.log").read_text("utf-8")
    assert "The model was not kept." in log and "no such tensor" in log


def test_a_full_disk_is_told_where_the_model_does_not_fit(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, store = cell(write_sweep)[0], Store(tmp_path / "store", "best")

    def fail(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keeping.saved, "seal", fail)
    with pytest.raises(StoreError, match="The disk of the store .* is full"):
        runner.run(one.settings, one.key, data_dir, store)
    assert store.state(one.key) == "new"
