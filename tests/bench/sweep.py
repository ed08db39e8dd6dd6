"""What a sweep costs beyond its trials: scheduling, starting, planning, the store, MLflow.

    python -m tests.bench.sweep

Takes about 25 minutes on 2 cores, most of it the trials themselves. Writes nothing but its page: corpora, store
and MLflow database lie in a temporary folder.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from harness.config.load import load
from harness.core.environment import ROOT
from harness.trials.plan import Plan
from harness.trials.store import Record, Store
from tests.bench.measure import Times, publish, side_by_side, table, verdict
from tests.bench.sweep_driver import DONE, DRIVER, ENDED, EXAMPLE, SLEEP, WORKER

SLOTS = os.cpu_count() or 1
NUM_STARTS = 3
NUM_MINUTE_TRIALS = 6 * SLOTS
NUM_SLEEPING = 1000
NUM_PLANNED = 10_000
ROUNDS = 5
TRIALS_PER_SEED = 9
"""Of the quick start: three models under three merges."""


@dataclass(frozen=True)
class Run:
    """One sweep command, from its start as a new process.

    Attributes:
        started: When, in seconds since 1970.
        notes: When each process reached the end of each stage.
        records: What its trials left, with the time when and the worker that wrote it.
    """

    started: float
    notes: list[dict[str, Any]]
    records: list[tuple[Record, float, str]]

    def at(self, stage: str) -> float:
        """Returns the seconds from the start of the command until the first process was through with a stage."""
        return min(note["time"] for note in self.notes if note["stage"] == stage) - self.started

    @property
    def own(self) -> float:
        """Seconds of the trials themselves, per slot."""
        return sum(record.seconds for record, _, _ in self.records) / SLOTS

    @property
    def wall(self) -> float:
        """Seconds of scheduling, as the sweep command itself counts: from before Ray is imported to the last trial."""
        return self.at(ENDED) - self.at(DRIVER[1])

    @property
    def overhead(self) -> float:
        """Seconds of a slot beyond the trials' own, per trial."""
        return (self.wall - self.own) * SLOTS / len(self.records)

    def gaps(self) -> list[float]:
        """Returns the seconds from the record of a trial to the start of the same worker's next one."""
        by_worker: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for record, written, worker in self.records:
            by_worker[worker].append((written - record.seconds, written))
        return [other[0] - one[1] for intervals in by_worker.values() for one, other in pairwise(sorted(intervals))]


def write_sweep(folder: Path, name: str, **changes: Any) -> Path:
    """Writes the quick start's sweep file with everything below a folder, a store of its own, and some keys changed."""
    text = (ROOT / "sweeps" / "quickstart.yaml").read_text("utf-8")
    places = {
        "name": name,
        "data_dir": str(folder / "data"),
        "store": str(folder / name / "store"),
        "tracking": f"sqlite:///{folder}/{name}/mlflow.db",
        "reports_dir": str(folder / name / "reports"),
    }
    path = folder / f"{name}.yaml"
    (folder / name).mkdir()
    path.write_text(yaml.safe_dump(yaml.safe_load(text) | places | changes, sort_keys=False), "utf-8")
    return path


def run(path: Path, **variables: str) -> Run:
    """Runs the sweep command to its end."""
    notes = path.with_suffix(".notes")
    started = time.time()
    command(["-m", "tests.bench.sweep_driver", str(notes), str(path)], **variables)
    store = Store(Path(load(path).store))
    records = []
    for record in store.records():
        folder = store.folder(record.key)
        written = (folder / "record.json").stat().st_mtime
        records.append((record, written, (folder / "attempts").read_text("ascii")))
    return Run(started, [json.loads(line) for line in notes.read_text("utf-8").splitlines()], records)


def command(words: list[str], **variables: str) -> None:
    """Runs Python in a process of its own; shows what it said where it failed."""
    ended = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")


def starts(folder: Path) -> list[Run]:
    """Starts one trial per core of the quick start's first cell, cut to one epoch, again and again."""
    models = {"hiagm": yaml.safe_load((ROOT / "sweeps" / "quickstart.yaml").read_text("utf-8"))["models"]["hiagm"]}
    trainer = {"epochs": 1, "batch_size": 32, "encoder_lr": 2e-2, "head_lr": 5e-3}
    few = {"models": models, "merges": ["none"], "seeds": list(range(SLOTS)), "trainer": trainer}
    runs = [run(write_sweep(folder, f"start-{number}", **few)) for number in range(NUM_STARTS + 1)]
    return runs[1:]  # The first one prepares the corpus and fills the page cache.


