"""Sharing GPUs: the arithmetic of packing, measuring through Ray, and a whole GPU for what ran out of a share."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from hypothesis import given
from hypothesis import strategies as st

from harness.config.load import load
from harness.config.schema import Resources
from harness.core.environment import ROOT
from harness.core.errors import UserError
from harness.scheduling import gpu_shares, ray_tune
from harness.scheduling.progress import Progress
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record, Store
from tests.conftest import SweepWriter

pytestmark = pytest.mark.xdist_group("ray")  # One Ray at a time: each takes both cores.

GIB = 2**30


@given(st.integers(GIB // 4, 200 * GIB), st.integers(8 * GIB, 200 * GIB))
def test_as_many_trials_share_a_gpu_as_fit_with_the_margin(needed: int, there: int) -> None:
    share = gpu_shares.gpu_share(needed, there)
    parts = round(share * 10_000)  # Ray's unit.
    num = 10_000 // parts  # That Ray puts on one GPU.
    assert 1 <= num <= 99 and parts == 10_000 // num
    assert num == 1 or num * gpu_shares.MEMORY_MARGIN * needed <= there
    assert num == 99 or (num + 1) * gpu_shares.MEMORY_MARGIN * needed > there


@pytest.mark.parametrize(
    ("needed", "share"), [(81, 1.0), (66, 1.0), (39, 1.0), (33, 0.5), (22, 0.3333), (13, 0.2), (11, 0.1666)]
)
def test_shares_of_80_gib_by_hand(needed: int, share: float) -> None:
    """With the margin 39 GiB become 46.8, of which 80 hold one; 33 become 39.6, of which they hold two."""
    assert gpu_shares.gpu_share(needed * GIB, 80 * GIB) == share


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
        from harness.trials.settings import TrialSettings

        started = time.time()
        gpus = ray.get_runtime_context().get_accelerator_ids()["GPU"]
        if trial["merge"] == "projection" and trial["structure"] == "flat":
            raise RuntimeError("no measuring this one")
        needed = {"none": 13, "projection": 24}[trial["merge"]] * GIB
        answer = trained.measure_memory(TrialSettings.model_validate(trial), data, lambda: (needed, 80 * GIB))
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
                Store(Path(spec["store"])).finish(record(spec["key"]))
            return {"user_error": "", "waits": waits, "done": True}

    monkeypatch.setattr(ray_tune, "_connect", lambda address: start_ray(num_gpus=1))
    monkeypatch.setattr(ray_tune, "Worker", Worker)
    sweep = {"models": {"flat": {}}, "merges": ["none"], "seeds": [1, 2, 3], "resources": {"gpus": 0.5}}
    plan = Plan.open(load(write_sweep(**sweep)))
    for one in plan.trials:
        store.folder(one.key).mkdir(parents=True)
    ray_tune.run(plan.trials, data_dir, store, Progress(plan))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and "3 done, 0 running, 0 failed" in lines[-1], "a trial that waits has not ended"
    assert [store.state(one.key) for one in plan.trials] == ["done"] * 3
    entries = [tuple(map(float, line.split())) for line in log.read_text("utf-8").splitlines()]
    assert sorted(entry[:2] for entry in entries) == [(1, 0.5), (2, 0.5), (2, 1.0), (3, 0.5), (3, 1.0)]
    for _, _, start, end in (entry for entry in entries if entry[1] == 1.0):
        others = [entry for entry in entries if entry[2] != start]
        assert all(other[3] <= start or end <= other[2] for other in others), "something else was on the device"


def record(key: str) -> Record:
    return Record(
        key=key,
        settings={},
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


def test_only_shares_are_made_whole() -> None:
    wholes = {gpus: Resources(gpus=gpus).alone().gpus for gpus in (0.0, 0.25, 1.0, 2.0, "auto")}  # type: ignore[arg-type]
    assert wholes == {0.0: 0.0, 0.25: 1.0, 1.0: 1.0, 2.0: 2.0, "auto": "auto"}
