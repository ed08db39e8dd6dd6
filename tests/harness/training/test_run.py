"""One trial from settings to record: the same bits again, learning, and every kind of failure."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import harness.trial as trial_door
from datasets.prepare import prepare
from datasets.storage.corpus import Corpus
from datasets.storage.label_groups import label_groups
from harness.config.load import load
from harness.core.errors import StoreError, UserError
from harness.training import build, trained
from harness.training import run as runner
from harness.training.build import Data, open_corpus
from harness.training.checkpoint import Checkpoint
from harness.training.metrics import Tally
from harness.training.train import seed_everything
from harness.trials.identity import identity
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Record, Store
from tests.conftest import SweepWriter
from tests.harness.learning import assert_learnt

FAST = {"epochs": 2, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.01}


def planned(write_sweep: SweepWriter, model: str = "hiagm", merge: str = "projection", **changes: Any) -> PlannedTrial:
    plan = Plan.open(load(write_sweep(**changes)))
    return next(one for one in plan.trials if one.settings.cell[:2] == (model, merge))


def ran(one: PlannedTrial, data_dir: Path, store: Store) -> Record:
    runner.run(one.settings, one.key, data_dir, store)
    record = store.record(one.key)
    assert record is not None, store.failure(one.key)
    return record


def test_the_same_bits_first_and_later_in_a_process(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep)
    first = ran(one, data_dir, Store(tmp_path / "a"))
    torch.manual_seed(999)
    for model, merge in (("flat", "none"), ("hiagm", "none")):
        ran(planned(write_sweep, model, merge), data_dir, Store(tmp_path / "a"))
    again = ran(one, data_dir, Store(tmp_path / "b"))
    assert first.predictions_sha256 == again.predictions_sha256
    assert first.scores == again.scores
    histories = [Store(tmp_path / name).history(one.key) for name in "ab"]
    losses = [[entry["train_loss"] for entry in history] for history in histories]
    assert losses[0] == losses[1] and len(losses[0]) == 2


def test_another_seed_gives_other_bits_but_the_same_encoder_start(write_sweep: SweepWriter, data_dir: Path) -> None:
    plan = Plan.open(load(write_sweep()))
    data = Data.open(plan.trials[0].settings, open_corpus(data_dir / plan.trials[0].settings.corpus))
    weights = {}
    for one in plan.trials:
        seed_everything(one.settings.seed)
        model = build.build(one.settings, data, torch.device("cpu"))
        weights[one.settings.cell, one.settings.seed] = model.text_encoder.state_dict()["embedding.weight"]
    by_seed = {seed: [w for (_, s), w in weights.items() if s == seed] for seed in (1, 2)}
    assert all(torch.equal(by_seed[1][0], other) for other in by_seed[1])
    assert not torch.equal(by_seed[1][0], by_seed[2][0])


class Killed(BaseException):
    """Takes a trial down as a signal would: nothing may catch it."""


# Read anew every 25 batches, HiMatch's labels are next read in the middle of an epoch of 14, the second and the fourth.
HIMATCH = {"node_width": 4, "match_width": 8, "refresh": 25}


@pytest.mark.parametrize(
    ("model", "merge", "options"),
    [
        ("hiagm", "projection", {"node_width": 4}),
        ("himatch", "projection", HIMATCH),
        ("gradient_routing", "none", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_trial_goes_on_and_ends_in_the_same_bits(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    merge: str,
    options: dict[str, Any],
) -> None:
    models, trainer = {model: {"options": options}}, {**FAST, "epochs": 4}
    one = planned(write_sweep, model, merge, models=models, merges=[merge], trainer=trainer)
    whole = ran(one, data_dir, Store(tmp_path / "whole"))
    monkeypatch.setattr(trained, "Checkpoint", lambda folder: Checkpoint(folder, every_seconds=0))
    store = Store(tmp_path / "killed")
    seen: list[float] = []

    def kill_in_epoch_3(entry: dict[str, float]) -> None:
        seen.append(entry["epoch"])
        if entry["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        runner.run(one.settings, one.key, data_dir, store, kill_in_epoch_3)
    assert store.state(one.key) == "new"
    runner.run(one.settings, one.key, data_dir, store, lambda entry: seen.append(entry["epoch"]))
    record = store.record(one.key)
    assert record is not None and seen == [1, 2, 3, 3, 4]
    assert record.predictions_sha256 == whole.predictions_sha256 and record.scores == whole.scores
    assert record.attempts == 2
    assert [entry["epoch"] for entry in store.history(one.key)] == [1, 2, 3, 4]
    # Predictions of so small a model may be the same after other steps; losses are not.
    histories = [folder.history(one.key) for folder in (Store(tmp_path / "whole"), store)]
    losses = [[entry["train_loss"] for entry in history] for history in histories]
    assert losses[0] == losses[1] and len(set(losses[0])) == 4
    assert not list(store.folder(one.key).glob("checkpoint*")), "a finished trial keeps no checkpoint"


def test_labels_are_described_once_by_their_own_training_documents(write_sweep: SweepWriter, data_dir: Path) -> None:
    calls: list[list[str]] = []

    def write(labels: Sequence[str], texts: Iterable[str], gold: Any) -> list[str]:
        read, dense = list(texts), gold.toarray()
        calls.append(read)
        assert dense.shape == (len(read), len(labels))
        return [read[own.argmax()] if own.any() else name for name, own in zip(labels, dense.T, strict=True)]

    trial = planned(write_sweep, "flat", "projection").settings.model_copy(update={"train_documents": 300})
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    rows, gold = data.splits["train"].rows, data.splits["train"].gold.toarray()
    for _ in range(2):
        heads = build.build(trial, data, torch.device("cpu")).heads.structure.heads
        for head in heads:
            described = head.facts.describe(write)
            assert len(described) == len(head.hierarchy)
            for name, pieces in zip(head.hierarchy.labels, described, strict=True):
                own = gold[:, data.corpus.hierarchy.index[name]]
                first = data.tokens.gather(rows[own.argmax()][None])[0].tolist()
                assert pieces.tolist() == (first if own.any() else data.tokens.tokenizer.encode(name).ids)
    assert calls == [list(data.corpus.texts(rows))], "what one trial has made serves the next"


BAG = {"name": "bag", "options": {"width": 64, "vocabulary": 2000}}
WORDS = {"word_width": 32, "hidden": 24, "min_count": 2, "max_length": 30, "word_dropout": 0.2}


@pytest.mark.parametrize(
    ("model", "merge", "encoder"),
    [
        ("hiagm", "masking", BAG),
        pytest.param("tree_lstm", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("hiagm_la", "projection", BAG, marks=pytest.mark.slow),
        ("hitin", "projection", BAG),
        pytest.param("hiagm_two_layers", "masking", BAG, marks=pytest.mark.slow),
        pytest.param("hitin_tall", "masking", BAG, marks=pytest.mark.slow),
        pytest.param("hitin_global", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("himatch_reachable", "none", BAG, marks=pytest.mark.slow),
        pytest.param("gat", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("gatv2", "masking", BAG, marks=pytest.mark.slow),
        ("himatch", "projection", BAG),
        ("gradient_routing", "none", BAG),
        ("flat", "none", BAG),
        ("c_hmcnn", "projection", BAG),
        pytest.param("c_hmcnn", "none", BAG, marks=pytest.mark.slow),
        pytest.param("champ", "masking", BAG, marks=pytest.mark.slow),
        ("conditional_sigmoid", "projection", BAG),
        pytest.param("conditional_softmax", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("hiagm_max_constraint", "none", BAG, marks=pytest.mark.slow),
        ("hmcn", "projection", BAG),
        pytest.param("hmcn_r", "none", BAG, marks=pytest.mark.slow),
        ("hmgdn", "masking", BAG),
        pytest.param("hybrid_loss", "none", BAG, marks=pytest.mark.slow),
        pytest.param("random", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("copies", "projection", BAG, marks=pytest.mark.slow),
        pytest.param(
            *("flat", "none", {"name": "textrcnn", "options": {**WORDS, "channels": 24}}), marks=pytest.mark.slow
        ),
        pytest.param(
            *("flat", "none", {"name": "lstm", "options": {**WORDS, "pooling": "mean"}}), marks=pytest.mark.slow
        ),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else value,
)
def test_it_learns_by_a_wide_margin(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, model: str, merge: str, encoder: dict[str, Any]
) -> None:
    """Against predicting, for every document, the labels that more than a quarter of them carry."""
    prepare("synthetic", None, {}, data_dir)
    small = {"node_width": 8, "logit_dropout": 0.0}
    levels = {"width": 32, "dropout": 0.2}
    one = planned(
        write_sweep,
        model,
        merge,
        models={
            "hiagm": {"options": small},
            "tree_lstm": {"model": "hiagm", "options": {**small, "structure": "tree_lstm"}},
            "hiagm_la": {"options": {**small, "node_width": 16}},
            "hiagm_two_layers": {"model": "hiagm", "options": {**small, "layers": 2}},
            "gat": {"options": small},
            "gatv2": {"model": "gat", "options": {**small, "attention": "gatv2"}},
            "hitin": {"options": {"node_width": 32}},
            "hitin_tall": {"model": "hitin", "options": {"node_width": 32, "tree_height": 3}},
            "hitin_global": {"model": "hitin", "options": {"node_width": 32, "tree": "global"}},
            "himatch": {"options": {"node_width": 8, "match_width": 32}},
            "himatch_reachable": {
                "model": "himatch",
                "options": {"node_width": 8, "match_width": 32, "margins": "reachable"},
            },
            "gradient_routing": {"merges": ["none"]},
            "flat": {},
            "c_hmcnn": {"options": {"node_width": 128, "dropout": 0.2}},
            "champ": {"model": "flat", "objective": {"name": "champ"}},
            "conditional_sigmoid": {"model": "flat", "objective": {"name": "conditional_sigmoid"}},
            "conditional_softmax": {
                "model": "hiagm",
                "options": small,
                "objective": {"name": "conditional_softmax", "options": {"tau": 0.5}},
            },
            "hiagm_max_constraint": {"model": "hiagm", "options": small, "objective": {"name": "max_constraint"}},
            "hmcn": {"options": levels},
            "hmcn_r": {"model": "hmcn", "options": {**levels, "form": "r"}},
            "hmgdn": {},
            "hybrid_loss": {"options": levels},
            "random": {"model": "hiagm", "options": small, "split": "random"},
            "copies": {"model": "hiagm", "options": small, "split": "copies"},
        },
        merges=["none", "masking", "projection"],
        datasets={"synthetic": {}},
        encoder=encoder,
        trainer={**FAST, "epochs": {"textrcnn": 4, "lstm": 8}.get(encoder["name"], 6), "head_lr": 0.02},
    )
    record = ran(one, data_dir, Store(tmp_path / "s"))
    assert_learnt(record, data_dir / one.settings.corpus)


def test_the_record_follows_from_the_stored_predictions(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path
) -> None:
    one = planned(write_sweep, trainer={**FAST, "epochs": 6})
    store = Store(tmp_path / "s")
    record = ran(one, data_dir, store)
    corpus = Corpus.open(data_dir / one.settings.corpus)
    rows = corpus.rows("test")
    gold = corpus.labels(rows).toarray()
    table = pq.read_table(store.folder(one.key) / "predictions.parquet")
    assert table.column("doc_id").to_pylist() == corpus.doc_ids(rows)
    for metric in ("micro_f1", "macro_f1"):
        predicted = np.zeros_like(gold)
        for place, labels in enumerate(table.column(f"{metric}_labels").to_pylist()):
            predicted[place, labels] = True
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


def test_every_trial_trains_on_the_same_subset(write_sweep: SweepWriter, data_dir: Path) -> None:
    trial = planned(write_sweep).settings.model_copy(update={"train_documents": 100})
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    corpus, subset = data.corpus, data.splits["train"]
    assert len(subset.rows) == 100 == len(set(subset.rows)) and set(subset.rows) <= set(corpus.rows("train"))
    assert np.array_equal(subset.rows, Data.open(trial, open_corpus(data_dir / trial.corpus)).splits["train"].rows)
    assert len(data.splits["test"].rows) == len(corpus.rows("test"))


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


def test_the_entry_point_runs_what_is_missing(write_sweep: SweepWriter, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep()
    arguments = [str(path), "--filter", "model=flat", "seed=1"]
    assert trial_door.main(arguments) == 0
    output = capsys.readouterr().out
    assert output.count('"epoch": 2') == 2 and "2 of 2 trials done, 0 failed" in output
    assert trial_door.main(arguments) == 0
    assert '"epoch"' not in capsys.readouterr().out
    record = Store(Path(load(path).store)).record(Plan.open(load(path), arguments[2:]).selected[0].key)
    assert record is not None and json.loads(record.model_dump_json())["settings"]["model"] == "flat"


def test_a_full_disk_is_nobodys_failed_trial(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise Exception("No space left on device (os error 28)")

    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_predictions", full)
        with pytest.raises(StoreError, match="is full; free some of it, and go on"):
            runner.run(one.settings, one.key, data_dir, store)
    assert store.state(one.key) == "new"
    ran(one, data_dir, store)


def test_a_gpu_that_is_not_there_is_refused(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    one = planned(write_sweep, resources={"gpus": 0.5})
    with pytest.raises(UserError, match="wants 0.5 GPUs and torch .* sees none"):
        runner.run(one.settings, one.key, data_dir, Store(tmp_path / "s"))


def test_a_finished_trial_is_not_run_again(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    first = ran(one, data_dir, store)
    assert ran(one, data_dir, store) == first


def test_damaged_tokens_are_made_again(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep, encoder={"name": "bag", "options": {"width": 8, "vocabulary": 300, "max_length": 17}})
    first = ran(one, data_dir, Store(tmp_path / "0"))
    folder = data_dir / one.settings.corpus / "tokens"
    newest = max(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime)
    whole = newest.read_bytes()
    damages = {newest: [b"", whole[: len(whole) // 2]], newest.with_suffix(".json"): [b"", b"{"]}
    for path, contents in damages.items():
        for number, content in enumerate(contents):
            path.unlink()  # Not overwritten: the memory map of the trial before still reads it.
            path.write_bytes(content)
            build._tokenise_once.cache_clear()
            again = ran(one, data_dir, Store(tmp_path / f"{path.suffix}{number}"))
            assert again.predictions_sha256 == first.predictions_sha256
    assert newest.read_bytes() == whole
