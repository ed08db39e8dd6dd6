"""Runs the sweep command as it is and notes when it got how far; on request its trials sleep instead of training.

    python -m tests.bench.sweep_driver NOTES sweep.yaml

With the folder of a finished trial in `SWEEP_EXAMPLE`, every trial sleeps for a second and leaves that trial's
files, the record under its own key. All around it stays as it is: Ray Tune, locks, attempts, logs, the atomic
write of the record, display, report, MLflow.
"""

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

NOTES, EXAMPLE = "SWEEP_NOTES", "SWEEP_EXAMPLE"
SLEEP = 1.0

DRIVER = ("Python, the harness", "sweep file, corpora, plan", "imports of Ray Tune", "Ray's processes")
WORKER = ("process, Ray Tune", "imports of a trial", "corpus and tokens", "model", "first training step")
ENDED, DONE = "trials ended", "report and MLflow"

_marked: set[str] = set()


def mark(stage: str) -> None:
    """Notes the first time that this process gets to the end of a stage."""
    if stage not in _marked:
        _marked.add(stage)
        with Path(os.environ[NOTES]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"pid": os.getpid(), "stage": stage, "time": time.time()}) + "\n")


def marked(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that notes when its first call has returned."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        mark(stage)
        return result

    return call


def step(worker: Any) -> Any:
    """Takes the place of `harness.scheduling.ray_tune.Worker.step`, in a worker."""
    mark(WORKER[0])
    from harness.scheduling import ray_tune
    from harness.training import trained

    mark(WORKER[1])
    if EXAMPLE in os.environ:
        trained.measure = _sleep
    elif WORKER[2] not in _marked:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        trained.Data.open = marked(WORKER[2], trained.Data.open)
        trained.build = marked(WORKER[3], trained.build)
        register_optimizer_step_post_hook(lambda *_: mark(WORKER[4]))
    return ray_tune.Worker.step(worker)


def _sleep(context: Any) -> Any:
    time.sleep(SLEEP)
    return _example(Path(os.environ[EXAMPLE]))


@functools.cache
def _example(folder: Path) -> Any:
    """Returns what a finished trial measured, read from its folder."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from datasets.storage import predictions
    from harness.training.kinds import Measured
    from harness.trials.store import Record

    record = Record.model_validate_json((folder / "record.json").read_bytes())
    path = folder / "predictions.parquet"
    table = pq.read_table(path, columns=["doc_id", "split"]).combine_chunks()
    doc_ids = {
        split: table.filter(pc.equal(table["split"], split))["doc_id"].combine_chunks()
        for split in predictions.EVALUATED
    }
    predicted = predictions.read(path, doc_ids, record.predictions_sha256, "the example")
    return Measured(
        scores=record.scores,
        selected=record.selected,
        predicted=predicted,
        decisions=record.decisions,  # type: ignore[arg-type]
        history=[json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()],
        train_seconds=record.train_seconds,
        num_parameters=record.num_parameters,
        peak_memory_mb=record.peak_memory_mb,
        facts=record.environment,
    )


def main(arguments: Sequence[str]) -> int:
    """Runs the sweep command with the given words, but for the first, which is the file for the notes."""
    os.environ[NOTES], *words = arguments
    from harness import sweep

    mark(DRIVER[0])
    run_missing = sweep._run_missing

    def run(*given: Any) -> None:
        mark(DRIVER[1])
        from harness.scheduling import ray_cluster, ray_tune

        mark(DRIVER[2])
        ray_cluster._connect = marked(DRIVER[3], ray_cluster._connect)
        ray_tune.Worker = type("Worker", (ray_tune.Worker,), {"step": step})
        run_missing(*given)
        mark(ENDED)

    sweep._run_missing = run
    code = sweep.main(words)
    mark(DONE)
    return code


if __name__ == "__main__":
    from tests.bench import sweep_driver  # Workers import what is sent to them by its module's name.

    sys.exit(sweep_driver.main(sys.argv[1:]))
