"""How the heads grow with the number of labels: parameters, time of a training step, memory.

python -m tests.bench.growth
"""

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import nn

from datasets.storage.hierarchy import Hierarchy
from harness.training import memory
from harness.training.memory import keep_freed_memory
from models import STRUCTURE_ENCODERS, Merge
from models.branch_heads import BranchHeads
from models.head_spec import LabelFacts
from models.structure_encoders.hitin.coding_tree import coding_tree
from tests.bench import growth_counts, growth_figure
from tests.bench.alone import alone
from tests.bench.growth_counts import BRANCHES, CHILDREN, balanced
from tests.bench.measure import REPORTS, publish, table

LABELS = (100, 300, 1_000, 3_000, 10_000)
BATCH, TEXT_WIDTH, THREADS = 16, 128, 2
MODELS: dict[str, dict[str, int]] = {"hiagm": {"node_width": 32}, "hitin": {"node_width": 64}, "flat": {}}
MERGES: tuple[Merge, ...] = get_args(Merge)
GIB = 2**30
_MOST_STEPS, _MOST_SECONDS = 10, 10.0
_PATIENCE_SECONDS = 240.0


@dataclass(frozen=True)
class Cell:
    """One point of every curve.

    Attributes:
        model: Structure encoder.
        merge: Of its heads.
        labels: Of the hierarchy.
        parameters: Of the heads.
        bound: Bytes that a trial of them needs at least; it is refused where there are fewer.
        step_seconds: Forward, backward and optimiser, a median; None where it was refused or died.
        peak: Bytes that the heads and their training steps took at most; likewise.
    """

    model: str
    merge: Merge
    labels: int
    parameters: int
    bound: int
    step_seconds: float | None = None
    peak: int | None = None


def heads(
    hierarchy: Hierarchy, model: str, merge: Merge, text_width: int, options: dict[str, int], foreign_rows: bool = False
) -> BranchHeads:
    """Returns branch heads with made-up priors."""
    kind = STRUCTURE_ENCODERS[model].load()
    facts = LabelFacts(
        np.full(len(hierarchy.edges), 1 / CHILDREN, dtype=np.float32), np.ones(len(hierarchy), dtype=np.int64)
    )
    reduction: Any = "mean_local" if merge == "projection" else "mean_global"
    return BranchHeads(
        hierarchy,
        facts,
        lambda heads: kind(heads, text_width, **options),
        merge=merge,
        branch_reduction=reduction,
        foreign_rows=foreign_rows,
    )


def train(build: Callable[[], BranchHeads]) -> list[float]:
    """Makes heads and takes training steps; returns the seconds of each but the first."""
    made = build()
    optimizer = torch.optim.AdamW(made.parameters(), fused=True)
    text_BD = torch.randn(BATCH, TEXT_WIDTH, requires_grad=True)
    gold_BL = (torch.rand(BATCH, made.num_labels) < 3 / made.num_labels).float()
    seconds: list[float] = []
    while len(seconds) <= 2 or (len(seconds) <= _MOST_STEPS and sum(seconds) < _MOST_SECONDS):
        started = time.perf_counter()
        optimizer.zero_grad()
        made.loss(made(text_BD), gold_BL).backward()
        nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def prepare(model: str, merge: Merge, labels: int) -> Callable[[], list[float]]:
    """Returns the training of a cell's heads; everything that comes before is imported and made."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    keep_freed_memory()
    hierarchy = balanced(labels, BRANCHES)
    hierarchy.branches()
    warm = partial(heads, balanced(30, BRANCHES), model, merge, TEXT_WIDTH, MODELS[model])
    train(warm)  # What libraries set up once is not the heads'.
    return partial(train, partial(heads, hierarchy, model, merge, TEXT_WIDTH, MODELS[model]))


def measure(model: str, merge: Merge, labels: int, there: int) -> Cell:
    """Returns a cell, measured in a process of its own if it is not refused."""
    build = partial(heads, balanced(labels, BRANCHES), model, merge, TEXT_WIDTH, MODELS[model])
    need = memory.need(memory.unallocated(build))
    cell = Cell(model, merge, labels, need.num_parameters, need.device + need.cpu)
    if cell.bound > there:
        return cell
    outcome = alone(partial(prepare, model, merge, labels), _PATIENCE_SECONDS)
    if outcome.result is None:
        return cell
    return Cell(**{**asdict(cell), "step_seconds": float(np.median(outcome.result)), "peak": outcome.peak})


def tree_seconds(labels: int) -> tuple[float, float]:
    """Returns the seconds that HiTIN's coding trees take: of the whole hierarchy, and of all branches."""
    hierarchy = balanced(labels, BRANCHES)
    branches = [hierarchy.sub(branch) for branch in hierarchy.branches()]
    started = time.perf_counter()
    coding_tree(hierarchy, 2)
    between = time.perf_counter()
    for branch in branches:
        coding_tree(branch, 2)
    return between - started, time.perf_counter() - between


