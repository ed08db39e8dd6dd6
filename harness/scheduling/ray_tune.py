"""Ray Tune scheduler: puts trials onto the workers of a machine or a cluster.

Tune runs the explicit list of trials that the plan found missing, in actors that are reused from one
trial to the next. It decides nothing else: whether a trial is finished is read from the store, and
neither Tune's checkpoints, its loggers nor its restore are used.
"""

import json
import shutil
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.scheduling.ray_cluster import cluster  # Before Ray is imported: sets what Ray then reads.

# isort: split
import ray
from ray import tune

from harness.core.errors import UserError
from harness.core.text import one_line
from harness.scheduling.gpu_shares import gpu_share, is_open, memory_kind, refuse_what_never_fits, with_gpu
from harness.scheduling.progress import Listener
from harness.scheduling.ray_halving import Halving
from harness.scheduling.ray_worker import Worker, spec_of
from harness.trials.plan import PlannedTrial, by_identity
from harness.trials.settings import TrainedSettings, TrialSettings
from harness.trials.store import Stopped, Store

ROUNDS = 3  # How often trials without a record are put to new workers, after Ray itself gave up.


def run(
    trials: Sequence[PlannedTrial],
    data_dir: Path,
    store: Store,
    progress: Listener,
    address: str | None = None,
    until: float | None = None,
    halving: Halving | None = None,
) -> None:
    """Runs trials until each has a record or a failure in the store, or Ray has given up on it.

    The folder of corpora and the store are the same on every node. `address` is that of a running Ray cluster; None
    starts one on this machine and stops it at the end. `until` is the time, in seconds since 1970, after which no
    trial is started; those that run then end as ever. `halving` stops trials that fall behind others of their row.

    Raises:
        UserError: Where the cluster cannot be reached or cannot ever hold one of the trials, or where a
            worker found that no trial can run, such as on a full disk.
        KeyboardInterrupt: On Ctrl-C, and likewise on SIGTERM; the workers are gone by then.
    """
    with cluster(address):
        trials = _with_gpus(trials, data_dir)
        for planned in trials:
            store.forget_attempts(planned.key)
        different = by_identity(trials).values()
        for _ in range(ROUNDS):
            todo = [_placed(planned, store) for planned in different if _is_new(planned, store, halving is not None)]
            if not todo or (until is not None and time.time() > until):
                break
            # Workers are reused between trials that want the same resources.
            todo.sort(key=lambda one: (one.settings.resources.cpus, float(one.settings.resources.gpus)))
            _run_round(todo, data_dir, store, progress, until, halving)


def _is_new(planned: PlannedTrial, store: Store, may_stop: bool) -> bool:
    return store.state(planned.key, planned.settings) == "new" and not (may_stop and store.stopped(planned.key))


