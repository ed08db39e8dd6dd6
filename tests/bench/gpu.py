"""What a GPU does with trials: speed, use of its arithmetic, sharing, and what Table 1 would cost.

python -m tests.bench.gpu                       # on a GPU; writes reports/bench/gpu.md
python -m tests.bench.gpu --device cpu --tiny   # the same program on a CPU; prints only
"""

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from harness.config.trainer import TrainerSettings
from harness.training.evaluate import evaluate as evaluated
from harness.training.evaluate import uses_bf16
from models import Merge
from tests.bench import workload
from tests.bench.measure import in_own_process, publish, side_by_side, table, verdict

MODELS = ("hiagm", "hitin")
MERGES: tuple[Merge, ...] = ("none", "masking", "projection")
CORPORA = {"WOS": (30_070, 7_518, 9_397), "RCV1-v2": (20_833, 2_316, 781_265), "NYT": (23_345, 5_834, 7_292)}
"""Training, validation and test documents."""

NUM_SEEDS = 10
EPOCHS = (51, 100)
"""Fewest and most: patience of 50 ends training at the earliest 50 epochs after the first."""

PAPER_OVERHEAD = 1.3
"""Training time of HiMTL over the same model without branches, as the paper reports it."""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        size: Of the encoder.
        batches: Batch sizes.
        num_documents: Made up; a multiple of every batch size, so that all batches are full.
        steps: Of training in a measurement.
        rounds: Measurements.
        matrix: Rows and columns of the matrices that tell the device's rate.
        sharing: Models whose projection is trained in several processes at once.
        processes: How many at once.
        options: Of the structure encoders; their defaults otherwise.
    """

    size: workload.Size
    batches: tuple[int, ...]
    num_documents: int
    steps: int
    rounds: int
    matrix: int
    sharing: tuple[str, ...]
    processes: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


FULL = Scale("base", (12, 64), 768, 20, 7, 8192, MODELS, (1, 2, 4))
TINY = Scale("tiny", (4,), 32, 2, 2, 512, ("hitin",), (1, 2), {"node_width": 16})


def build(scale: Scale, device: str, structure: str, merge: Merge, batch: int) -> workload.Training:
    """Returns a trial's training, on a device."""
    text, tokenizer = workload.encoder(scale.size)
    found = workload.documents("wos", scale.num_documents, tokenizer)
    model = workload.classifier(text, found, structure, merge, **scale.options)
    return workload.Training(model.to(device), found, batch)


def steps_of(training: workload.Training, num: int) -> Callable[[], None]:
    """Returns what trains on the same batches each time, and ends when the device has."""

    def train() -> None:
        training.place = 0
        training.steps(num)

    return train


def start(scale: Scale, device: str, structure: str, merge: Merge, batch: int) -> Callable[[], None]:
    """Returns the steps of a trial in a process of its own."""
    torch.set_num_threads(1)
    return steps_of(build(scale, device, structure, merge, batch), scale.steps)


def flops_of(train: Callable[[], object]) -> int:
    """Returns the floating-point operations of matrix products and attention, forwards and backwards."""
    with FlopCounterMode(display=False) as counter:
        train()
    return counter.get_total_flops()


def matrix_rate(device: str, num: int, kind: torch.dtype, repeats: int = 20) -> float:
    """Returns the most operations per second that products of (num, num) matrices reach."""
    left, right = (torch.randn(num, num, device=device, dtype=kind) for _ in range(2))
    seconds = []
    for _ in range(6):  # The first one warms up.
        wait_for(device)
        started = time.perf_counter()
        for _ in range(repeats):
            left @ right
        wait_for(device)
        seconds.append(time.perf_counter() - started)
    return 2 * num**3 * repeats / min(seconds[1:])