def stage_rows(runs: list[Run]) -> list[list[str]]:
    """Returns a row per stage: how long it took and when it was through, as medians."""
    stages = [*(("driver", one) for one in DRIVER), *(("worker", one) for one in WORKER)]
    ends = [statistics.median(one.at(stage) for one in runs) for _, stage in stages]
    return [
        [f"{process}: {stage}", f"{end - before:.2f}", f"{end:.2f}"]
        for (process, stage), before, end in zip(stages, [0.0, *ends], ends, strict=False)
    ]


def minutes(folder: Path, quick: Run) -> Run:
    """Trains the quick start's HiTIN for so many epochs that a trial takes about a minute."""
    alike = [one.seconds / one.num_epochs for one, _, _ in quick.records if one.settings["structure"] == "hitin"]
    sweep = yaml.safe_load((ROOT / "sweeps" / "quickstart.yaml").read_text("utf-8"))
    epochs = round(60 / statistics.median(alike))
    return run(
        write_sweep(
            folder,
            "minutes",
            models={"hitin": sweep["models"]["hitin"]},
            merges=["none"],
            seeds=list(range(NUM_MINUTE_TRIALS)),
            trainer=sweep["trainer"] | {"epochs": epochs, "patience": epochs},
        )
    )


def sleeping(folder: Path, quick: Run) -> Run:
    """Runs a thousand trials that sleep for a second each, and mirrors them to MLflow."""
    example = Store(folder / "quickstart" / "store").folder(quick.records[0][0].key)
    seeds = list(range(-(-NUM_SLEEPING // TRIALS_PER_SEED)))
    return run(write_sweep(folder, "sleeping", seeds=seeds), **{EXAMPLE: str(example)})


def planning(folder: Path, quick: Run) -> dict[str, Times]:
    """Times plans of ten thousand trials, in this process and as commands."""
    seeds = list(range(-(-NUM_PLANNED // TRIALS_PER_SEED)))
    empty, full = (write_sweep(folder, name, seeds=seeds) for name in ("empty", "full"))
    store, example = Store(Path(load(full).store)), quick.records[0][0]
    predictions = Store(folder / "quickstart" / "store").folder(example.key) / "predictions.parquet"
    for planned in Plan.open(load(full)).trials:
        store.folder(planned.key).mkdir(parents=True)
        (store.folder(planned.key) / "predictions.parquet").hardlink_to(predictions)
        settings = planned.settings.model_dump(mode="json")
        store.finish(example.model_copy(update={"key": planned.key, "settings": settings}))
    plan = Plan.open(load(full))
    assert len(plan.of_state("done")) == len(plan.trials) >= NUM_PLANNED
    return side_by_side(
        {
            "plan, nothing in the store": lambda: Plan.open(load(empty)),
            "plan, every trial finished": lambda: Plan.open(load(full)),
            "look-up of what is missing (resume, retry): everything": Plan.open(load(empty)).refresh,
            "look-up of what is missing (resume, retry): nothing": plan.refresh,
            "`harness.sweep --dry-run`, nothing finished": lambda: command(
                ["-m", "harness.sweep", str(empty), "--dry-run"]
            ),
            "`harness.sweep --dry-run`, all finished": lambda: command(["-m", "harness.sweep", str(full), "--dry-run"]),
        },
        rounds=ROUNDS,
    )


def main() -> None:
    """Measures everything and writes the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = starts(folder)
        quick = run(write_sweep(folder, "quickstart"))
        plans = planning(folder, quick)
        minute = minutes(folder, quick)
        asleep = sleeping(folder, quick)
    publish(
        "sweep",
        "What a sweep costs beyond its trials",
        page(started, quick, minute, asleep, plans),
        {
            "slots": SLOTS,
            "starts": [[note | {"time": note["time"] - one.started} for note in one.notes] for one in started],
            "sweeps": {
                key: numbers(one) for key, one in (("quickstart", quick), ("minutes", minute), ("sleeping", asleep))
            },
            "plans": {key: times.seconds for key, times in plans.items()},
        },
        "python -m tests.bench.sweep",
    )


def numbers(one: Run) -> dict[str, float]:
    """Returns what a sweep took, in seconds but for the number of trials."""
    return {
        "trials": len(one.records),
        "own": one.own,
        "wall": one.wall,
        "command": one.at(DONE),
        "overhead": one.overhead,
        "gap": statistics.median(one.gaps()),
        "report and MLflow": one.at(DONE) - one.at(ENDED),
    }


def page(started: list[Run], quick: Run, minute: Run, asleep: Run, plans: Mapping[str, Times]) -> str:
    """Returns the page's text."""
    named = {"quick start": quick, "trials of a minute": minute, "trials of a second, asleep": asleep}
    sweeps = []
    for name, one in named.items():
        of = numbers(one)
        each = statistics.median(record.seconds for record, _, _ in one.records)
        sweeps.append(
            [name, f"{of['trials']}", f"{each:.1f}", f"{of['own']:.1f}", f"{of['wall']:.1f}"]
            + [f"{of['wall'] / of['own']:.3f}", f"{of['command']:.1f}", f"{of['command'] / of['own']:.3f}"]
            + [f"{1000 * of['overhead']:.0f}", f"{1000 * of['gap']:.0f}"]
        )
    first_step = statistics.median(one.at(WORKER[-1]) for one in started)
    num_asleep = len(asleep.records)
    mirrored = (asleep.at(DONE) - asleep.at(ENDED)) / num_asleep
    empty, full = plans["plan, nothing in the store"].median, plans["plan, every trial finished"].median
    goals = [
        ("scheduling, quick start, over its trials' own time", quick.wall / quick.own, 1.10, "{:.3f}"),
        ("scheduling, trials of a minute, likewise", minute.wall / minute.own, 1.05, "{:.3f}"),
        (f"overhead of each of {num_asleep:,} one-second trials, ms", 1000 * asleep.overhead, 60, "{:.0f}"),
        ("command to first training step, s", first_step, 12, "{:.1f}"),
        (f"plan of {NUM_PLANNED:,} trials, s", empty, 2, "{:.2f}"),
        (f"plan of {NUM_PLANNED:,} finished trials, s", full, 3, "{:.2f}"),
    ]
    goal_rows = [[name, form.format(value), verdict(value, goal, form)] for name, value, goal, form in goals]
    head = ["sweep", "trials", "s each", "own s per slot", "scheduling s", "ratio", "command s", "ratio"]
    plan_rows = [
        [key, f"{one.median:.2f}", f"{one.spread[0]:.2f} to {one.spread[1]:.2f}"] for key, one in plans.items()
    ]
    return f"""
Sweep commands as a user types them, each a new process that starts Ray on this machine: {SLOTS} slots on {SLOTS}
cores. A trial's own time is what its record says: from opening the corpus to the predictions on disk. *Scheduling*
is what the command itself prints: from before Ray is imported until the last trial has ended. *Command* is
everything, from the start of Python to the end of the report and of the copy in MLflow. *Overhead* is (scheduling x
slots - own) / trials, the start of Ray and of the workers included; *gap* is the median from a trial's record to the
start of the same worker's next trial. Corpora were prepared before. Trials of a minute are the quick start's HiTIN
with more epochs. In the last row the computation is replaced by a sleep of {SLEEP:g} s, and only that: the trials go
through plan, Ray Tune, locks, logs, atomic records, progress lines, report and MLflow. Output went to a pipe, so that
every trial printed its line.

{table([*head, "overhead ms", "gap ms"], sweeps)}

One sweep each, so the last digit is noise. The own time of trials that train holds what {SLOTS} of them take from each
other, and the first trial of a worker holds the imports of its model.

**Start.** Median of {NUM_STARTS} commands on HiAGM, new processes, no Ray running, page cache warm. A stage ends when
the first process is through with it; workers start side by side and share the cores.

{table(["stage", "took s", "done at s"], stage_rows(started))}

**Plan and store.** {ROUNDS} rounds; the quick start's sweep file with so many seeds that it has over
{NUM_PLANNED:,} trials; the store holds as many records of a real trial, each under its own key and settings. Reading
the sweep file is included where the name says plan. A plan reads each record once and checks it whole; there is no
index. Median and quartiles in seconds:

{table(["what", "median", "quartiles"], plan_rows)}

**MLflow.** After the last trial, {num_asleep:,} finished trials were reported and copied in
{asleep.at(DONE) - asleep.at(ENDED):.0f} s: {1000 * mirrored:.0f} ms per trial, the creation of the database included.

## Goals

{table(["goal", "measured", "verdict"], goal_rows)}
"""


if __name__ == "__main__":
    main()
