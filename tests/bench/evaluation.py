"""Evaluation at the size of RCV1-v2's test split, without the model: scores, memory, and the stored predictions.

python -m tests.bench.evaluation
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import scipy.sparse
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from datasets.storage import predictions
from datasets.storage.documents import SplitName
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import Keeper, Predictions
from datasets.storage.tokens import Tokens
from harness.config.trainer import TrainerSettings
from harness.scoring.metrics import THRESHOLD, Tally, ThresholdFree
from harness.training.evaluate import Documents
from harness.training.evaluate import evaluate as evaluated
from models.text_encoders.base import TokenBatch
from tests.bench.alone import alone
from tests.bench.measure import Build, Times, in_processes, publish, table, verdict

DOCUMENTS = 781_265
SHARE = 50
"""The published way is measured on one in so many documents."""
SHAPE = ((1, 18, 14, 1), (1, 10, 15), (1, 23, 9), (1, 4, 5))
"""Labels per level of each branch: 4 / 55 / 43 / 1 in all."""
BATCH, THREADS, ROUNDS = 256, 2, 5
SECOND_PATH, MISTAKES = 0.375, 0.3
"""Shares of documents with labels on two paths, and with one label too many or too few predicted."""
VALID = 2_315
NOISY, UNSURE = 65_521, 0.1
"""Rows of logits that documents take turns in, and the share of labels that are nearly predicted."""
MB, GB = 1e6, 1e9

Bools = npt.NDArray[np.bool_]


def hierarchy() -> Hierarchy:
    """Returns a forest with the sizes of RCV1-v2's: 103 labels in 4 branches, 4 levels deep."""
    edges, start = [], 0
    for levels in SHAPE:
        above, first = [start], start + 1
        for size in levels[1:]:
            edges += [(above[i % len(above)], first + i) for i in range(size)]
            above, first = list(range(first, first + size)), first + size
        start = first
    return Hierarchy([f"label {i}" for i in range(start)], edges)