def page(cells: Sequence[Cell], trees: Sequence[tuple[float, float]], there: int) -> str:
    """Returns the Markdown of the page."""
    by_curve: dict[str, list[Cell]] = {}
    for cell in cells:
        by_curve.setdefault(f"{growth_figure.NAMES[cell.model]}, {cell.merge}", []).append(cell)

    def words(cell: Cell, value: float | None, form: str) -> str:
        if value is not None:
            return form.format(value)
        return f"refused ({cell.bound / GIB:.0f} GiB)" if cell.bound > there else "no memory left"

    def rows(form: str, read: Callable[[Cell], float | None]) -> list[list[str]]:
        return [[name, *(words(cell, read(cell), form) for cell in curve)] for name, curve in by_curve.items()]

    head = [f"{num:,} labels" for num in LABELS]
    steps = rows("{:,.1f}", lambda cell: cell.step_seconds and 1e3 * cell.step_seconds)
    peaks = rows("{:,.0f}", lambda cell: cell.peak and cell.peak / 2**20)
    built = [
        ["whole hierarchy: none, masking", *(f"{whole:.2f}" for whole, _ in trees)],
        ["branches: projection", *(f"{parts:.2f}" for _, parts in trees)],
    ]
    measured = [cell for cell in cells if cell.peak is not None]
    ratios = [cell.peak / cell.bound for cell in measured if cell.peak is not None and cell.bound > GIB / 4]
    refused = sum(cell.bound > there for cell in cells)
    return "\n\n".join(
        [
            f"Heads alone, without a text encoder: batch {BATCH}, text width {TEXT_WIDTH}, node widths of the quick "
            f"start (HiAGM {MODELS['hiagm']['node_width']}, HiTIN {MODELS['hitin']['node_width']}), on made-up "
            f"hierarchies of {BRANCHES} branches in which a label has up to {CHILDREN} children; {THREADS} threads, "
            "fp32. Each cell ran in a process of its own. A step is forward, backward, clipping and AdamW; memory is "
            "the most that making the heads and training them took, above what the process held before.",
            "![Growth with the number of labels](growth.svg)",
            f"Refused is what the harness would refuse before training here, where {there / GIB:.1f} GiB are: a trial "
            "holds each parameter six times, as weight, gradient, two moments and the best weights by two metrics. "
            f"{refused} of {len(cells)} cells are refused. Where that is above 0.25 GiB, the steps measured here, "
            f"for which no best weights are kept, peaked at {min(ratios):.2f} to {max(ratios):.2f} of it; weights, "
            "gradients and moments alone are 0.67.",
            "## Parameters of the heads, in millions",
            table(["", *head], rows("{:,.2f}", lambda cell: cell.parameters / 1e6)),
            "## A training step of the heads, in milliseconds",
            table(["", *head], steps),
            "## Peak memory of the heads and their training, in MB",
            table(["", *head], peaks),
            "## HiTIN's coding trees, in seconds, once a trial",
            table(["", *head], built),
            f"## At the sizes of Table 1: parameters in millions (text width {growth_counts.TEXT_WIDTH})",
            "Node widths 300 (HiAGM) and 768 (HiTIN), counted without allocating anything; hierarchies with the "
            "corpora's branch sizes, for EURLEX57K 21 equal branches. Under masking a head has no classifier rows for "
            "labels of other branches, unless `foreign_rows` builds them, as the paper does.",
            growth_counts.published_sizes(heads),
            "## Equation 4: projection's parameters in shares of those of one head, predicted and counted",
            "Equation 4 of the paper gives heads for n equal, disjoint branches 1/n of the parameters that are "
            "quadratic in the labels. For any branches that is Σ V_i² / V²; what is linear in them has Σ V_i / V, and "
            "HiTIN's layers are there once per branch. Where branches overlap the sums can exceed 1: projection then "
            "has more parameters than one head. In the DAGs the first branches share a part of the labels, and each "
            "branch has half as many other labels as the one before it. The last columns are counted, at the widths "
            "above.",
            growth_counts.equation_4(heads),
        ]
    )


def main() -> None:
    """Measures every cell, smallest first, and writes the page, the figure and the numbers behind it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--most", type=int, default=LABELS[-1], help="labels; with fewer nothing is written")
    most = parser.parse_args().most
    there = memory.cpu_memory()
    cells = []
    for model in MODELS:
        for merge in MERGES:
            for labels in LABELS:
                if labels <= most:
                    cells.append(measure(model, merge, labels, there))
                    print(cells[-1], flush=True)
    trees = [tree_seconds(labels) for labels in LABELS]
    if most < LABELS[-1]:
        return
    numbers = [asdict(cell) for cell in cells]
    body = page(cells, trees, there)
    publish("growth", "Growth with the number of labels", body, {"cells": numbers}, "python -m tests.bench.growth")
    write(numbers, there, REPORTS)


def write(numbers: Sequence[dict[str, Any]], there: int, folder: Path) -> None:
    """Writes `growth.csv` and the figure that it is behind."""
    with (folder / "growth.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, numbers[0])
        writer.writeheader()
        writer.writerows(numbers)
    growth_figure.draw(numbers, there, folder)


if __name__ == "__main__":
    main()
