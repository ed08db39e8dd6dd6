"""What branches cost: a whole training step of HiMTL over the same model without branches.

python -m tests.bench.overhead
"""

import argparse
import time
from dataclasses import asdict, replace
from functools import partial
from typing import Any, get_args

import numpy as np
import torch

from harness.training.memory import keep_freed_memory
from models import Merge
from tests.bench import workload
from tests.bench.alone import alone
from tests.bench.gpu import flops_of
from tests.bench.measure import Build, Times, in_processes, publish, table, verdict
from tests.bench.workload import Case

THREADS = 2
BATCH = 12
MERGES: tuple[Merge, ...] = get_args(Merge)
VARIANTS: tuple[tuple[Merge, bool], ...] = (
    ("none", False),
    ("projection", False),
    ("projection", True),
    ("masking", False),
    ("masking", True),
)
"""Merge, and whether its heads run one after the other."""

OWN_CALLS = 4
"""Measurements of the heads' own time, of a case's steps each, after a first one."""

GOALS = {"tiny": {"projection": 0.03, "masking": 0.10}, "base": {"projection": 0.02, "masking": 0.02}}


_INTRODUCTION = f"""\
The time of a whole training step with branch heads over that of the same model without branches, in the same round:
batches of {BATCH} documents of 248 tokens on average on {THREADS} threads in single precision. Tiny is a BERT of
2 layers of width 128, with nodes of 128 (HiTIN) and 300 (HiAGM); bert-base has nodes of 768. *Looped* runs one head
after the other; both ways give the same numbers, which tests check in training and in evaluation. Medians over
rounds, with quartiles."""

_REMARKS = """\
The paper reports about +30 % on a GPU. Per cent are of a step that is several times as short as the published one (see
step.md): the same milliseconds would be a third as many per cent there."""

_ARITHMETIC = """\
What the model itself asks for beyond the model without branches, counted and not timed: parameters, each of which the
optimiser reads and writes at every step, and floating-point operations of matrix products, the encoder's included.
No implementation can do with less. Masking trains n heads on the whole hierarchy. Under projection a branch of WOS is
a star; the coding trees of its seven stars have 79 clusters between them, where that of the whole hierarchy has 7, so
that HiTIN passes messages through eleven times as many nodes."""


_OWN = """\
The text encoder's part of a step is the same code on the same documents with and without branches, and is nearly all of
it at bert-base size, where each measurement needs a process of its own: there the whole steps above also differ by how
the machine fared meanwhile. So the parts that do differ were timed inside the step: the heads, from the text vectors to
their gradient, and AdamW's update. Medians over steps, in ms, and what they add to a whole step without branches."""


CASES = (
    Case("tiny", "wos", "hitin", 128, steps=6, rounds=15),
    Case("tiny", "rcv1", "hitin", 128, steps=6, rounds=15),
    Case("tiny", "nyt", "hitin", 128, steps=6, rounds=15),
    Case("tiny", "wos", "hiagm", 300, steps=3, rounds=9),
    Case("tiny", "nyt", "hiagm", 300, steps=3, rounds=9),
    Case("base", "wos", "hitin", 768, steps=2, rounds=4),
)


def build(case: Case, merge: Merge, is_looped: bool) -> Any:
    """Returns what trains a case for some steps; made in the process that runs it."""
    keep_freed_memory()
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    text, tokenizer = workload.encoder(case.size)
    found = workload.documents(case.shape, 50 * BATCH, tokenizer)
    model = workload.classifier(text, found, case.structure, merge, is_looped, node_width=case.width)
    return partial(workload.Training(model, found, BATCH).steps, case.steps)


def measure(case: Case) -> dict[str, Times]:
    """Returns the seconds of each variant, by merge, `looped` behind it where heads run one after the other."""
    builds = {
        f"{merge} looped" if is_looped else merge: Build(partial(build, case, merge, is_looped))
        for merge, is_looped in VARIANTS
    }
    return in_processes(builds, case.rounds, case.fits_together)


