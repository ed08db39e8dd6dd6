"""Statistics over documents at the size of RCV1-v2's test split: 10,000 resamples of 781,265 documents, 103 labels.

python -m tests.bench.resampling
"""

import argparse
import resource
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import sparse

from harness.core.resampling import Resampling
from harness.stats.document_sample import DocumentSample
from harness.stats.document_variance import Counts, crossed, score
from harness.stats.resampling import bootstrap, randomisation, seed_of
from tests.bench.measure import publish, side_by_side, table, verdict

DOCUMENTS, LABELS, SEEDS, RESAMPLES, ROUNDS = 781_265, 103, 5, 10_000, 3
MISSED, ADDED = 0.13, 0.35
"""Share of gold labels that a run misses, and labels too many that it predicts per document."""
GOALS = {"micro": 6.0, "macro": 15.0, "crossed": 40.0}
MEMORY = 1.5
"""GB."""

_INTRODUCTION = f"""\
{RESAMPLES:,} resamples of {DOCUMENTS:,} documents with 3.2 of {LABELS} labels each, whose frequencies fall as those of
RCV1-v2 do. *micro* and *macro* are the paired bootstrap and approximate randomisation of one pair of runs; *crossed* is
the interval over seeds and documents of both metrics for {SEEDS} seeds of two systems, with the sums over bins. Medians
of {ROUNDS} rounds, on two cores."""

_REMARKS = """\
Micro F is resampled exactly, as documents with equal counts are drawn as one pattern; macro F in 4,000 random bins.
Peak memory is the whole process's, inputs included."""


def runs(num_documents: int, num_runs: int) -> tuple[list[Counts], npt.NDArray[np.int64]]:
    """Returns so many runs of equally good systems on the same documents, and each label's documents."""
    generator = np.random.default_rng(0)
    weights = 1 / np.arange(1, LABELS + 1)
    gold = _labels(generator, num_documents, 3.2 * num_documents, weights)
    found = []
    for _ in range(num_runs):
        kept = gold.copy()
        kept.data = generator.random(kept.nnz) >= MISSED
        kept.eliminate_zeros()
        predicted = kept + _labels(generator, num_documents, ADDED * num_documents, weights)
        found.append(Counts.of(sparse.csr_array(predicted, dtype=bool), gold))
    return found, gold.sum(0, dtype=np.int64)


def _labels(
    generator: np.random.Generator, num_documents: int, num: float, weights: npt.NDArray[np.float64]
) -> sparse.csr_array:
    """Returns (N, L) with about so many labels, drawn by weight and put to documents at random."""
    columns = generator.choice(LABELS, size=round(num), p=weights / weights.sum()).astype(np.int32)
    rows = generator.integers(0, num_documents, size=columns.size, dtype=np.int32)
    ones = np.ones(columns.size, dtype=bool)
    return sparse.csr_array(sparse.coo_array((ones, (rows, columns)), shape=(num_documents, LABELS)))


def jobs(num_documents: int, num_resamples: int) -> dict[str, Callable[[], object]]:
    """Returns what is timed, by name."""
    found, support = runs(num_documents, 2 * SEEDS)
    pair = found[:2]

    def test(metric: str) -> tuple[float, float]:
        drawn = bootstrap(pair, metric, seed_of(0, "bench"), num_resamples)
        p = randomisation([(pair[0], pair[1])], metric, seed_of(0, "bench"), num_resamples)
        return float((drawn[0] - drawn[1]).std()), p

    def cross() -> list[tuple[float, float]]:
        counts = {number: {"micro_f1": one, "macro_f1": one} for number, one in enumerate(found)}
        names = [str(label) for label in range(LABELS)]
        sample = DocumentSample("bench", counts, names, support, Resampling(draws=num_resamples))
        weights = {number: (1 - 2 * (number % 2)) / SEEDS for number in counts}
        intervals = []
        for metric in ("micro_f1", "macro_f1"):
            scores = np.array([score(one, metric) for one in found])
            variance = sample.variance(metric, weights)
            intervals.append(crossed([scores[::2] - scores[1::2]], [variance]).interval())
        return intervals

    return {"micro": partial(test, "micro_f1"), "macro": partial(test, "macro_f1"), "crossed": cross}


def main() -> None:
    """Measures and writes the page."""
    argparse.ArgumentParser(prog="python -m tests.bench.resampling", description=__doc__).parse_args()
    times = side_by_side(jobs(DOCUMENTS, RESAMPLES), ROUNDS, warm_up=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    rows = [
        [
            name,
            f"{found.median:.1f} s ({found.spread[0]:.1f} to {found.spread[1]:.1f})",
            verdict(found.median, goal, "{:.1f} s"),
        ]
        for (name, found), goal in zip(times.items(), GOALS.values(), strict=True)
    ]
    rows.append(["peak memory", f"{peak:.2f} GB", verdict(peak, MEMORY, "{:.2f} GB")])
    body = f"{_INTRODUCTION}\n\n{table(['job', 'measured', 'goal'], rows)}\n\n{_REMARKS}"
    numbers = {"seconds": {name: asdict(found) for name, found in times.items()}, "peak_gb": peak}
    publish("resampling", "Statistics over documents", body, numbers, "python -m tests.bench.resampling")


if __name__ == "__main__":
    main()
