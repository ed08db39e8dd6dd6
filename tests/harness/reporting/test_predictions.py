"""Stored predictions give the recorded scores, and what is damaged is left out by name."""

import subprocess
import sys
from csv import DictReader
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse
from sklearn.metrics import f1_score

from datasets.storage import predictions
from datasets.storage.corpus import Corpus
from harness.analysis.inputs import RunKey
from harness.analysis.summarise import find
from harness.config.load import load
from harness.core.metric_names import DECISIONS
from harness.core.resampling import Resampling
from harness.reporting.collect import collect
from harness.reporting.data_files import csv
from harness.reporting.markdown import markdown
from harness.reporting.predictions import read_samples
from harness.reporting.status import warnings
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.predicted_trials import predict
from tests.shared import ROOT

HOW = Resampling(draws=50, swaps=50)


def fill(
    path: Path, select: str = "per_metric", with_values: bool = False
) -> tuple[Plan, dict[tuple[str, int], dict[str, float]]]:
    """Finishes every trial with made-up predictions; returns the plan and scikit-learn's scores of them."""
    plan = Plan.open(load(path))
    expected = predict(plan, plan.trials, select, with_values)
    by_place = {(one.settings.merge, one.settings.seed): expected[one.key] for one in plan.trials}
    return Plan.open(load(path)), by_place


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
    assert first.record is not None
    doc_ids = {split: corpus.doc_ids(corpus.rows(split)) for split in predictions.EVALUATED}
    arrow = {split: pa.array(ids) for split, ids in doc_ids.items()}
    kept = predictions.read(file, arrow, first.record.predictions_sha256, "the corpus")
    constant = predictions.Predictions(predictions.LabelValues.of_labels(sparse.csr_array(predicted)))
    sha256 = predictions.write(file, doc_ids, {**kept, "micro_f1": constant})
    micro = 100 * f1_score(gold, predicted, average="micro", zero_division=0)
    scores = first.record.scores | {"micro_f1": micro}
    store.finish(first.record.model_copy(update={"scores": scores, "predictions_sha256": sha256}))
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


def without(plan: Plan, path: Path, word: str) -> None:
    """Checks that the report leaves out the second trial, says why, and has the rest."""
    bad = plan.trials[1]
    inputs = collect(plan)
    assert [one.key for one in inputs.results] == [one.key for one in plan.trials if one.key != bad.key]
    runs = [("flat", one.settings.merge, one.settings.seed) for one in plan.trials]
    assert not inputs.samples["synthetic"].has(runs[1:2]) and inputs.samples["synthetic"].has([runs[0], *runs[2:]])
    (warning,) = warnings(plan)
    assert warning.startswith(f"The predictions {path} cannot be trusted: the file") and word in warning
    assert warning.endswith("Delete the file and run the sweep again; only this trial is run anew.")
    assert plan.trials[1].state == "new" and "Unfinished: 3 of 4" in markdown(find(*inputs))


@pytest.mark.parametrize("damage", ["cut", "shuffled", "changed", "short", "a label", "foreign", "other columns"])
def test_damaged_predictions_are_left_out_by_name_and_the_rest_is_reported(
    write_sweep: SweepWriter, damage: str
) -> None:
    plan, _ = fill(write_sweep(models={"flat": {}}))
    store = Store(Path(plan.sweep.store))
    path = store.folder(plan.trials[1].key) / "predictions.parquet"
    table = pq.read_table(path)
    order = np.random.default_rng(1).permutation(table.num_rows)
    turned, labels = table.take(order), table["micro_f1_labels"].to_pylist()
    labels[-1] = [0] if labels[-1] != [0] else [1]
    other = pa.array(labels, table["micro_f1_labels"].type)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "foreign":
        path.write_bytes((store.folder(plan.trials[0].key) / "predictions.parquet").read_bytes())
    else:
        kept = {
            "shuffled": turned,
            "changed": turned.set_column(0, "doc_id", table["doc_id"]),
            "short": table.slice(0, table.num_rows - 1),
            "a label": table.set_column(table.column_names.index("micro_f1_labels"), "micro_f1_labels", other),
            "other columns": table.rename_columns(["doc_id", *(f"{name}x" for name in table.column_names[1:])]),
        }[damage]
        pq.write_table(kept, path)
    documents, own = "of other documents than the test split of", "not hold the predictions that the trial made"
    without(plan, path, {"cut": "cannot be read", "shuffled": documents, "short": documents}.get(damage, own))


