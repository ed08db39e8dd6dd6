"""One trial from settings to record, whatever its kind: once only, and with every kind of failure told apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import f1_score

from datasets.storage import predictions
from datasets.storage.corpus import Corpus
from datasets.storage.label_groups import label_groups
from harness.config.load import load
from harness.core.errors import StoreError, UserError
from harness.scoring.decisions import decide
from harness.scoring.metrics import Tally
from harness.training import run as runner
from harness.training import trained
from harness.trials.identity import identity
from harness.trials.plan import Plan
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.training.small_trials import FAST, planned, ran


def test_the_record_follows_from_the_stored_predictions(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    one = planned(write_sweep, trainer={**FAST, "epochs": 6})
    store = Store(tmp_path / "s")
    record = ran(one, data_dir, store)
    corpus = Corpus.open(data_dir / one.settings.corpus)
    rows = corpus.rows("test")
    gold = corpus.labels(rows).toarray()
    ids = {split: pa.array(corpus.doc_ids(corpus.rows(split))) for split in predictions.EVALUATED}
    file = store.folder(one.key) / "predictions.parquet"
    kept = predictions.read(file, ids, record.predictions_sha256, "the corpus")
    gold_valid = corpus.labels(corpus.rows("val"))
    assert record.decisions.keys() == {"validation", "per_label"}
    for metric in ("micro_f1", "macro_f1"):
        predicted = kept[metric].test.above(0.5, gold.shape[1]).toarray()
        for rule, scores in record.decisions.items():
            labels = decide(rule, kept[metric], gold_valid).toarray()  # type: ignore[arg-type]
            expected = 100 * f1_score(gold, labels, average=metric[:5], zero_division=0)
            assert scores[metric] == pytest.approx(expected)
        groups = label_groups(corpus.labels(corpus.rows("train")).toarray().sum(0))
        tally = Tally(corpus.hierarchy, groups)
        tally.add(predicted, gold)
        assert tally.scores()[metric] == record.scores[metric]
        assert {"frequent", "few"} <= groups.keys()
        assert record.selected[metric].items() >= tally.scores().items()
        assert record.selected[metric].keys() - tally.scores().keys() == {"epoch", "hier_f1_auc"}
    # The best epochs are those of the validation scores, never of the test's.
    history = store.history(one.key)
    for metric in ("micro_f1", "macro_f1"):
        valid = [entry[f"valid_{metric}"] for entry in history]
        assert record.selected[metric]["epoch"] == 1 + int(np.argmax(valid))
        assert record.scores[f"valid_{metric}"] == max(valid)


def test_nan_is_a_failed_trial_with_its_reason(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep, trainer={**FAST, "encoder_lr": 1e38, "head_lr": 1e38, "clip_norm": 1e38})
    store = Store(tmp_path / "s")
    runner.run(one.settings, one.key, data_dir, store)
    failure = store.failure(one.key)
    assert failure is not None and failure.kind == "non_finite"
    assert "The training loss is nan in epoch" in failure.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (KeyError("boom"), "error"),
    ],
)
def test_failures_are_told_apart_and_logged(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    kind: str,
) -> None:
    def raise_it(*_: Any) -> None:
        raise error

    monkeypatch.setattr(trained, "fit", raise_it)
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    runner.run(one.settings, one.key, data_dir, store)
    failure = store.failure(one.key)
    assert failure is not None and failure.kind == kind and failure.message.startswith(type(error).__name__)
    assert "Traceback" in (store.folder(one.key) / "trial.log").read_text("utf-8")
    assert Plan.open(load(write_sweep(store=str(tmp_path / "s")))).of_state("failed")[0].key == one.key


def test_a_trial_that_keeps_killing_its_worker_ends_as_failed(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    for _ in range(runner.MAX_ATTEMPTS):
        store.start_attempt(one.key)
    runner.run(one.settings, one.key, data_dir, store)
    failure = store.failure(one.key)
    assert failure is not None and failure.kind == "infrastructure" and "died 3 times" in failure.message


def test_data_that_the_plan_did_not_see_is_refused(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    other = identity(one.settings, "another fingerprint")
    with pytest.raises(UserError, match="is not the one that the plan saw"):
        runner.run(one.settings, other, data_dir, store)
    assert store.state(other) == "new", "prepared anew, it can run"


def test_a_full_disk_is_nobodys_failed_trial(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Exception("No space left on device (os error 28)")

    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(runner.predictions, "write", full)
        with pytest.raises(StoreError, match="is full; free some of it, and go on"):
            runner.run(one.settings, one.key, data_dir, store)
    assert store.state(one.key) == "new"
    ran(one, data_dir, store)


def test_a_finished_trial_is_not_run_again(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    first = ran(one, data_dir, store)
    assert ran(one, data_dir, store) == first