class Answers(nn.Module):
    """Stands in for a model: the only token of a document is its number, and its labels are looked up."""

    def __init__(self, predicted: Bools, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        shape = (NOISY, predicted.shape[1])
        unsure = torch.rand(shape, generator=generator) < UNSURE
        self.noise = torch.randn(shape, generator=generator) * 2 - 8.5 + 4 * unsure
        self.device = torch.device("cpu")
        self.predicted = torch.from_numpy(predicted)
        self.heads = SimpleNamespace(probabilities=self.probabilities)

    def forward(self, tokens: TokenBatch) -> Tensor:
        return tokens.ids

    def probabilities(self, numbers: Tensor) -> Tensor:
        """Returns (B, L) as sure as a trained model: above 0.5 where predicted, and of all others few above 0.05."""
        numbers = numbers.long()
        predicted_BL, noise_BL = self.predicted[numbers], self.noise[numbers % len(self.noise)]
        high_BL, low_BL = (noise_BL + 13).clamp(min=0.01), noise_BL.clamp(max=-0.01)
        return torch.where(predicted_BL, high_BL, low_BL).sigmoid()


def corpus(num: int) -> tuple[Hierarchy, Answers, Documents]:
    """Returns labels, a model's answers, and documents with about 3.2 closed labels each."""
    torch.set_num_threads(THREADS)
    graph = hierarchy()
    generator = np.random.default_rng(0)
    inner = generator.permutation(np.flatnonzero(graph.levels > 1))
    odds = 1 / np.arange(1, len(inner) + 1)
    first, second = generator.choice(inner, size=(2, num), p=odds / odds.sum())
    second = np.where(generator.random(num) < SECOND_PATH, second, first)
    gold = graph.ancestors[first] | graph.ancestors[second]
    predicted = gold.copy()
    wrong = np.flatnonzero(generator.random(num) < MISTAKES)
    predicted[wrong, generator.integers(len(graph), size=len(wrong))] ^= True
    # Lengths do not matter to anything but the order, and one token each keeps the documents' order.
    tokens = Tokens(None, np.arange(num, dtype=np.int32), np.arange(num + 1))  # type: ignore[arg-type]
    return graph, Answers(predicted), Documents(tokens, np.arange(num), scipy.sparse.csr_array(gold))


def batches(answers: Answers, split: Documents) -> Iterator[Tensor]:
    """Yields the probabilities of one batch after the other."""
    for start in range(0, len(split.rows), BATCH):
        yield answers.probabilities(torch.from_numpy(split.rows[start : start + BATCH]))


def ours(num: int) -> Callable[[], dict[str, float]]:
    """The trainer's `evaluate`."""
    graph, answers, split = corpus(num)
    return lambda: evaluate(graph, answers, split)


def evaluate(graph: Hierarchy, answers: Any, split: Documents) -> dict[str, float]:
    """Returns all the scores of a test split, and keeps its probabilities."""
    return evaluated(answers, split, graph, TrainerSettings(), keeper=Keeper())


def dense(num: int) -> Callable[[], dict[str, float]]:
    """Two calls of scikit-learn on whole matrices."""
    _, answers, split = corpus(num)

    def work() -> dict[str, float]:
        predicted = np.concatenate([(one > THRESHOLD).numpy() for one in batches(answers, split)])
        gold = split.gold.toarray()
        return {
            f"{average}_f1": 100 * f1_score(gold, predicted, average=average, zero_division=0)
            for average in ("micro", "macro")
        }

    return work


def published(num: int) -> Callable[[], dict[str, float]]:
    """Lists of numbers, loops over documents and labels, and an N x N table that is never read."""
    graph, answers, split = corpus(num)

    def work() -> dict[str, float]:
        probabilities: list[list[float]] = []
        for one in batches(answers, split):
            probabilities.extend(one.tolist())
        gold = [labels.tolist() for labels in np.split(split.gold.indices, split.gold.indptr[1:-1])]
        return loops(probabilities, gold, len(graph))

    return work


def loops(probabilities: list[list[float]], gold: list[list[int]], num: int) -> dict[str, float]:
    """Returns micro and macro F1, counted as the published programs do, written from their description."""
    confusion = [[0] * num for _ in range(num)]
    right, predicted, true = [0] * num, [0] * num, [0] * num
    for row, labels in zip(probabilities, gold, strict=True):
        values = np.array(row, dtype=np.float32)
        ordered = np.argsort(-values)
        chosen = [ordered[place] for place in range(num) if values[ordered[place]] > THRESHOLD]
        for line in confusion:
            for label in chosen:
                line[label] += 1
        for label in labels:
            true[label] += 1
            right[label] += sum(label == one for one in chosen)
        for label in chosen:
            predicted[label] += 1
    f1s = [2 * r / (p + t) if r else 0.0 for r, p, t in zip(right, predicted, true, strict=True)]
    return {
        "micro_f1": 100 * 2 * sum(right) / (sum(predicted) + sum(true)),
        "macro_f1": 100 * sum(f1s) / num,
    }


VARIANTS: dict[str, tuple[Callable[[int], Callable[[], dict[str, float]]], int]] = {
    "published": (published, DOCUMENTS // SHARE),
    "scikit-learn": (dense, DOCUMENTS),
    "ours": (ours, DOCUMENTS),
}


def parts() -> dict[str, float]:
    """Returns the seconds that the parts of one evaluation take."""
    graph, answers, split = corpus(DOCUMENTS)
    names = [
        "gold labels and tokens of each batch",
        "the stand-in for the model",
        "counting",
        "areas under curves",
    ]
    seconds = dict.fromkeys(names, 0.0)

    def timed(name: str, call: Any) -> Any:
        def work(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                seconds[name] += time.perf_counter() - started

        return work

    batch, model, counting, areas = names
    answers.heads = SimpleNamespace(probabilities=timed(model, answers.probabilities))
    with (
        mock.patch.object(Documents, "batch", timed(batch, Documents.batch)),
        mock.patch.object(Tally, "add", timed(counting, Tally.add)),
        mock.patch.object(ThresholdFree, "add", timed(areas, ThresholdFree.add)),
    ):
        started = time.perf_counter()
        evaluate(graph, answers, split)
        whole = time.perf_counter() - started
    return {**seconds, "the rest: thresholds, the sparse predictions": whole - sum(seconds.values()), "all": whole}


def written() -> dict[str, int]:
    """Returns the bytes of the predictions of two best epochs as the harness stores them, by column."""
    _, answers, split = corpus(DOCUMENTS)
    numbers = np.sort(np.random.default_rng(1).choice(810_936 - 26_151, DOCUMENTS, replace=False)) + 26_151
    doc_ids: dict[SplitName, list[str]] = {
        "val": [str(number) for number in range(2_286, 2_286 + VALID)],
        "test": [str(number) for number in numbers],
    }
    predicted = {}
    for seed, metric in enumerate(("micro_f1", "macro_f1")):
        # Another epoch is nearly as sure of nearly the same labels.
        answers = Answers(answers.predicted.numpy(), seed)
        valid, test = Keeper(), Keeper()
        for batch in batches(answers, split):
            test.add(batch.numpy())
        valid.add(answers.probabilities(torch.arange(VALID)).numpy())
        predicted[metric] = Predictions(test.kept(), valid.kept(), "probabilities")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        predictions.write(path, doc_ids, predicted)
        stored = pq.read_metadata(path)
        groups = [stored.row_group(i) for i in range(stored.num_row_groups)]
        columns = [group.column(i) for group in groups for i in range(group.num_columns)]
        size = {"file": path.stat().st_size, "labels": 0, "probabilities": 0, "document ids and splits": 0}
        for column in columns:
            name = {"labels": "labels", "values": "probabilities"}.get(
                column.path_in_schema.partition(".")[0].rpartition("_")[2], "document ids and splits"
            )
            size[name] += column.total_compressed_size
    return size


def page(times: dict[str, Times], peaks: dict[str, int], split: dict[str, float], size: dict[str, int]) -> str:
    """Returns the Markdown of the page."""
    rows = []
    for name, (_, num) in VARIANTS.items():
        scale = DOCUMENTS / num
        low, high = times[name].spread
        one_in = f", 1 in {SHARE}, scaled" if scale > 1 else ""
        what = {"published": "2", "scikit-learn": "2", "ours": "9, and the sparse probabilities"}[name]
        seconds = f"{scale * times[name].median:.1f} ({scale * low:.1f} to {scale * high:.1f})"
        rows.append([name + one_in, what, seconds, f"{scale * peaks[name] / MB:,.0f}"])
    graph, _, documents = corpus(DOCUMENTS)
    mean = documents.gold.nnz / DOCUMENTS
    goals = [
        ["seconds beside the model", verdict(times["ours"].median, 20, "{:.1f}")],
        ["GB beside the model", verdict(peaks["ours"] / GB, 1, "{:.2f}")],
        ["MB of two best epochs' predictions, document ids included", verdict(size["file"] / MB, 25, "{:.1f}")],
    ]
    return "\n\n".join(
        [
            f"{DOCUMENTS:,} documents, {len(graph)} labels in 4 branches and {graph.levels.max()} levels, {mean:.2f} "
            "gold labels a document, closed; made up. A table of answers stands in for the model, and each variant "
            f"turns its probabilities, {BATCH} documents at a time, into scores. *Published* is what the published "
            "programs do: lists of numbers, Python loops, and an N x N table that nobody reads; it ran on a share of "
            "the documents, and time and memory, both linear in their number, are scaled. *scikit-learn* is "
            "`f1_score`, micro and macro, on the whole dense matrices. *Ours* is the trainer's `evaluate` as of a test "
            "split, areas under hierarchical precision-recall curves included. Wherever "
            "two variants saw the same documents their scores were equal to 1e-9 points.",
            table(["", "scores", f"seconds, median of {ROUNDS} (quartiles)", "peak memory, MB"], rows),
            "Peaks are above what the process held before: documents, gold labels, answers.",
            "## Goals",
            table(["", "goal"], goals),
            "## Where our time goes, in seconds, one run",
            table(["part", "seconds"], [[name, f"{value:.2f}"] for name, value in split.items()]),
            "## The stored predictions of two best epochs, in MB",
            table(["part", "MB"], [[name, f"{value / MB:.2f}"] for name, value in size.items()]),
            "Document ids are numbers as in RCV1-v2, in order; 2,315 validation documents are among them. Two best "
            "epochs that are the same one are stored once.",
        ]
    )


def check() -> None:
    """Fails where variants disagree on the same documents."""
    for name, num in (("published", DOCUMENTS // SHARE), ("scikit-learn", DOCUMENTS)):
        theirs, mine = VARIANTS[name][0](num)(), ours(num)()
        assert all(abs(mine[score] - value) < 1e-9 for score, value in theirs.items()), (name, theirs, mine)


def main() -> None:
    """Compares the variants and writes the page."""
    check()
    builds = {name: Build(partial(prepare, num)) for name, (prepare, num) in VARIANTS.items()}
    times = in_processes(builds, ROUNDS, together=True)
    peaks = {name: alone(partial(prepare, num), 300).peak for name, (prepare, num) in VARIANTS.items()}
    split, size = parts(), written()
    body = page(times, peaks, split, size)
    numbers = {
        "documents": {name: num for name, (_, num) in VARIANTS.items()},
        "seconds": {name: found.seconds for name, found in times.items()},
        "peak_bytes": peaks,
        "parts_seconds": split,
        "predictions_bytes": size,
    }
    publish("evaluation", "Evaluation at RCV1 size", body, numbers, "python -m tests.bench.evaluation")


if __name__ == "__main__":
    main()
