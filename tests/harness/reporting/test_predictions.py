"""Stored predictions give the recorded scores, and what is damaged is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage.corpus import Corpus
from harness.analysis.summarise import find
from harness.config.load import load
from harness.core.errors import StoreError
from harness.core.resampling import Resampling
from harness.reporting.collect import collect
from harness.reporting.predictions import read_samples
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.trials.test_plan import record
from tests.shared import ROOT

HOW = Resampling(draws=50, swaps=50)


def fill(path: Path, select: str = "per_metric") -> tuple[Plan, dict[tuple[str, int], dict[str, float]]]:
    """Finishes every trial with made-up predictions; returns the plan and scikit-learn's scores of them."""
    plan = Plan.open(load(path))
    corpus = Corpus.open(Path(plan.sweep.data_dir) / plan.trials[0].settings.corpus)
    test = corpus.rows("test")
    gold, store, rng = corpus.labels(test), Store(Path(plan.sweep.store)), np.random.default_rng(0)
    expected = {}
    for planned in plan.trials:
        columns = {"doc_id": pa.array(corpus.doc_ids(test))}
        predicted = {}
        for metric in ("micro_f1", "macro_f1"):
            labels = sparse.csr_array(gold.toarray() ^ (rng.random(gold.shape) < 0.02))
            labels.sort_indices()
            columns[f"{metric}_labels"] = pa.ListArray.from_arrays(
                labels.indptr.astype(np.int32), labels.indices.astype(np.int32)
            )
            predicted[metric] = labels.toarray()
        scores = {
            metric: 100
            * f1_score(
                gold.toarray(),
                predicted[metric if select == "per_metric" else f"{select}_f1"],
                average=metric[:5],
                zero_division=0,
            )
            for metric in predicted
        }
        folder = store.folder(planned.key)
        folder.mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / "predictions.parquet")
        made = record(planned.key, planned.settings)
        store.finish(made.model_copy(update={"scores": scores, "predictions_sha256": planned.key}))
        expected[planned.settings.merge, planned.settings.seed] = scores
    return Plan.open(load(path)), expected


@pytest.mark.parametrize("select", ["per_metric", "macro"])
def test_each_metric_is_counted_on_its_own_best_epoch(write_sweep: SweepWriter, select: str) -> None:
    path = write_sweep(models={"flat": {}}, trainer={"epochs": 2, "select": select})
    plan, expected = fill(path, select)
    sample = read_samples(plan, HOW)["synthetic"]
    for (merge, seed), scores in expected.items():
        for metric, score in scores.items():
            assert sample.score(("flat", merge, seed), metric) == pytest.approx(score, abs=1e-9)
    assert len(sample.labels) == sample.support_L.size
    assert find(*collect(plan)).control_comparisons == ()


@pytest.mark.parametrize("labels", [[], [0, 3]])
def test_a_run_that_predicts_the_same_for_every_document_has_collapsed(
    write_sweep: SweepWriter, labels: list[int]
) -> None:
    plan, _ = fill(path := write_sweep(models={"flat": {}}))
    assert {cell.num_collapsed for row in find(*collect(plan)).rows for cell in row.cells} == {0}
    corpus = Corpus.open(Path(plan.sweep.data_dir) / plan.trials[0].settings.corpus)
    gold = corpus.labels(corpus.rows("test")).toarray()
    predicted = np.zeros_like(gold)
    predicted[:, labels] = True
    store, (first, *_) = Store(Path(plan.sweep.store)), plan.trials
    file = store.folder(first.key) / "predictions.parquet"
    table = pq.read_table(file)
    lists = pa.array([labels] * len(gold), table["micro_f1_labels"].type)
    pq.write_table(table.set_column(table.column_names.index("micro_f1_labels"), "micro_f1_labels", lists), file)
    assert first.record is not None
    micro = 100 * f1_score(gold, predicted, average="micro", zero_division=0)
    scores = first.record.scores | {"micro_f1": micro}
    store.finish(first.record.model_copy(update={"scores": scores}))
    rows = find(*collect(Plan.open(load(path)))).rows
    assert {(row.merge, place): cell.num_collapsed for row in rows for place, cell in enumerate(row.cells)} == {
        ("none", 0): 1,
        ("none", 1): 0,
        ("projection", 0): 0,
        ("projection", 1): 0,
    }


