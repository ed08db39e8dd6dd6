"""A kind of trial is one function: what it returns becomes a whole record, and what it raises a failure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.sparse

from datasets.storage.corpus import Corpus
from datasets.storage.documents import SplitName
from datasets.storage.predictions import LabelValues, Predictions
from harness.config.load import load
from harness.scoring.metrics import Tally
from harness.training import run as runner
from harness.training import trained
from harness.training.kinds import Context, Kind, Measured
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record, Store
from tests.conftest import SweepWriter

Score = dict[str, float]


def scored(corpus: Corpus, split: SplitName, labels: np.ndarray) -> tuple[Score, np.ndarray]:
    """Returns the scores of predicting the same labels for every document of a split, and the predictions."""
    gold = corpus.labels(corpus.rows(split)).toarray()
    predicted = np.tile(labels, (len(gold), 1))
    tally = Tally(corpus.hierarchy)
    tally.add(predicted, gold)
    return tally.scores(), predicted


def constant(context: Context) -> Measured:
    """Predicts, for every document, the labels that a quarter of the training documents carry."""
    corpus = context.corpus
    frequent = corpus.labels(corpus.rows("train")).toarray().mean(0) > 0.25
    valid, _ = scored(corpus, "val", frequent)
    test, predicted = scored(corpus, "test", frequent)
    headline = {metric: test[metric] for metric in ("micro_f1", "macro_f1")}
    entry = {"epoch": 1.0, "valid_micro_f1": valid["micro_f1"]}
    context.on_epoch(entry)
    context.log.info(f"{int(frequent.sum())} labels")
    return Measured(
        scores=headline | {f"valid_{metric}": valid[metric] for metric in headline},
        selected={metric: {"epoch": 1, **test} for metric in headline},
        predicted={
            metric: Predictions(LabelValues.of_labels(scipy.sparse.csr_array(predicted))) for metric in headline
        },
        history=[entry],
        train_seconds=0.25,
        num_parameters={"labels": int(frequent.sum())},
        peak_memory_mb=1.5,
        facts={"kind": "constant"},
    )


def set_kind(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    monkeypatch.setattr(trained, "measure", kind)


@pytest.fixture
def one(write_sweep: SweepWriter) -> PlannedTrial:
    return Plan.open(load(write_sweep())).trials[0]


def test_a_constant_predictor_leaves_a_record_that_follows_from_its_predictions(
    one: PlannedTrial, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_kind(monkeypatch, constant)
    store, heard = Store(tmp_path / "s"), []
    runner.run(one.settings, one.key, data_dir, store, heard.append)
    record = store.record(one.key)
    assert isinstance(record, Record) and store.state(one.key) == "done"
    corpus = Corpus.open(data_dir / one.settings.corpus)
    gold = corpus.labels(corpus.rows("test")).toarray()
    table = pq.read_table(store.folder(one.key) / "predictions.parquet")
    assert table.column("doc_id").to_pylist() == corpus.doc_ids(corpus.rows("test"))
    lists = table.column("micro_f1_labels").to_pylist()
    assert lists == table.column("macro_f1_labels").to_pylist() and len(set(map(tuple, lists))) == 1
    predicted = np.zeros_like(gold)
    predicted[:, lists[0]] = True
    right = (predicted & gold).sum(0)
    f1 = 2 * right / np.maximum(1, predicted.sum(0) + gold.sum(0))
    assert record.scores["micro_f1"] == pytest.approx(200 * right.sum() / (predicted.sum() + gold.sum()))
    assert record.scores["macro_f1"] == pytest.approx(100 * f1.mean()) and 0 < record.scores["macro_f1"] < 50
    assert record.num_parameters == {"labels": len(lists[0])} and record.environment["kind"] == "constant"
    assert (record.num_epochs, record.train_seconds, record.peak_memory_mb, record.attempts) == (1, 0.25, 1.5, 1)
    assert heard == store.history(one.key) == [{"epoch": 1.0, "valid_micro_f1": record.scores["valid_micro_f1"]}]
    assert f"{len(lists[0])} labels" in (store.folder(one.key) / "trial.log").read_text("utf-8")


def test_equal_predictions_have_one_hash_and_others_another(
    one: PlannedTrial, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_label(context: Context) -> Measured:
        measured = constant(context)
        corpus = context.corpus
        none = scipy.sparse.csr_array((len(corpus.rows("test")), len(corpus.hierarchy)), dtype=bool)
        return replace(measured, predicted=dict.fromkeys(measured.predicted, Predictions(LabelValues.of_labels(none))))

    hashes = []
    for number, kind in enumerate((constant, constant, no_label)):
        store = Store(tmp_path / str(number))
        with monkeypatch.context() as patch:
            set_kind(patch, kind)
            runner.run(one.settings, one.key, data_dir, store)
        record = store.record(one.key)
        assert record is not None
        hashes.append(record.predictions_sha256)
    assert hashes[0] == hashes[1] != hashes[2]


def test_what_a_kind_raises_is_its_failure_and_none_is_a_wish_for_the_device(
    one: PlannedTrial, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divides(context: Context) -> Measured:
        raise ZeroDivisionError("by nothing")

    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        set_kind(patch, divides)
        runner.run(one.settings, one.key, data_dir, store)
    failure = store.failure(one.key)
    assert failure is not None and (failure.kind, failure.message) == ("error", "ZeroDivisionError: by nothing")
    set_kind(monkeypatch, lambda context: None)
    store = Store(tmp_path / "other")
    runner.run(one.settings, one.key, data_dir, store)
    assert store.state(one.key) == "new" and store.wants_device_alone(one.key)