def _with_gpus(trials: Sequence[PlannedTrial], data_dir: Path) -> list[PlannedTrial]:
    """Replaces `gpus: auto` by what trials of the kind need, measured on a GPU of their own; by 0 where none is.

    Where a measurement fails the trial gets a whole GPU, and says itself what is wrong.

    Raises:
        UserError: Where no node can hold one of the trials.
    """
    has_gpu = any(node["Resources"].get("GPU", 0) >= 1 for node in ray.nodes() if node["Alive"])
    whole = [with_gpu(planned, float(has_gpu)) if is_open(planned) else planned for planned in trials]
    refuse_what_never_fits(whole, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    if not has_gpu:
        return whole
    kinds = {memory_kind(planned.settings): planned.settings for planned in trials if is_open(planned)}
    task = ray.remote(max_calls=1, max_retries=0)(_measure)  # Afterwards the process goes, and its memory with it.
    asked = {
        kind: task.options(num_cpus=trial.resources.cpus, num_gpus=1).remote(trial.model_dump(), data_dir.absolute())
        for kind, trial in kinds.items()
    }
    shares = {kind: _measured_share(trial, asked[kind]) for kind, trial in kinds.items()}
    return [
        with_gpu(planned, shares[memory_kind(planned.settings)]) if is_open(planned) else planned for planned in trials
    ]


def _measure(trial: dict[str, Any], data_dir: Path) -> tuple[int, int]:
    from harness.training import trained  # torch, in the worker only

    return trained.measure_memory(TrainedSettings.model_validate(trial), data_dir)


def _measured_share(trial: TrialSettings, reference: Any) -> float:
    name = " ".join(trial.cell)
    try:
        needed, there = ray.get(reference)
    except ray.exceptions.RayError as error:
        print(f"{name}: a whole GPU each ({str(error).strip().splitlines()[-1][:300]})", file=sys.stderr)
        return 1.0
    share = gpu_share(needed, there)
    print(
        f"{name}: {needed / 2**30:.1f} of a GPU's {there / 2**30:.1f} GiB, {int(1 / share)} share one", file=sys.stderr
    )
    return share


def _placed(planned: PlannedTrial, store: Store) -> PlannedTrial:
    """Gives a trial that ran out of a shared GPU's memory a whole one."""
    is_cramped = planned.settings.resources.shares_gpu and store.wants_device_alone(planned.key)
    return with_gpu(planned, 1.0) if is_cramped else planned


def _run_round(
    todo: Sequence[PlannedTrial],
    data_dir: Path,
    store: Store,
    progress: Listener,
    until: float | None,
    halving: Halving | None,
) -> None:
    storage, name = store.root / "ray", uuid.uuid4().hex[:12]
    shared = {"data": str(data_dir.absolute()), "store": str(store.root), "keep": store.keep, "until": until}
    shared["stepwise"] = halving is not None
    # As text: Tune makes a deep copy of the whole list for every trial.
    specs = [json.dumps({"key": one.key, "trial": one.settings.model_dump(), **shared}) for one in todo]
    stopper = _StopOnUserError()
    tuner = tune.Tuner(
        tune.with_resources(Worker, _resources),
        param_space={"spec": tune.grid_search(specs)},
        tune_config=tune.TuneConfig(reuse_actors=True, trial_dirname_creator=_key, scheduler=halving),
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(storage),
            verbose=0,
            stop=stopper,
            failure_config=tune.FailureConfig(max_failures=2),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[_Listener(progress, store)],
        ),
    )
    try:
        tuner.fit()
    except (RuntimeError, ray.exceptions.RayError, tune.TuneError) as error:
        # Such as a worker that Ray killed for memory: the next round takes what has no record yet.
        print(f"Ray gave up a round: {one_line(error, 300)}", file=sys.stderr)
    finally:
        shutil.rmtree(storage / name, ignore_errors=True)
    if stopper.message:
        raise UserError(stopper.message)


def _key(trial: Any) -> str:
    return str(spec_of(trial.config)["key"])


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    wanted = spec_of(config)["trial"]["resources"]
    return tune.PlacementGroupFactory([{"CPU": wanted["cpus"], "GPU": wanted["gpus"]}])


class _StopOnUserError(tune.Stopper):
    """Ends the round when a worker reports what only the user can mend, and keeps the message."""

    def __init__(self) -> None:
        self.message = ""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.message = self.message or result.get("user_error", "")
        return self.stop_all()

    def stop_all(self) -> bool:
        return bool(self.message)


class _Listener(tune.Callback):
    """Tells the progress display, and swallows its errors: Tune would end the sweep for them."""

    def __init__(self, progress: Listener, store: Store):
        self._progress, self._store = progress, store

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that is never made; a display cannot be."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            self._progress.started(_key(trial))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            last = trial.last_result
            if "history" in last:  # It was not through.
                self._store.stop(Stopped(key=_key(trial), history=last["history"], seconds=last["seconds"]))
            end = self._progress.interrupted if last.get("waits") else self._progress.ended
            end(_key(trial))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            self._progress.interrupted(_key(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            self._progress.ended(_key(trial), _last_words(trial))


def _last_words(trial: Any) -> str:
    """Returns the last line of what Ray knows of a trial's end, such as a full disk or a dead worker."""
    try:
        return str(trial.get_error()).strip().splitlines()[-1][:300]
    except Exception:  # The disk that holds it may be what failed.
        return ""
