"""Ray Tune scheduler: puts trials onto the workers of a machine or a cluster.

Tune runs the explicit list of trials that the plan found missing, in actors that are reused from one
trial to the next. It decides nothing else: whether a trial is finished is read from the store, and
neither Tune's checkpoints, its loggers nor its restore are used.
"""

import gc
import json
import os
import shutil
import sys
import threading
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
from harness.trials.plan import PlannedTrial, by_identity
from harness.trials.settings import TrainedSettings, TrialSettings
from harness.trials.store import Store

ROUNDS = 3  # How often trials without a record are put to new workers, after Ray itself gave up.
HUNG = 75  # Exit code of a worker that ran into its trial's time limit.


def run(
    trials: Sequence[PlannedTrial], data_dir: Path, store: Store, progress: Listener, address: str | None = None
) -> None:
    """Runs trials until each has a record or a failure in the store, or Ray has given up on it.

    The folder of corpora and the store are the same on every node. `address` is that of a running Ray cluster; None
    starts one on this machine and stops it at the end.

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
            todo = [_placed(planned, store) for planned in different if _is_new(planned, store)]
            if not todo:
                break
            # Workers are reused between trials that want the same resources.
            todo.sort(key=lambda one: (one.settings.resources.cpus, float(one.settings.resources.gpus)))
            _run_round(todo, data_dir, store, progress)


def _is_new(planned: PlannedTrial, store: Store) -> bool:
    return store.state(planned.key, planned.settings) == "new"


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


def _run_round(todo: Sequence[PlannedTrial], data_dir: Path, store: Store, progress: Listener) -> None:
    storage, name = store.root / "ray", uuid.uuid4().hex[:12]
    folders = {"data": str(data_dir.absolute()), "store": str(store.root), "keep": store.keep}
    # As text: Tune makes a deep copy of the whole list for every trial.
    specs = [json.dumps({"key": one.key, "trial": one.settings.model_dump(), **folders}) for one in todo]
    stopper = _StopOnUserError()
    tuner = tune.Tuner(
        tune.with_resources(Worker, _resources),
        param_space={"spec": tune.grid_search(specs)},
        tune_config=tune.TuneConfig(reuse_actors=True, trial_dirname_creator=_key),
        run_config=tune.RunConfig(
            name=name,
            storage_path=str(storage),
            verbose=0,
            stop=stopper,
            failure_config=tune.FailureConfig(max_failures=2),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[_Listener(progress)],
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


def _spec(config: dict[str, Any]) -> Any:
    """Returns what a worker is told of its trial."""
    return json.loads(config["spec"])


def _key(trial: Any) -> str:
    return str(_spec(trial.config)["key"])


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    wanted = _spec(config)["trial"]["resources"]
    return tune.PlacementGroupFactory([{"CPU": wanted["cpus"], "GPU": wanted["gpus"]}])


class Worker(tune.Trainable):  # type: ignore[misc]
    """Runs one trial after the other; whatever is wrong with a trial itself ends in the store.

    A class, because Tune looks only five times a second whether a function has returned.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self.spec = _spec(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.spec = _spec(new_config)
        return True

    def step(self) -> dict[str, Any]:
        from harness.training.run import run as run_trial  # torch, in the worker only

        trial, store = TrialSettings.read(self.spec["trial"]), Store(Path(self.spec["store"]), self.spec["keep"])
        watchdog = threading.Timer(trial.resources.time_limit_minutes * 60, os._exit, [HUNG])
        watchdog.daemon = True
        if trial.resources.time_limit_minutes:
            watchdog.start()
        message = ""
        try:
            run_trial(trial, self.spec["key"], Path(self.spec["data"]), store)
        except UserError as error:
            message = str(error)
        finally:
            watchdog.cancel()
        gc.freeze()  # What is left is modules and caches; to look through them after every trial takes 0.2 s.
        waits = trial.resources.shares_gpu and store.wants_device_alone(self.spec["key"])
        return {"user_error": message, "waits": waits, "done": True}


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

    def __init__(self, progress: Listener):
        self._progress = progress

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore that is never made; a display cannot be."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            self._progress.started(_key(trial))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with suppress(Exception):
            end = self._progress.interrupted if trial.last_result.get("waits") else self._progress.ended
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
