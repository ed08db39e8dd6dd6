"""Trials on Ray: measured and placed on GPUs, tried again after a lost worker, and ended where they hang."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from harness.config.load import load
from harness.core.errors import UserError
from harness.scheduling import local, ray_cluster, ray_tune
from harness.scheduling.progress import Listener, Progress
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record, Store
from tests.conftest import SweepWriter
from tests.harness.commands import LONG, start, sweep, wait_for, workers
from tests.harness.scheduling.clusters import started_cluster
from tests.shared import ROOT

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.
GIB = 2**30


def start_ray(num_gpus: int) -> None:
    variables = {"PYTHONPATH": str(ROOT)}
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "include_dashboard": False}
    ray.init("local", num_cpus=4, num_gpus=num_gpus, runtime_env={"env_vars": variables}, **quiet)


@pytest.fixture(scope="module")
def two_gpus() -> Iterator[None]:
    start_ray(num_gpus=2)
    yield
    ray.shutdown()


def auto(write_sweep: SweepWriter, **changes: Any) -> Plan:
    return Plan.open(load(write_sweep(**{"resources": {"gpus": "auto"}, **changes})))


def test_each_kind_is_measured_once_on_a_gpu_of_its_own(
    write_sweep: SweepWriter,
    data_dir: Path,
    two_gpus: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = tmp_path / "log"

    def measure(trial: dict[str, Any], data: Path) -> tuple[int, int]:
        """The real steps; only the reading of the device stands in."""
        from harness.training import trained
        from harness.trials.settings import TrainedSettings

        started = time.time()
        gpus = ray.get_runtime_context().get_accelerator_ids()["GPU"]
        if trial["merge"] == "projection" and trial["structure"] == "flat":
            raise RuntimeError("no measuring this one")
        needed = {"none": 13, "projection": 24}[trial["merge"]] * GIB
        answer = trained.measure_memory(TrainedSettings.model_validate(trial), data, lambda: (needed, 80 * GIB))
        with log.open("a") as stream:
            stream.write(f"{' '.join(gpus)} {started} {time.time()}\n")
        return answer

    monkeypatch.setattr(ray_tune, "_measure", measure)
    plan = auto(write_sweep)
    settled = ray_tune._with_gpus(plan.trials, data_dir)
    gpus = {(*one.settings.cell[:2], one.settings.seed): one.settings.resources.gpus for one in settled}
    shares = {("hiagm", "none"): 0.2, ("hiagm", "projection"): 0.5, ("flat", "none"): 0.2, ("flat", "projection"): 1.0}
    assert gpus == {(*cell, seed): share for cell, share in shares.items() for seed in (1, 2)}
    assert [one.key for one in settled] == [one.key for one in plan.trials], "what a trial occupies is not its identity"
    said = capsys.readouterr().err
    assert "hiagm none synthetic: 13.0 of a GPU's 80.0 GiB, 5 share one" in said
    assert "flat projection synthetic: a whole GPU each (RuntimeError: no measuring this one)" in said
    entries = [line.split() for line in log.read_text("utf-8").splitlines()]
    assert len(entries) == 3, "one measurement per kind, whatever the number of seeds"
    for gpu in "01":
        times = sorted((float(start), float(end)) for number, start, end in entries if number == gpu)
        assert all(one[1] <= other[0] for one, other in zip(times, times[1:], strict=False))


def test_more_cores_than_a_node_has_are_refused_before_measuring(
    write_sweep: SweepWriter, data_dir: Path, two_gpus: None
) -> None:
    plan = auto(write_sweep, resources={"gpus": "auto", "cpus": 99})
    with pytest.raises(UserError, match="wants 99 CPUs and 1 GPUs, and no node has them"):
        ray_tune._with_gpus(plan.trials, data_dir)


def test_a_trial_that_ran_out_of_its_share_is_run_again_alone(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ray.shutdown()  # The other tests' one; a sweep starts its own.
    store = Store(tmp_path / "store")
    log = tmp_path / "log"

    class Worker(ray_tune.Worker):
        """Says when it is on which share of the device; half of one is enough for seed 1 only."""

        def step(self) -> dict[str, Any]:
            spec = self.spec
            gpus, seed = spec["trial"]["resources"]["gpus"], spec["trial"]["seed"]
            started = time.time()
            time.sleep(1)
            with log.open("a") as stream:
                stream.write(f"{seed} {gpus} {started} {time.time()}\n")
            waits = gpus < 1 and seed > 1
            if waits:
                Store(Path(spec["store"])).note_wants_device_alone(spec["key"])
            else:
                Store(Path(spec["store"])).finish(record(spec["key"], spec["trial"]))
            return {"user_error": "", "waits": waits, "done": True}

    monkeypatch.setattr(ray_cluster, "_connect", lambda address, elsewhere: start_ray(num_gpus=1))
    monkeypatch.setattr(ray_tune, "Worker", Worker)
    sweep = {"models": {"flat": {}}, "merges": ["none"], "seeds": [1, 2, 3], "resources": {"gpus": 0.5}}
    plan = Plan.open(load(write_sweep(**sweep)))
    for one in plan.trials:
        store.folder(one.key).mkdir(parents=True)
        (store.folder(one.key) / "predictions.parquet").touch()
    ray_tune.run(plan.trials, data_dir, store, Progress(plan))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and "3 done, 0 running, 0 failed" in lines[-1], "a trial that waits has not ended"
    assert [store.state(one.key) for one in plan.trials] == ["done"] * 3
    entries = [tuple(map(float, line.split())) for line in log.read_text("utf-8").splitlines()]
    assert sorted(entry[:2] for entry in entries) == [(1, 0.5), (2, 0.5), (2, 1.0), (3, 0.5), (3, 1.0)]
    for _, _, began, end in (entry for entry in entries if entry[1] == 1.0):
        others = [entry for entry in entries if entry[2] != began]
        assert all(other[3] <= began or end <= other[2] for other in others), "something else was on the device"


def record(key: str, settings: dict[str, Any]) -> Record:
    return Record(
        key=key,
        settings=settings,
        scores={"micro_f1": 1.0, "macro_f1": 1.0},
        selected={},
        num_epochs=1,
        train_seconds=1.0,
        seconds=1.0,
        num_parameters={},
        peak_memory_mb=1.0,
        environment={},
        predictions_sha256="",
        attempts=1,
        finished="2026-01-01T00:00:00+00:00",
    )


def test_without_a_gpu_auto_is_none(write_sweep: SweepWriter, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"Alive": True, "Resources": {"CPU": 2.0}}
    monkeypatch.setattr(ray_tune.ray, "nodes", lambda: [node])
    settled: list[PlannedTrial] = ray_tune._with_gpus(auto(write_sweep).trials, data_dir)
    assert {one.settings.resources.gpus for one in settled} == {0.0}


@pytest.mark.slow
def test_a_killed_worker_is_replaced(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2, 3], trainer=LONG)
    process = start(path)
    wait_for(lambda: any(Path(load(path).store).glob("trials/*/attempts")))
    for worker in workers(process.pid):
        worker.kill()
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    attempts = [Store(Path(load(path).store)).record(one.key).attempts for one in Plan.open(load(path)).trials]  # type: ignore[union-attr]
    assert max(attempts) == 2 and "3 of 3 trials done" in output


@pytest.mark.slow
def test_a_hung_trial_ends_as_failed(write_sweep: SweepWriter) -> None:
    hung = {"epochs": 1_000_000, "patience": 1_000_000, "batch_size": 32, "encoder_lr": 0.0, "head_lr": 0.0}
    models = {
        "hiagm": {"options": {"node_width": 4}},
        "flat": {"trainer": hung, "resources": {"time_limit_minutes": 0.15}},
    }
    path = write_sweep(models=models, merges=["none"], seeds=[1])
    run = sweep(path)
    assert run.returncode == 1, run.stderr
    assert "1 of 2 trials done, 1 failed" in run.stdout and "Its worker died 3 times" in run.stdout


@pytest.mark.slow
def test_a_worker_killed_for_memory_does_not_end_the_sweep(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, merges=["none"], seeds=[1, 2], trainer=LONG)
    run = sweep(path, RAY_memory_usage_threshold="0.01", RAY_memory_monitor_refresh_ms="200")
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr and (Path(load(path).reports_dir) / "tiny.md").exists()
    calm = sweep(path, "--retry-failed")
    assert calm.returncode == 0 and "2 of 2 trials done" in calm.stdout


@pytest.mark.slow
def test_the_code_travels_to_a_cluster(write_sweep: SweepWriter, tmp_path: Path) -> None:
    with started_cluster(tmp_path) as address:
        path = write_sweep(models={"flat": {}}, merges=["none"])
        run = sweep(path, "--address", address, RAY_AUTH_MODE="token")
        assert run.returncode == 0, run.stderr
        assert "2 of 2 trials done" in run.stdout
        record = Store(Path(load(path).store)).record(Plan.open(load(path)).trials[0].key)
        assert record is not None and record.environment["commit"] not in ("", "unknown")
    gone = sweep(write_sweep(seeds=[9]), "--address", address)
    assert gone.returncode == 2 and "No Ray cluster answers" in gone.stderr


def test_trials_that_fall_behind_are_stopped_and_the_others_are_what_they_are_alone(write_sweep: SweepWriter) -> None:
    space = {"trainer.head_lr": {"choice": [1e-7, 1e-6, 0.05]}, "trainer.encoder_lr": {"uniform": [1e-7, 1e-6]}}
    search = {"trials": 8, "stopper": "asha", "space": space}
    trainer = {"epochs": 9, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.05}
    path = write_sweep(models={"flat": {}}, merges=["none"], search=search, trainer=trainer, seeds=[1])
    assert sweep(path).returncode == 0
    found = Plan.open(load(path)).of_phase("search")
    states = [one.state for one in found.trials]
    assert states[0] == "done" and states.count("stopped") >= 3 and "new" not in states
    for one in found.of_state("stopped"):
        assert one.stopped and 1 <= len(one.stopped.history) < 9 and one.stopped.seconds > 0
        assert not (found.store.folder(one.key) / "predictions.parquet").exists()
    whole = found.trials[0]
    assert whole.record
    alone = Store(path.parent / "alone")
    local.run([whole], Path(found.sweep.data_dir), alone, Listener())
    again = alone.record(whole.key)
    assert again and again.predictions_sha256 == whole.record.predictions_sha256
    assert sweep(path).returncode == 0, "nothing is run again"
    assert [one.state for one in Plan.open(load(path)).of_phase("search").trials] == states


def test_after_the_hours_that_it_may_take_no_trial_is_started(write_sweep: SweepWriter) -> None:
    run = sweep(path := write_sweep(), "--budget-hours", "1e-9")
    assert run.returncode == 1 and "The hours of --budget-hours are over" in run.stderr
    assert "0 of 8 trials done, 0 failed, 8 missing" in run.stdout
    assert len(Plan.open(load(path)).of_state("new")) == 8
