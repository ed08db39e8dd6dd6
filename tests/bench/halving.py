"""What successive halving saves of a finished search, and what it loses: real learning curves, replayed.

python -m tests.bench.halving sweeps/tuned.yaml

A trial is the same to the bit whether it may be stopped or not, so that the curves of a search that stopped nothing,
played to the scheduler in the order in which epochs would have ended, tell what it would have stopped.
"""

import argparse
import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

from harness.config.load import load
from harness.scheduling.ray_halving import Halving, History
from harness.trials.plan import Plan
from harness.trials.settings import CellKey
from harness.trials.tuning import score_so_far
from tests.bench.measure import publish, table, verdict

SLOTS, REPETITIONS = 2, 5
SAVING, LOSS = 40.0, 0.3
"""Goals: percent of the hours saved at least, points of validation score lost at most."""

_INTRODUCTION = f"""\
Each row of the finished search of `sweeps/tuned.yaml` on each corpus, 16 trials, as {SLOTS} workers would have run it
with `stopper: asha`, in {REPETITIONS} random orders of its trials but for the first one, which has the settings of the
file. Saved is the share of the trials' own time; lost is what the chosen trial scores less on validation than the one
that is chosen where nothing is stopped. Means over the rows of a corpus; in brackets the least and the most of the
repetitions."""


@dataclass(frozen=True)
class Curve:
    """A finished trial: its epochs, how many were planned, and what they and the test took together."""

    history: History
    num_epochs: int
    seconds: float


@dataclass(frozen=True)
class Replayed:
    """What became of a row: seconds that its trials took, and the score of the best that was not stopped."""

    seconds: float
    score: float
    num_stopped: int


def replay(curves: Sequence[Curve], metric: str, slots: int = SLOTS) -> Replayed:
    """Plays the trials of a row to the scheduler, in their order on so many workers."""
    score = partial(score_so_far, metric=metric)  # type: ignore[arg-type]
    row, halving = CellKey("", "", ""), Halving(score)
    spent, best, stopped, todo = 0.0, 0.0, 0, list(range(len(curves)))
    # When the next epoch of a trial ends, which trial, and which epoch that is.
    events: list[tuple[float, int, int]] = []
    trials = {place: SimpleNamespace(trial_id=str(place)) for place in todo}

    def begin(now: float) -> None:
        if todo:
            place = todo.pop(0)
            halving.admit(row, trials[place])
            heapq.heappush(events, (now + _each(curves[place]), place, 1))

    for _ in range(slots):
        begin(0.0)
    while events:
        now, place, epoch = heapq.heappop(events)
        curve = curves[place]
        spent += _each(curve)
        if epoch == len(curve.history):
            best = max(best, score(curve.history))
            begin(now)
        elif halving.judge(trials[place], 100 * epoch / curve.num_epochs, curve.history[:epoch]) == Halving.STOP:
            stopped += 1
            begin(now)
        else:
            heapq.heappush(events, (now + _each(curve), place, epoch + 1))
    return Replayed(spent, best, stopped)


def _each(curve: Curve) -> float:
    return curve.seconds / len(curve.history)


def curves_of(search: Plan) -> dict[CellKey, list[Curve]]:
    """Returns the curves of each row whose search is finished."""
    found: dict[CellKey, list[Curve]] = {}
    for cell, trials in search.cells().items():
        if all(one.record for one in trials):
            found[cell] = [
                Curve(search.store.history(one.key), vars(one.settings)["trainer"].epochs, one.seconds)
                for one in trials
            ]
    return found


def main() -> None:
    """Replays a finished search and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.halving", description=__doc__)
    parser.add_argument("sweep", type=Path)
    plan = Plan.open(load(parser.parse_args().sweep))
    assert plan.sweep.search, "the sweep has no search"
    metric, rows = plan.sweep.search.metric, curves_of(plan.of_phase("search"))
    numbers: dict[str, list[tuple[float, float]]] = {}
    for repetition in range(REPETITIONS):
        generator = random.Random(repetition)
        by_corpus: dict[str, list[tuple[float, float]]] = {}
        for cell, curves in rows.items():
            found = replay([curves[0], *generator.sample(curves[1:], len(curves) - 1)], metric)
            whole = sum(curve.seconds for curve in curves)
            best = max(score_so_far(curve.history, metric) for curve in curves)
            by_corpus.setdefault(cell.dataset, []).append((100 * (1 - found.seconds / whole), best - found.score))
        for corpus, pairs in by_corpus.items():
            numbers.setdefault(corpus, []).append((fmean(one for one, _ in pairs), fmean(two for _, two in pairs)))
    body = [
        [
            f"{corpus}, {sum(cell.dataset == corpus for cell in rows)} rows",
            _spread([saved for saved, _ in pairs], "{:.1f} %"),
            _spread([lost for _, lost in pairs], "{:.2f}"),
            verdict(fmean(saved for saved, _ in pairs), SAVING, "{:.0f} %", at_least=True),
            verdict(fmean(lost for _, lost in pairs), LOSS),
        ]
        for corpus, pairs in numbers.items()
    ]
    head = ["corpus", "saved", "points lost", "saved: goal", "lost: goal"]
    command = "python -m tests.bench.halving sweeps/tuned.yaml"
    publish("halving", "Successive halving", f"{_INTRODUCTION}\n\n{table(head, body)}", {"rows": numbers}, command)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{form.format(fmean(values))} ({form.format(min(values))} to {form.format(max(values))})"


if __name__ == "__main__":
    main()
