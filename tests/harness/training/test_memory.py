"""Out of memory: batches in parts with the gradients of the whole, retries, and what a trial is measured to need."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.config.load import load
from harness.training import build, memory, train, trained
from harness.training import run as runner
from harness.training.build import Data, open_corpus
from harness.training.checkpoint import Checkpoint
from harness.training.evaluate import Documents
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.settings import TrialSettings
from harness.trials.store import Record, Store
from models.classifier import Classifier
from models.text_encoders.base import TokenBatch
from tests.conftest import SweepWriter
from tests.harness.training.test_run import FAST, Killed

STILL = {
    "hiagm": {"options": {"node_width": 4, "text_dropout": 0.0, "node_dropout": 0.0, "logit_dropout": 0.0}},
    "hitin": {"options": {"node_width": 4}},
}
STILL_BAG = {"name": "bag", "options": {"width": 8, "vocabulary": 500, "max_length": 40, "dropout": 0.0}}


def planned(write_sweep: SweepWriter, model: str = "hiagm", **changes: Any) -> PlannedTrial:
    plan = Plan.open(load(write_sweep(models=STILL, encoder=STILL_BAG, **changes)))
    return next(one for one in plan.trials if one.settings.cell[:2] == (model, "projection"))


def built(trial: TrialSettings, data_dir: Path) -> tuple[Classifier, Documents]:
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    train.seed_everything(1)
    return build.build(trial, data, torch.device("cpu")), data.splits["train"]


def epoch(model: Classifier, trial: TrialSettings, split: Documents, batches: list[Any], *parts: int) -> float:
    """Trains with steps of size 0, so that the last batch's gradients are left and nothing else changes."""
    settings = trial.trainer.model_copy(update={"clip_norm": 1e9})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    return train._train_epoch(model, settings, split, optimizer, scheduler, batches, *parts)


def gradients(model: Classifier) -> list[Tensor]:
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("parts", [2, 3, 4, 13, 32])
def test_the_gradients_of_parts_are_those_of_the_whole(write_sweep: SweepWriter, data_dir: Path, parts: int) -> None:
    trial = planned(write_sweep).settings
    whole, split = built(trial, data_dir)
    places = np.arange(13)  # In 4 parts: 4 + 3 + 3 + 3.
    tokens, gold_BL = split.batch(places, torch.device("cpu"))
    loss = whole.heads.loss(whole(tokens), gold_BL)
    loss.backward()
    cut, _ = built(trial, data_dir)
    assert epoch(cut, trial, split, [places], parts) == pytest.approx(loss.item(), rel=1e-6)
    pairs = list(zip(gradients(whole), gradients(cut), strict=True))
    assert len(pairs) == len(list(whole.parameters()))
    for expected, found in pairs:
        assert torch.allclose(expected, found, rtol=1e-4, atol=1e-7), float((expected - found).abs().max())


def test_whole_batches_give_the_bits_of_a_plain_loop(write_sweep: SweepWriter, data_dir: Path) -> None:
    trial = planned(write_sweep, "hitin").settings  # With dropout and batch statistics.
    weights = []
    for is_plain in (True, False):
        model, split = built(trial, data_dir)
        optimizer = train._optimizer(model, trial.trainer)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1)
        batches = [np.arange(start, start + 9) for start in (0, 9, 18)]
        model.train()
        if is_plain:
            for places in batches:
                tokens, gold_BL = split.batch(places, torch.device("cpu"))
                loss = model.heads.loss(model(tokens), gold_BL)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), trial.trainer.clip_norm)
                optimizer.step()
        else:
            train._train_epoch(model, trial.trainer, split, optimizer, scheduler, batches)
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("model", "num", "parts", "sizes"),
    [
        ("hiagm", 9, 4, [3, 2, 2, 2]),
        ("hiagm", 3, 8, [1, 1, 1]),
        ("hitin", 9, 8, [3, 2, 2, 2]),
        ("hitin", 3, 2, [3]),
    ],
)
def test_where_a_step_takes_statistics_no_document_is_alone(
    write_sweep: SweepWriter,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    num: int,
    parts: int,
    sizes: list[int],
) -> None:
    trial = planned(write_sweep, model).settings
    classifier, split = built(trial, data_dir)
    seen = watch(monkeypatch)
    epoch(classifier, trial, split, [np.arange(num)], parts)
    assert [len(offsets) - 1 for _, offsets in seen] == sizes


