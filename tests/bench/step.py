"""Documents per second of a whole training step, against the published programs' way of doing it.

python -m tests.bench.step
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

import numpy as np
import torch

from harness.training.memory import keep_freed_memory
from models.head_spec import HeadSpec, count
from tests.bench import reference, workload
from tests.bench.measure import Build, Times, in_processes, publish, table, verdict
from tests.bench.workload import Case

THREADS = 2
BATCH = 12
HAS_BF16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
OURS = ("ours", *(["ours in bf16"] if HAS_BF16 else []))
VARIANTS = ("published", "ours, memory as usual", *OURS)
_MEMORY_AS_USUAL = {"THP_MEM_ALLOC_ENABLE": "0"}


_INTRODUCTION = f"""\
Documents per second of a whole training step without branches: batches of {BATCH} documents of 248 tokens on
average, cut at {workload.MAX_LENGTH}, from the corpus to the updated weights, on {THREADS} threads. Tiny is a BERT of
2 layers of width 128, with nodes of 128 (HiTIN) and 300 (HiAGM); bert-base has nodes of 768.

*Published* is the published programs' way, written from its description: tokenising at every step, padding to
{workload.MAX_LENGTH}, eager attention, a word embedding that is thrown away, dense N x N (HiAGM) and block-diagonal
(HiTIN) matrices, a loop over parents for the regularisation, and an optimiser that goes from parameter to parameter;
its tokeniser is as fast as ours. With dropout off both sides compute the same loss and gradients, which a test checks.
*Ours* is the trainer's own step; *memory as usual* is the same without huge pages and with freed memory handed back.
Each variant has a process of its own, of bert-base one after the other. Ratios are medians over rounds, with
quartiles."""

_NO_BF16 = """\
This CPU has no bfloat16 arithmetic. In single precision bert-base is one long matrix product on either side, of which
padding, the last layer's unread tokens and dropout are all that can be saved; the goal for it supposes bfloat16."""

_BF16 = """\
This CPU has bfloat16 arithmetic. `precision: bf16` uses it and changes the numbers; `auto` does so on GPUs only. The
verdict is on the faster of both, since the goal for bert-base, which is one long matrix product, supposes bfloat16."""


GOALS = {"hitin": 2.5, "hiagm": 5.0}
"""Documents per second over the published program's, at least."""

_HIAGM_WEIGHTS = sum(workload.BRANCHES["wos"]) * 300 * (128 + sum(workload.BRANCHES["wos"])) / 1e6

CASES = (
    Case("tiny", "wos", "hitin", 128, steps=8, rounds=9),
    Case("tiny", "nyt", "hitin", 128, steps=8, rounds=9),
    Case("tiny", "wos", "hiagm", 300, steps=6, rounds=7),
    Case("tiny", "nyt", "hiagm", 300, steps=6, rounds=7),
    Case("base", "wos", "hitin", 768, steps=2, rounds=3),
)


def build(case: Case, variant: str) -> Callable[[], None]:
    """Returns what trains a case for some steps; made in the process that runs it."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    text, tokenizer = workload.encoder(case.size)
    found = workload.documents(case.shape, 50 * BATCH, tokenizer)
    if variant != "published":
        if variant != "ours, memory as usual":
            keep_freed_memory()
        model = workload.classifier(text, found, case.structure, "none", node_width=case.width)
        precision: Literal["fp32", "bf16"] = "bf16" if variant == "ours in bf16" else "fp32"
        return partial(workload.Training(model, found, BATCH, precision).steps, case.steps)
    spec = HeadSpec(
        found.hierarchy, count(found.hierarchy, found.split.gold), predicted=np.arange(len(found.hierarchy))
    )
    kind: Any = {"hitin": reference.DenseHiTIN, "hiagm": reference.DenseHiAGM}[case.structure]
    head = kind(spec, text.width, case.width)
    program = reference.Program(workload.config(case.size), tokenizer, workload.MAX_LENGTH, head, spec)
    optimiser = reference.optimizer(program)
    gold = torch.from_numpy(found.split.gold.toarray()).float()
    order = torch.randperm(len(found.texts)).split(BATCH)

    def train() -> None:
        for _ in range(case.steps):
            train.place = (train.place + 1) % len(order)  # type: ignore[attr-defined]
            rows = order[train.place].tolist()  # type: ignore[attr-defined]
            reference.step(program, optimiser, [found.texts[row] for row in rows], gold[rows])

    train.place = 0  # type: ignore[attr-defined]
    return train


def measure(case: Case) -> dict[str, Times]:
    """Returns the seconds of each variant."""
    builds = {name: Build(partial(build, case, name), {} if name in OURS else _MEMORY_AS_USUAL) for name in VARIANTS}
    return in_processes(builds, case.rounds, case.fits_together)


def _times(ratio: Times) -> str:
    low, high = ratio.spread
    return f"{ratio.median:.2f} ({low:.2f} to {high:.2f})"


def _limit(measured: Mapping[Case, Mapping[str, Times]]) -> str:
    """Says how far HiAGM could get at all: what is left when its head costs no more than HiTIN's."""
    sentences = []
    for case, times in measured.items():
        other = next(
            one for one in measured if (one.shape, one.size, one.structure) == (case.shape, case.size, "hitin")
        )
        if case.structure == "hiagm":
            published, left = times["published"].median / case.steps, measured[other]["ours"].median / other.steps
            sentences.append(f"on {case.shape.upper()} {published / left:.1f}×")
    return (
        "Most of what is left of a tiny HiTIN's step is the encoder. A HiAGM whose head took no longer than HiTIN's "
        f"would reach {' and '.join(sentences)}; its own multiplies {BATCH} documents with the {_HIAGM_WEIGHTS:.0f} "
        "million weights of its two large maps on WOS, forwards and backwards, and the optimiser goes over them."
    )


def main() -> None:
    """Measures every case and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.step", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this text; the page is not written")
    only = parser.parse_args().only
    rows = []
    measured: dict[Case, dict[str, Times]] = {}
    for case in CASES:
        if only not in case.name:
            continue
        times = measured[case] = measure(case)
        faster = [times["published"].over(times[name]) for name in OURS]
        speeds = [f"{BATCH * case.steps / times[name].median:.3g}" for name in VARIANTS]
        best = max(ratio.median for ratio in faster)
        goal = verdict(best, GOALS[case.structure], "{:.1f}×", at_least=True)
        rows.append([case.name, *speeds, *map(_times, faster), goal])
        print(rows[-1], flush=True)
    if not only:
        numbers = [
            {"case": asdict(case), "seconds": {name: found.seconds for name, found in times.items()}}
            for case, times in measured.items()
        ]
        head = ["documents per second", *VARIANTS, *(f"{name} over published" for name in OURS), "goal"]
        remarks = [_BF16 if HAS_BF16 else _NO_BF16, _limit(measured)]
        body = "\n\n".join([_INTRODUCTION, table(head, rows), *remarks])
        publish("step", "The training step", body, {"cases": numbers}, "python -m tests.bench.step")


if __name__ == "__main__":
    main()
