"""Whole trials that generate labels: what sweep files may ask for, killed trials, precision, and learning."""

from pathlib import Path
from typing import Any

import pytest

from datasets.prepare import prepare
from harness.config.load import load
from harness.core.errors import ConfigError
from harness.training import run as runner
from harness.training import trained
from harness.training.checkpoint import Checkpoint
from harness.trials.identity import identity
from harness.trials.plan import Plan, PlannedTrial
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.learning import assert_learnt
from tests.harness.training.small_trials import Killed, ran
from tests.models.tiny_models import options, save_t5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merges": ["none", "masking"]}, "makes no sense under masking: it writes one sequence"),
        ({"merges": ["projection"]}, "makes no sense under projection: it writes one sequence"),
        ({"merges": ["none"], "models": {"seq2seq": {"objective": {"name": "bce"}}}}, "labels have no logits"),
    ],
)
def test_sweep_files_that_make_no_sense_are_refused(write_sweep: SweepWriter, changes: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(write_sweep(**{"models": {"seq2seq": {}}, **changes}))


def test_a_trial_is_the_content_of_its_decoder(write_sweep: SweepWriter, tmp_path: Path) -> None:
    keys = set()
    for content in ("a", "b"):
        (tmp_path / "model.safetensors").write_text(content)
        models = {"seq2seq": {"options": {"model": str(tmp_path)}}}
        keys.add(identity(Plan.open(load(write_sweep(models=models, merges=["none"]))).trials[0].settings, "data"))
    assert len(keys) == 2


SMALL = {"width": 32, "layers": 1, "heads": 2, "beams": 1}


def planned(write_sweep: SweepWriter, **changes: Any) -> PlannedTrial:
    options = {**SMALL, **changes.pop("options", {})}
    sweep = write_sweep(**{"models": {"seq2seq": {"options": options}}, "merges": ["none"], "seeds": [1], **changes})
    return Plan.open(load(sweep)).trials[0]


def test_a_killed_trial_goes_on_and_ends_in_the_same_bits(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = planned(write_sweep, trainer={"epochs": 3, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.005})
    uncut = ran(one, data_dir, Store(tmp_path / "whole"))
    monkeypatch.setattr(trained, "Checkpoint", lambda folder: Checkpoint(folder, every_seconds=0))
    store = Store(tmp_path / "killed")

    def kill(entry: dict[str, float]) -> None:
        if entry["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        runner.run(one.settings, one.key, data_dir, store, kill)
    record = ran(one, data_dir, store)
    assert record.predictions_sha256 == uncut.predictions_sha256 and record.scores == uncut.scores
    histories = [Store(tmp_path / name).history(one.key) for name in ("whole", "killed")]
    losses = [[entry["train_loss"] for entry in history] for history in histories]
    assert losses[0] == losses[1] and len(losses[0]) == 3


def test_bfloat16_is_near_single_precision(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    trainer = {"epochs": 1, "batch_size": 32, "encoder_lr": 0.02, "head_lr": 0.005}
    losses = []
    for precision in ("fp32", "bf16"):
        one = planned(write_sweep, trainer={**trainer, "precision": precision})
        ran(one, data_dir, Store(tmp_path / "s"))
        losses.append(Store(tmp_path / "s").history(one.key)[0]["train_loss"])
    assert losses[0] != losses[1] and losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_the_published_system_in_small(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, tiny_t5: str) -> None:
    encoder = {"name": "transformer", "options": options(tiny_t5, prefix="the ", max_length=20)}
    one = planned(
        write_sweep,
        models={"seq2seq": {"options": {"model": tiny_t5, "beams": 1}, "encoder": encoder}},
        trainer={"epochs": 3, "batch_size": 32, "encoder_lr": 0.01, "head_lr": 0.01, "warmup": 0.0},
    )
    ran(one, data_dir, Store(tmp_path / "s"))
    losses = [entry["train_loss"] for entry in Store(tmp_path / "s").history(one.key)]
    assert losses[2] < losses[1] < losses[0] and losses[2] < 0.9 * losses[0]


def test_it_learns_by_a_wide_margin(write_sweep: SweepWriter, data_dir: Path, tmp_path: Path) -> None:
    """Against predicting, for every document, the labels that more than a quarter of them carry."""
    prepare("synthetic", None, {}, data_dir)
    one = planned(
        write_sweep,
        datasets={"synthetic": {}},
        encoder={"name": "bag", "options": {"width": 64, "vocabulary": 2000}},
        trainer={"epochs": 2, "batch_size": 64, "encoder_lr": 0.04, "head_lr": 0.01},
        options={"width": 48},
    )
    record = ran(one, data_dir, Store(tmp_path / "s"))
    assert_learnt(record, data_dir / one.settings.corpus)