def watch(
    monkeypatch: pytest.MonkeyPatch, check: Callable[[bool, int], None] = lambda is_training, num: None
) -> list[tuple[bool, Tensor]]:
    """Notes of every batch whether it is trained on, and its offsets; lets a check raise."""
    seen: list[tuple[bool, Tensor]] = []
    forward = Classifier.forward

    def watched(self: Classifier, tokens: TokenBatch) -> Tensor:
        check(self.training, len(tokens.offsets) - 1)
        seen.append((self.training, tokens.offsets))
        return forward(self, tokens)

    monkeypatch.setattr(Classifier, "forward", watched)
    return seen


def device_of(num_documents: int, is_for_training_only: bool = True, error: Exception | None = None) -> Any:
    """Returns a check that runs out of memory above a number of documents."""

    def check(is_training: bool, num: int) -> None:
        if num > num_documents and (is_training or not is_for_training_only):
            raise error or torch.OutOfMemoryError("CUDA out of memory")

    return check


def run(one: PlannedTrial, data_dir: Path, store: Store, **resources: Any) -> Record | None:
    settled = one.settings.resources.model_copy(update=resources)
    runner.run(one.settings.model_copy(update={"resources": settled}), one.key, data_dir, store)
    return store.record(one.key)


@pytest.mark.parametrize(
    ("model", "check", "parts"),
    [
        ("hiagm", device_of(33), 1),
        ("hiagm", device_of(20), 2),
        ("hiagm", device_of(10), 4),
        ("hiagm", device_of(1), 32),
        ("hitin", device_of(2), 16),
        ("hiagm", device_of(64, is_for_training_only=False), 4),  # 256 documents are evaluated at once.
        ("hiagm", device_of(10, error=RuntimeError("DefaultCPUAllocator: can't allocate memory")), 4),
    ],
)
def test_a_batch_is_halved_until_it_fits(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    check: Any,
    parts: int,
) -> None:
    watch(monkeypatch, check)
    one = planned(write_sweep, model)
    store = Store(tmp_path / "s")
    record = run(one, data_dir, store)
    assert record is not None and record.micro_batches == parts and record.attempts == 1
    assert record.num_epochs == 2 == len(store.history(one.key))
    log = (store.folder(one.key) / "trial.log").read_text("utf-8")
    assert log.count("Out of memory with") == int(np.log2(parts))


