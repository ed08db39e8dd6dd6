"""Compares variants side by side in one run and writes what came out: a page and its numbers.

Every round calls each variant once, in a new random order, so that a machine whose speed drifts slows
all of them alike. Ratios are taken within a round; a median over rounds is what is quoted.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.environment import ROOT, environment

REPORTS = ROOT / "reports" / "bench"


@dataclass(frozen=True)
class Times:
    """Seconds of one variant, a value per round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)

    def over(self, other: "Times") -> "Times":
        """Returns the ratio to another variant, round by round."""
        return Times(tuple(mine / theirs for mine, theirs in zip(self.seconds, other.seconds, strict=True)))


@dataclass(frozen=True)
class Build:
    """How a variant is made in a process of its own.

    Attributes:
        make: Makes the variant, in that process.
        variables: Environment variables from the process's start.
    """

    make: Callable[[], Callable[[], object]]
    variables: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> AbstractContextManager[Callable[[], None]]:
        """Starts the process, which lives as long as the context."""
        return in_own_process(self.make, self.variables)


def side_by_side(variants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, Times]:
    """Returns the wall seconds of each variant.

    Args:
        variants: What to time, by name; each call is one measurement and must end when its work has.
        rounds: Measurements of each.
        warm_up: Calls of each before the first measurement.
    """
    for call in variants.values():
        for _ in range(warm_up):
            call()
    return _in_rounds(list(variants), rounds, lambda name: _seconds(variants[name]))


def in_processes(builds: Mapping[str, Build], rounds: int, together: bool) -> dict[str, Times]:
    """Returns the wall seconds of variants that each run in a process of their own, after a first call each.

    Args:
        builds: What to time, by name.
        rounds: Measurements of each.
        together: Whether the processes live side by side, as long as the rounds last; otherwise each measurement
            has a process of its own, for variants that do not fit into memory together.
    """
    if together:
        with ExitStack() as stack:
            return side_by_side({name: stack.enter_context(build.start()) for name, build in builds.items()}, rounds)

    def measure(name: str) -> float:
        with builds[name].start() as call:
            call()
            return _seconds(call)

    return _in_rounds(list(builds), rounds, measure)


def _in_rounds(names: Sequence[str], rounds: int, measure: Callable[[str], float]) -> dict[str, Times]:
    generator = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in generator.permutation(names).tolist():
            seconds[name].append(measure(name))
    return {name: Times(tuple(values)) for name, values in seconds.items()}


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


@contextmanager
def in_own_process(
    build: Callable[[], Callable[[], object]], variables: Mapping[str, str]
) -> Iterator[Callable[[], None]]:
    """Yields a variant that runs in a process of its own, with its own environment and memory.

    Args:
        build: Makes the variant, in that process.
        variables: Environment variables from the process's start.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    before = dict(os.environ)
    os.environ.update(variables)
    process = context.Process(target=_serve, args=(build, there), daemon=True)
    process.start()
    os.environ.clear()
    os.environ.update(before)
    there.close()

    def call() -> None:
        here.send(None)
        here.recv()  # Raises EOFError where the process has died.

    here.recv()
    try:
        yield call
    finally:
        here.close()
        process.join()


def _serve(build: Callable[[], Callable[[], object]], pipe: Connection) -> None:
    variant = build()
    pipe.send(None)
    try:
        while True:
            pipe.recv()
            variant()
            pipe.send(None)
    except EOFError:
        return


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table, its first column on the left and the others on the right."""
    rule = [":--", *("--:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def verdict(value: float, goal: float, form: str = "{:.2f}", at_least: bool = False) -> str:
    """Says whether a goal is met, and by how much not."""
    is_met = value >= goal if at_least else value <= goal
    words = f"{'at least' if at_least else 'at most'} {form.format(goal)}"
    return f"{words}: {'met' if is_met else f'**missed** ({form.format(value)})'}"


def publish(name: str, title: str, body: str, numbers: Mapping[str, Any], command: str, folder: Path = REPORTS) -> Path:
    """Prints a page and writes it beside its numbers, both with the machine they were measured on.

    Args:
        name: Of the files.
        title: Heading of the page.
        body: Markdown: what was compared, tables, goals.
        numbers: Everything that was measured, for the JSON file.
        command: Makes the page again.
        folder: Where to.

    Returns:
        The path of the page.
    """
    facts = environment()
    machine = f"{facts['cpu']}, Python {facts['python']}, torch {facts['torch']}, commit {facts['commit']}"
    page = f"# {title}\n\n{body.strip()}\n\nMeasured on {machine}, by `{command}`.\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(page, "utf-8")
    document = {"command": command, "environment": facts, **numbers}
    path.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(page)
    return path
