"""How long `python -m harness.report` takes, predictions, statistics over documents and figures included.

    python -m tests.bench.report

On made-up predictions, in a temporary folder: a sweep of EURLEX57K's size, and RCV1-v2's part of Table 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy import sparse

from datasets.storage import predictions
from datasets.storage.corpus import Corpus, write
from datasets.storage.documents import CorpusSource, Document
from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import LabelValues, Predictions
from harness.config.load import load
from harness.core.environment import ROOT
from harness.stats.document_variance import Counts, score
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.bench.measure import publish, table, verdict
from tests.harness.trials.test_plan import record

MISSED, ADDED = 0.13, 0.35
"""Share of gold labels that a run misses, and labels too many that it predicts per document."""


@dataclass(frozen=True)
class Size:
    """A sweep to be reported: two models, three merges.

    Attributes:
        documents: For testing.
        labels: Of the vocabulary.
        labels_per_document: Mean.
        seeds: Of each cell.
        goal: Most seconds.
    """

    documents: int
    labels: int
    labels_per_document: float
    seeds: int
    goal: float


SIZES = {
    "EURLEX57K: 6,000 documents, 148 labels, 30 trials": Size(6_000, 148, 9.0, 5, 10.0),
    "RCV1-v2 in Table 1: 781,265 documents, 103 labels, 60 trials": Size(781_265, 103, 3.2, 10, 120.0),
}


def make(folder: Path, size: Size, seed: int = 0) -> Path:
    """Writes a corpus, a sweep file and the records and predictions of all its trials; returns the sweep file."""
    generator = np.random.default_rng(seed)
    gold = _labels(generator, size.documents, size.labels_per_document * size.documents, size.labels)
    path = folder / "made-up.yaml"
    options = {"documents": 10 * size.documents}
    corpus = {"reader": "synthetic", "label": "made up", "options": options}
    sweep = {
        "name": "made-up",
        "models": {"hiagm": {"label": "HiAGM"}, "hitin": {"label": "HiTIN"}},
        "controls": [],
        "datasets": {"corpus": corpus},
        "seeds": list(range(size.seeds)),
        "encoder": {"name": "bag"},
        "data_dir": str(folder / "data"),
        "store": str(folder / "store"),
        "tracking": f"sqlite:///{folder}/mlflow.db",
        "reports_dir": str(folder / "reports"),
    }
    path.write_text(yaml.safe_dump(sweep, sort_keys=False), "utf-8")
    place = folder / "data" / f"synthetic,documents={options['documents']}"
    hierarchy = Hierarchy([str(label) for label in range(size.labels)], [])
    write(CorpusSource(hierarchy, _documents(gold)), place, name="synthetic", options=options)
    _finish(Plan.open(load(path)), Corpus.open(place), generator)
    return path


def _documents(gold: sparse.csr_array) -> Iterator[Document]:
    yield from (Document(f"{split}0", "text", ("0",), split) for split in ("train", "val"))  # type: ignore[arg-type]
    for number in range(gold.shape[0]):
        labels = gold.indices[gold.indptr[number] : gold.indptr[number + 1]]
        yield Document(str(number), "text", tuple(map(str, labels.tolist())), "test")


def _labels(generator: np.random.Generator, num_documents: int, num: float, num_labels: int) -> sparse.csr_array:
    """Returns (N, L) with about so many labels, rarer and rarer ones, put to documents at random; all have some."""
    weights = 1 / np.arange(1, num_labels + 1)
    columns = generator.choice(num_labels, size=round(num), p=weights / weights.sum()).astype(np.int32)
    rows = generator.integers(0, num_documents, size=columns.size, dtype=np.int32)
    rows = np.concatenate([rows, np.arange(num_documents, dtype=np.int32)])
    columns = np.concatenate([columns, np.arange(num_documents, dtype=np.int32) % num_labels])
    ones = np.ones(columns.size, dtype=bool)
    found = sparse.csr_array(sparse.coo_array((ones, (rows, columns)), shape=(num_documents, num_labels)))
    found.sort_indices()
    return found


def _finish(plan: Plan, corpus: Corpus, generator: np.random.Generator) -> None:
    """Gives every trial predictions and a record."""
    test = corpus.rows("test")
    gold, store = corpus.labels(test), Store(Path(plan.sweep.store))
    doc_ids = {split: corpus.doc_ids(corpus.rows(split)) for split in predictions.EVALUATED}
    for planned in plan.trials:
        found, scores = {}, {}
        for metric in ("micro_f1", "macro_f1"):
            found[metric] = _predicted(generator, gold)
            scores[metric] = score(Counts.of(found[metric], gold), metric)
        folder = store.folder(planned.key)
        folder.mkdir(parents=True)
        said = {metric: Predictions(LabelValues.of_labels(labels)) for metric, labels in found.items()}
        sha256 = predictions.write(folder / "predictions.parquet", doc_ids, said)
        made = record(planned.key, planned.settings)
        store.finish(made.model_copy(update={"scores": scores, "predictions_sha256": sha256}))


def _predicted(generator: np.random.Generator, gold: sparse.csr_array) -> sparse.csr_array:
    kept = gold.copy()
    kept.data = generator.random(kept.nnz) >= MISSED
    kept.eliminate_zeros()
    num_documents, num_labels = gold.shape
    num = round(ADDED * num_documents)
    places: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] = (
        generator.integers(0, num_documents, num, dtype=np.int32),
        generator.integers(0, num_labels, num, dtype=np.int32),
    )
    added = sparse.coo_array((np.ones(num, dtype=bool), places), shape=gold.shape)
    predicted = sparse.csr_array(kept + sparse.csr_array(added), dtype=bool)
    predicted.sort_indices()
    return predicted


def measure(path: Path) -> tuple[float, float]:
    """Returns the seconds of a report and its process's most gigabytes."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "harness.report", str(path)], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the report of {path} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    """Measures and writes the page."""
    argparse.ArgumentParser(prog="python -m tests.bench.report", description=__doc__).parse_args()
    rows, numbers = [], {}
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            seconds, gigabytes = measure(make(Path(folder), size))
        rows.append([name, f"{seconds:.1f} s", f"{gigabytes:.2f} GB", verdict(seconds, size.goal, "{:.1f} s")])
        numbers[name] = {"seconds": seconds, "gigabytes": gigabytes}
    body = (
        "`python -m harness.report` from its start to its end, with everything in it: reading and checking "
        "predictions, statistics over documents, tables, figures. One run each, on made-up predictions.\n\n"
        + table(["sweep", "measured", "memory", "goal"], rows)
    )
    publish("report", "Reports", body, numbers, "python -m tests.bench.report")


if __name__ == "__main__":
    main()