def test_batches_in_parts_learn_what_whole_ones_do(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = planned(write_sweep)
    losses = []
    for name, check in {"whole": device_of(99), "cut": device_of(10)}.items():
        with monkeypatch.context() as patch:
            watch(patch, check)
            assert run(one, data_dir, Store(tmp_path / name))
        losses.append([entry["train_loss"] for entry in Store(tmp_path / name).history(one.key)])
    assert np.allclose(losses[0], losses[1], rtol=1e-3)


@pytest.mark.parametrize(("model", "num_documents", "tries"), [("hiagm", 0, 6), ("hitin", 1, 6)])
def test_what_never_fits_fails_as_out_of_memory(
    write_sweep: SweepWriter,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    num_documents: int,
    tries: int,
) -> None:
    watch(monkeypatch, device_of(num_documents))
    one = planned(write_sweep, model)
    store = Store(tmp_path / "s")
    assert run(one, data_dir, store) is None
    failure = store.failure(one.key)
    assert failure is not None and failure.kind == "out_of_memory" and failure.message.startswith("OutOfMemoryError")
    assert (store.folder(one.key) / "trial.log").read_text("utf-8").count(" on cpu\n") == tries


def test_a_shared_device_is_wanted_alone_first_and_changes_nothing(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "device_of", lambda trial: torch.device("cpu"))
    one = planned(write_sweep)
    undisturbed = run(one, data_dir, Store(tmp_path / "undisturbed"))
    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        watch(patch, device_of(20))
        assert run(one, data_dir, store, gpus=0.5) is None
    assert store.state(one.key) == "new" and store.wants_device_alone(one.key)
    record = run(one, data_dir, store, gpus=1.0)
    assert record is not None and undisturbed is not None and record.micro_batches == 1
    assert record.predictions_sha256 == undisturbed.predictions_sha256 and record.scores == undisturbed.scores


def test_a_killed_trial_goes_on_with_the_parts_it_was_trained_with(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = planned(write_sweep, trainer={**FAST, "epochs": 4})
    monkeypatch.setattr(trained, "Checkpoint", lambda folder: Checkpoint(folder, every_seconds=0))
    with monkeypatch.context() as patch:
        watch(patch, device_of(10))
        whole = run(one, data_dir, Store(tmp_path / "whole"))

    def kill_in_epoch_3(entry: dict[str, float]) -> None:
        if entry["epoch"] == 3:
            raise Killed

    store = Store(tmp_path / "killed")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        watch(patch, device_of(10))
        runner.run(one.settings, one.key, data_dir, store, kill_in_epoch_3)
    record = run(one, data_dir, store)
    assert record is not None and whole is not None and record.micro_batches == 4 == whole.micro_batches
    assert record.predictions_sha256 == whole.predictions_sha256


def test_records_of_before_are_of_whole_batches(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    one = planned(write_sweep)
    store = Store(tmp_path / "s")
    run(one, data_dir, store)
    file = store.folder(one.key) / "record.json"
    content = json.loads(file.read_text("utf-8"))
    del content["micro_batches"]
    file.write_text(json.dumps(content), "utf-8")
    record = store.record(one.key)
    assert record is not None and record.micro_batches == 1


def test_all_that_a_process_holds_of_a_device_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = {"mem_get_info": (70, 80), "memory_reserved": 8, "max_memory_reserved": 9}
    for name, value in readings.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    # Of the 10 bytes that are not free, 8 are the allocator's: 2 are the context's, beside a peak of 9.
    assert memory.read() == (11, 80)


@pytest.mark.parametrize(("gpus", "share"), [(0.25, 0.25), (1.0, 1.0), (2.0, 1.0), ("auto", 1.0)])
def test_a_trial_keeps_to_its_share_and_to_full_single_precision(
    write_sweep: SweepWriter, monkeypatch: pytest.MonkeyPatch, gpus: Any, share: float
) -> None:
    kept: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", kept.append)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("high")
    trial = planned(write_sweep).settings
    trial = trial.model_copy(update={"resources": trial.resources.model_copy(update={"gpus": gpus})})
    assert build.device_of(trial).type == "cuda" and kept == [share]
    assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32


def test_a_measurement_takes_the_longest_documents(
    write_sweep: SweepWriter, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = planned(write_sweep).settings
    trial = trial.model_copy(update={"resources": trial.resources.model_copy(update={"gpus": "auto"})})
    seen = watch(monkeypatch)
    steps = []

    def read() -> tuple[int, int]:
        steps.append(len(seen))
        return 3 * 2**30, 80 * 2**30

    assert trained.measure_memory(trial, data_dir, read) == (3 * 2**30, 80 * 2**30)
    data = Data.open(trial, open_corpus(data_dir / trial.corpus))
    lengths = {name: np.sort(data.tokens.lengths[split.rows])[::-1] for name, split in data.splits.items()}
    expected = [(True, lengths["train"][:33])] * 3  # A batch of 32 may take a lone document in.
    expected += [(False, lengths[name][:256]) for name in ("val", "test")]
    assert steps == [len(expected)] == [len(seen)]
    for (is_training, offsets), (was_expected, longest) in zip(seen, expected, strict=True):
        assert is_training == was_expected and sorted(offsets.diff().tolist(), reverse=True) == longest.tolist()
