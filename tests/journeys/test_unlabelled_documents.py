"""Documents without any label, branches that most documents have nothing in, and a branch of one label."""

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from datasets.prepare import prepare
from datasets.storage.corpus import Corpus
from harness.config.load import load
from harness.training import run as runner
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter

LABELS = ("a1", "a2", "b1", "b2", "lone", "", "", "")


def corpus_of(folder: Path) -> Path:
    """Writes 480 documents whose words say their label; of eight, three have none, one is alone in its branch."""
    stream = np.random.RandomState(0)
    rows = []
    for number in range(480):
        label = LABELS[number % 8]
        own = [f"{label or 'none'}word{place}" for place in stream.randint(5, size=6)]
        words = stream.permutation([*own, *(f"any{place}" for place in stream.randint(40, size=6))])
        split = "train" if number < 320 else "val" if number < 400 else "test"
        rows.append({"text": " ".join(words), "labels": [label] if label else [], "split": split})
    folder.mkdir()
    (folder / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "taxonomy.tsv").write_text("Root\ta\tb\tlone\na\ta1\ta2\nb\tb1\tb2\n")
    return folder


@pytest.mark.parametrize("merge", ["none", "masking", "projection"])
def test_they_are_learned_as_what_they_are(write_sweep: SweepWriter, tmp_path: Path, merge: str) -> None:
    data_dir = tmp_path / "data"
    prepare("jsonl", corpus_of(tmp_path / "source"), {}, data_dir)
    path = write_sweep(
        models={"flat": {}},
        merges=["none", "masking", "projection"],
        datasets={"jsonl": {}},
        data_dir=str(data_dir),
        encoder={"name": "bag", "options": {"width": 16, "vocabulary": 300, "max_length": 40}},
        trainer={"epochs": 15, "batch_size": 16, "encoder_lr": 0.05, "head_lr": 0.05},
    )
    one = next(one for one in Plan.open(load(path)).trials if one.settings.cell[1] == merge and one.settings.seed == 1)
    store = Store(tmp_path / "store")
    runner.run(one.settings, one.key, data_dir, store)
    record = store.record(one.key)
    assert record is not None, store.failure(one.key)
    assert record.scores["micro_f1"] > 95 and record.scores["macro_f1"] > 95
    corpus = Corpus.open(data_dir / "jsonl")
    gold = corpus.labels(corpus.rows("test"))
    table = pq.read_table(store.folder(one.key) / "predictions.parquet")
    column = next(name for name in ("micro_f1_values", "macro_f1_values") if name in table.column_names)
    rows = table.filter(pc.equal(table["split"], "test"))[column].to_pylist()
    predicted = [sum(value > 0.5 for value in values) for values in rows]
    empty = np.flatnonzero(gold.sum(axis=1) == 0)
    assert len(empty) == 30 and sum(predicted[place] > 0 for place in empty) <= 1
    # A document without gold counts as 0 in the mean over documents: 50 of 80 are all that can be reached.
    assert 90 * 50 / 80 < record.scores["hier_f1"] <= 100 * 50 / 80