def test_a_report_counts_documents_as_a_sample(write_sweep: SweepWriter) -> None:
    plan, _ = fill(write_sweep(models={"flat": {}}, seeds=[1, 2, 3]))
    for item in find(*collect(plan)).comparisons:
        assert item.documents is not None
        assert item.documents.crossed.error > item.test.error
    assert all(item.documents is None for item in find(*collect(plan, is_interim=True)).comparisons)


def test_a_report_of_predictions_loads_neither_torch_nor_ray(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}}, seeds=[1, 2, 3])
    plan, _ = fill(path)
    code = (
        "import sys; from harness.report import main; main([sys.argv[1]])\n"
        "print('loaded', sorted({'torch', 'ray', 'mlflow', 'transformers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "loaded []" in run.stdout, run.stdout + run.stderr
    text = (Path(plan.sweep.reports_dir) / "tiny.md").read_text("utf-8")
    assert "95 % CI: over seeds and test documents" in text and "(runs)" not in text and "tiny-seeds.png" in text


def test_predictions_that_are_gone_leave_the_rest(write_sweep: SweepWriter) -> None:
    plan, _ = fill(write_sweep(models={"flat": {}}))
    first = plan.trials[0]
    (Store(Path(plan.sweep.store)).folder(first.key) / "predictions.parquet").unlink()
    sample = read_samples(plan, HOW)["synthetic"]
    runs = [("flat", one.settings.merge, one.settings.seed) for one in plan.trials]
    assert not sample.has(runs) and sample.has(runs[1:])


@pytest.mark.parametrize("damage", ["cut", "shuffled", "changed"])
def test_damaged_predictions_are_refused(write_sweep: SweepWriter, damage: str) -> None:
    plan, _ = fill(write_sweep(models={"flat": {}}))
    path = Store(Path(plan.sweep.store)).folder(plan.trials[1].key) / "predictions.parquet"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        table = pq.read_table(path)
        order = np.random.default_rng(1).permutation(table.num_rows)
        turned = table.take(order)
        kept = turned if damage == "shuffled" else turned.set_column(0, "doc_id", table["doc_id"])
        pq.write_table(kept, path)
    words = {"cut": "cannot be read", "shuffled": "of other documents", "changed": "and the record says"}[damage]
    with pytest.raises(StoreError, match=words):
        read_samples(plan, HOW)


def test_groups_of_labels_are_counted_on_what_a_trial_was_trained_on(write_sweep: SweepWriter) -> None:
    counted = {}
    for documents in (0, 60):
        synthetic = {"synthetic": {"options": {"documents": 600}, "train_documents": documents}}
        plan, _ = fill(write_sweep(models={"flat": {}}, datasets=synthetic, name=f"of{documents}"))
        corpus = Corpus.open(Path(plan.sweep.data_dir) / plan.trials[0].settings.corpus)
        trained = corpus.labels(corpus.training_rows(documents)).toarray().sum(0)
        tested = corpus.labels(corpus.rows("test")).toarray().sum(0)
        sizes = {"frequent": trained >= 50, "few": (trained > 0) & (trained < 50), "zero": trained == 0}
        expected = {name: (int(one.sum()), int((one & (tested > 0)).sum())) for name, one in sizes.items() if one.any()}
        assert find(*collect(plan)).facts.dataset_facts["synthetic"].label_groups == expected
        counted[documents] = expected
    assert counted[0] != counted[60], "a subset has fewer frequent labels"