def wait_for(device: str) -> None:
    """Waits until the device has done all that it was told to do."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def training_rows(scale: Scale, device: str, rate: float) -> list[dict[str, Any]]:
    """Measures every model, merge and batch size; the merges of a model side by side."""
    rows = []
    for batch in scale.batches:
        for structure in MODELS:
            trainings = {merge: build(scale, device, structure, merge, batch) for merge in MERGES}
            calls = {merge: steps_of(training, scale.steps) for merge, training in trainings.items()}
            times = side_by_side(calls, scale.rounds)
            tests = side_by_side({merge: partial(evaluate, one) for merge, one in trainings.items()}, 2)
            for merge in MERGES:
                speed = scale.steps * batch / times[merge].median
                used = flops_of(calls[merge]) / times[merge].median / rate
                over = times[merge].over(times["none"])
                told = {"documents": speed, "tested": scale.num_documents / tests[merge].median, "used": used}
                rows.append({"model": structure, "merge": merge, "batch": batch, **told, "over": over})
            del trainings, calls
            gc.collect()
            torch.cuda.empty_cache()
    return rows


def evaluate(training: workload.Training) -> None:
    """Predicts and scores all documents, as a trial does after each epoch."""
    evaluated(training.model, training.split, workload.hierarchy("wos"), training.settings)


def shared_rate(scale: Scale, device: str, structure: str, batch: int, num: int) -> float:
    """Returns documents per second of several trials together, each in a process of its own."""
    begin = partial(start, scale, device, structure, "projection", batch)
    with ExitStack() as stack:
        calls = [stack.enter_context(in_own_process(begin, {})) for _ in range(num)]
        pool = stack.enter_context(ThreadPoolExecutor(num))
        times = side_by_side({"all": lambda: list(pool.map(lambda call: call(), calls))}, scale.rounds)
    return num * scale.steps * batch / times["all"].median


def hours(train_speed: float, test_speed: float, epochs: int) -> float:
    """Returns the hours of one trial on each corpus of Table 1, test documents being read twice.

    Args:
        train_speed: Documents per second in training.
        test_speed: Documents per second in evaluation.
        epochs: Of each trial.
    """
    seconds = sum(
        epochs * (train / train_speed + valid / test_speed) + 2 * test / test_speed
        for train, valid, test in CORPORA.values()
    )
    return seconds / 3600


def page(scale: Scale, rows: Sequence[dict[str, Any]], shared: Sequence[dict[str, Any]], rate: float, kind: str) -> str:
    """Returns the Markdown of the tables, with what was assumed."""
    first = scale.batches[0]
    speeds = [
        [
            f"{row['model']} {row['merge']}",
            str(row["batch"]),
            f"{row['documents']:.1f}",
            f"{100 * row['used']:.1f} %",
            f"{row['over'].median:.2f}",
            f"{row['tested']:.1f}",
        ]
        for row in rows
    ]
    sharing = [
        [row["model"], str(row["batch"]), str(row["trials"]), f"{row['documents']:.1f}", f"{row['gain']:.2f}"]
        for row in shared
    ]
    costs = {
        f"{row['model']} {row['merge']}": [NUM_SEEDS * hours(row["documents"], row["tested"], num) for num in EPOCHS]
        for row in rows
        if row["batch"] == first
    }
    costs["Table 1"] = [sum(cost) for cost in zip(*costs.values(), strict=True)]
    worst = max(row["over"].median for row in rows)
    return "\n\n".join(
        [
            "Whole training steps of the trainer itself, copies to the device included: random weights, 141 labels in "
            "7 branches, documents of 248 tokens on average, cut at 300, in batches of similar length. The device "
            f"multiplies large {kind} matrices at {rate / 1e12:.3g} TFLOP/s in this run; the used share of it counts "
            "products and attention of forward and backward passes, padding included.",
            table(
                ["", "batch", "documents/s", "used of the matrix rate", "time over none", "evaluated documents/s"],
                speeds,
            ),
            f"HiMTL takes at the worst {worst:.2f} times as long as the same model without branches. The paper's own "
            f"overhead, {verdict(worst, PAPER_OVERHEAD)}.",
            "Trials with projection in processes of their own on one device, all together:",
            table(["", "batch", "trials", "documents/s", "times one trial"], sharing),
            f"Device hours of Table 1, {NUM_SEEDS} seeds, one trial at a time at batch {first}. Assumed: the speed on "
            "WOS-like documents holds on all three corpora; a validation after each epoch; the test documents read "
            f"twice; {EPOCHS[0]} epochs at the fewest (patience 50 after a best first epoch), {EPOCHS[1]} at most.",
            table(
                ["", *(f"{num} epochs" for num in EPOCHS)],
                [[name, *(f"{cost:.1f}" for cost in found)] for name, found in costs.items()],
            ),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures everything; writes the page on a GPU, prints it elsewhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="such as cuda or cpu")
    parser.add_argument("--tiny", action="store_true", help="a small encoder and few repeats: is the program whole?")
    chosen = parser.parse_args(arguments)
    scale, device = TINY if chosen.tiny else FULL, chosen.device
    shared: list[dict[str, Any]] = []
    for structure in scale.sharing:  # First, while this process holds nothing of the device.
        for batch in scale.batches:
            for num in scale.processes:
                speed = shared_rate(scale, device, structure, batch, num)
                alone = speed if num == 1 else shared[-1]["alone"]
                told = {"model": structure, "batch": batch, "trials": num, "documents": speed}
                shared.append({**told, "alone": alone, "gain": speed / alone})
    is_bf16 = uses_bf16(torch.device(device), TrainerSettings())
    kind = torch.bfloat16 if is_bf16 else torch.float32
    rate = matrix_rate(device, scale.matrix, kind)
    rows = training_rows(scale, device, rate)
    body = page(scale, rows, shared, rate, str(kind).removeprefix("torch."))
    if torch.device(device).type != "cuda" or chosen.tiny:
        print(f"{body}\n\nThese are not GPU figures, and are not published.")
        return
    numbers = [{**row, "over": row["over"].seconds} for row in rows]
    name = torch.cuda.get_device_name()
    publish(
        "gpu",
        f"On a GPU: {name}",
        body,
        {"device": name, "matrix_rate": rate, "training": numbers, "sharing": shared},
        "python -m tests.bench.gpu",
    )


if __name__ == "__main__":
    main()