def test_a_record_whose_scores_are_not_those_of_its_predictions_is_left_out(write_sweep: SweepWriter) -> None:
    path = write_sweep(models={"flat": {}})
    plan, _ = fill(path)
    second = plan.trials[1].record
    assert second is not None
    plan.store.finish(second.model_copy(update={"scores": second.scores | {"macro_f1": 12.0}}))
    file = plan.store.folder(second.key) / "predictions.parquet"
    without(Plan.open(load(path)), file, "and the record says 12.0000")


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


@pytest.mark.parametrize("select", ["per_metric", "micro"])
def test_labels_by_another_decision_rule_give_its_recorded_scores(write_sweep: SweepWriter, select: str) -> None:
    path = write_sweep(models={"flat": {}}, trainer={"epochs": 2, "select": select}, decision="per_label")
    plan, at_half = fill(path, select, with_values=True)
    samples = {rule: read_samples(plan, HOW, rule)["synthetic"] for rule in DECISIONS}
    for one in plan.trials:
        assert one.record is not None
        merge, seed = one.settings.merge, one.settings.seed
        for metric, score in at_half[merge, seed].items():
            run = RunKey("flat", merge, seed)
            assert samples["0.5"].score(run, metric) == pytest.approx(score, abs=1e-9)  # type: ignore[arg-type]
            for rule, scores in one.record.decisions.items():
                assert samples[rule].score(run, metric) == pytest.approx(scores[metric], abs=1e-9)  # type: ignore
                assert scores[metric] != pytest.approx(score, abs=1e-9)
    findings = find(*collect(plan))
    rules = findings.decisions
    assert rules is not None and rules.changes.keys() == {"0.5", "validation"} and rules.num_alike == 0
    for one in findings.results:
        (planned,) = (planned for planned in plan.trials if planned.key == one.key)
        assert planned.record is not None
        assert one.scores is not None and one.scores["micro_f1"] == planned.record.decisions["per_label"]["micro_f1"]
    assert "## Decision rules" in markdown(findings)
    for row in DictReader(csv(findings).splitlines()):
        record = next(one.record for one in plan.trials if one.key == row["key"])
        assert record is not None
        for rule, scores in {**record.decisions, "0.5": record.scores}.items():
            assert float(row[f"macro_f1_by_{rule}"]) == scores["macro_f1"]


def test_a_recorded_score_of_another_rule_is_checked_too(write_sweep: SweepWriter) -> None:
    plan, _ = fill(path := write_sweep(models={"flat": {}}), with_values=True)
    second = plan.trials[1].record
    assert second is not None
    changed = {**second.decisions, "validation": {**second.decisions["validation"], "micro_f1": 12.0}}
    plan.store.finish(second.model_copy(update={"decisions": changed}))
    plan = Plan.open(load(path))
    find(*collect(plan))
    (warning,) = warnings(plan)
    assert "by validation, and the record says 12.0000" in warning


def test_trials_of_labels_alone_are_the_same_by_every_rule(write_sweep: SweepWriter) -> None:
    plan, at_half = fill(write_sweep(models={"flat": {}}))
    sample = read_samples(plan, HOW, "per_label")["synthetic"]
    for (merge, seed), scores in at_half.items():
        assert sample.score(RunKey("flat", merge, seed), "micro_f1") == pytest.approx(scores["micro_f1"], abs=1e-9)
    assert find(*collect(plan)).decisions is None