def arithmetic(case: Case) -> dict[str, tuple[int, int]]:
    """Returns, by merge, the parameters and the operations of the products of a case's training step."""
    counts = {}
    for merge in MERGES:
        train = build(replace(case, steps=1), merge, is_looped=False)
        parameters = train.func.__self__.model.parameters()
        counts[merge] = sum(parameter.numel() for parameter in parameters), flops_of(train)
    return counts


def own_seconds(case: Case, merge: Merge) -> tuple[float, float]:
    """Returns the median seconds of a step that the heads take, forward to backward, and that the update takes."""
    train = build(case, merge, is_looped=False)
    training = train.func.__self__
    stamps: dict[str, list[float]] = {name: [] for name in ("heads", "gradient", "update", "updated")}

    def stamp(name: str) -> None:
        stamps[name].append(time.perf_counter())

    def at_heads(_: Any, inputs: Any) -> None:
        stamp("heads")
        inputs[0].register_hook(lambda _: stamp("gradient"))

    training.model.heads.register_forward_pre_hook(at_heads)
    training.optimizer.register_step_pre_hook(lambda *_: stamp("update"))
    training.optimizer.register_step_post_hook(lambda *_: stamp("updated"))
    for _ in range(1 + OWN_CALLS):
        train()
    heads, gradient, update, updated = (np.array(times)[case.steps :] for times in stamps.values())
    return float(np.median(gradient - heads)), float(np.median(updated - update))


def _growth(counts: dict[str, tuple[int, int]], merge: Merge) -> list[str]:
    return [f"{100 * (mine / base - 1):+.1f} %" for mine, base in zip(counts[merge], counts["none"], strict=True)]


def _own(mine: tuple[float, float], base: tuple[float, float], step: float) -> str:
    heads, update = (1000 * seconds for seconds in mine)
    return f"{heads:.0f} + {update:.0f}, {100 * (sum(mine) - sum(base)) / step:+.1f} %"


def _percent(ratio: Times) -> str:
    low, high = ratio.spread
    return f"{100 * (ratio.median - 1):+.1f} % ({100 * (low - 1):+.1f} to {100 * (high - 1):+.1f})"


def main() -> None:
    """Measures every case and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overhead", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this text; the page is not written")
    only = parser.parse_args().only
    rows, grown, own_rows, numbers = [], [], [], []
    for case in CASES:
        if only not in case.name:
            continue
        times = measure(case)
        ratios = {name: found.over(times["none"]) for name, found in times.items() if name != "none"}
        goals = [
            f"{merge}: " + verdict(100 * (ratios[merge].median - 1), 100 * goal, "{:+.1f} %")
            for merge, goal in GOALS[case.size].items()
        ]
        milliseconds = f"{1000 * times['none'].median / case.steps:.0f}"
        rows.append([case.name, milliseconds, *(_percent(ratio) for ratio in ratios.values()), "; ".join(goals)])
        print(rows[-1], flush=True)
        # In a process that ends, so that its models do not take memory from what is timed next.
        counts = alone(partial(partial, arithmetic, case), seconds=600).result
        grown.append([case.name, *_growth(counts, "projection"), *_growth(counts, "masking")])
        own = {merge: alone(partial(partial, own_seconds, case, merge), seconds=600).result for merge in MERGES}
        step = times["none"].median / case.steps
        own_rows.append([case.name, *(_own(own[merge], own["none"], step) for merge in MERGES)])
        print(own_rows[-1], flush=True)
        seconds = {name: found.seconds for name, found in times.items()}
        numbers.append({"case": asdict(case), "seconds": seconds, "parameters and operations": counts, "own": own})
    if not only:
        head = ["encoder, model, shape of corpus and its branches", "none, ms", *ratios, "goal"]
        asked = [
            "",
            *(f"{merge}: {what}" for merge in ("projection", "masking") for what in ("parameters", "operations")),
        ]
        parts = [_INTRODUCTION, table(head, rows), _REMARKS, _OWN, table(["", *MERGES], own_rows)]
        body = "\n\n".join([*parts, _ARITHMETIC, table(asked, grown)])
        publish("overhead", "What branches cost", body, {"cases": numbers}, "python -m tests.bench.overhead")


if __name__ == "__main__":
    main()
