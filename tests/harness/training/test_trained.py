"""A trained trial: the same bits again, also after a kill or in parts; learning; and what it needs of a device."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from datasets.prepare import prepare
from datasets.storage.corpus import open_corpus
from harness.config.trainer import BestEpoch, TrainerSettings
from harness.scoring.metrics import Tally
from harness.training import run as runner
from harness.training import trained
from harness.training.build import Data
from harness.training.checkpoint import Checkpoint, Fitted, TrainingProgress
from harness.training.trained import BestEpochs
from harness.trials.store import Store
from tests.conftest import SweepWriter
from tests.harness.learning import assert_learnt
from tests.harness.training.small_trials import FAST, Killed, device_for, planned, ran, run_with, still, watch
from tests.harness.training.test_evaluate import FOREST, Table, split_of

# Read anew every 25 batches, HiMatch's labels are next read in the middle of an epoch of 14, the second and the fourth.
HIMATCH = {"node_width": 4, "match_width": 8, "refresh": 25}
BAG = {"name": "bag", "options": {"width": 64, "vocabulary": 2000}}
WORDS = {"word_width": 32, "hidden": 24, "min_count": 2, "max_length": 30, "word_dropout": 0.2}


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
        pytest.param("hiagm_ungated", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("hiagm_foreign", "masking", BAG, marks=pytest.mark.slow),
        pytest.param("level", "masking", BAG, marks=pytest.mark.slow),
        pytest.param("level", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("random", "projection", BAG, marks=pytest.mark.slow),
        pytest.param("copies", "projection", BAG, marks=pytest.mark.slow),
        pytest.param(
            *("flat", "none", {"name": "textrcnn", "options": {**WORDS, "channels": 24}}), marks=pytest.mark.slow
        ),
        ("flat", "none", {"name": "ngrams", "options": {"width": 64}}),
        ("hiagm_la", "none", {"name": "ngrams", "options": {"width": 64}}),
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
            "hiagm_ungated": {"model": "hiagm", "options": {**small, "structure": "ungated_gcn"}},
            "hiagm_foreign": {"model": "hiagm", "options": small, "foreign_rows": True},
            "level": {"model": "hiagm", "options": small, "split": "level"},
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


def test_batches_in_parts_learn_what_whole_ones_do(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = still(write_sweep)
    losses = []
    for name, check in {"whole": device_for(99), "cut": device_for(10)}.items():
        with monkeypatch.context() as patch:
            watch(patch, check)
            assert run_with(one, data_dir, Store(tmp_path / name))
        losses.append([entry["train_loss"] for entry in Store(tmp_path / name).history(one.key)])
    assert np.allclose(losses[0], losses[1], rtol=1e-3)


def test_a_shared_device_is_wanted_alone_first_and_changes_nothing(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "device_of", lambda trial: torch.device("cpu"))
    one = still(write_sweep)
    undisturbed = run_with(one, data_dir, Store(tmp_path / "undisturbed"))
    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        watch(patch, device_for(20))
        assert run_with(one, data_dir, store, gpus=0.5) is None
    assert store.state(one.key) == "new" and store.wants_device_alone(one.key)
    record = run_with(one, data_dir, store, gpus=1.0)
    assert record is not None and undisturbed is not None and record.micro_batches == 1
    assert record.predictions_sha256 == undisturbed.predictions_sha256 and record.scores == undisturbed.scores


def test_a_killed_trial_goes_on_with_the_parts_it_was_trained_with(
    write_sweep: SweepWriter, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = still(write_sweep, trainer={**FAST, "epochs": 4})
    monkeypatch.setattr(trained, "Checkpoint", lambda folder: Checkpoint(folder, every_seconds=0))
    with monkeypatch.context() as patch:
        watch(patch, device_for(10))
        whole = run_with(one, data_dir, Store(tmp_path / "whole"))

    def kill_in_epoch_3(entry: dict[str, float]) -> None:
        if entry["epoch"] == 3:
            raise Killed

    store = Store(tmp_path / "killed")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        watch(patch, device_for(10))
        runner.run(one.settings, one.key, data_dir, store, kill_in_epoch_3)
    record = run_with(one, data_dir, store)
    assert record is not None and whole is not None and record.micro_batches == 4 == whole.micro_batches
    assert record.predictions_sha256 == whole.predictions_sha256


def test_a_measurement_takes_the_longest_documents(
    write_sweep: SweepWriter, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = still(write_sweep).settings
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


NUM = 60
SETTINGS = TrainerSettings()
RANDOM = np.random.default_rng(3)
GOLD = RANDOM.random((NUM, 5)) < 0.4
EPOCHS = {epoch: RANDOM.random((NUM, 5)) for epoch in (1, 2, 3)}
"""What the model of each epoch predicts for every document."""
# Label c is in 60 training documents, a and b in 3, the others in none.
TRAIN = np.repeat([[False, False, True, False, False], [True, True, True, False, False]], [57, 3], axis=0)


VALID = np.arange(NUM)[::-2]


def found_at(best: dict[str, int]) -> tuple[BestEpochs, Table]:
    """Returns what is found at the best epoch of each metric."""
    progress = TrainingProgress(best={metric: {"score": 0.0, "epoch": epoch} for metric, epoch in best.items()})
    weights = {metric: {"table": torch.from_numpy(EPOCHS[epoch]).float()} for metric, epoch in best.items()}
    splits = {"train": SimpleNamespace(gold=scipy.sparse.csr_array(TRAIN)), "test": split_of(NUM, np.arange(NUM), GOLD)}
    splits["val"] = split_of(NUM, VALID, GOLD[VALID])
    data: Any = SimpleNamespace(splits=splits, corpus=SimpleNamespace(hierarchy=FOREST))
    model = Table(np.zeros((NUM, 5)))
    return BestEpochs.test(model, Fitted(progress, weights), data, SETTINGS), model  # type: ignore[arg-type]


def test_each_metric_is_tested_with_the_weights_of_its_own_best_epoch() -> None:
    found, model = found_at({"micro_f1": 1, "macro_f1": 3})
    assert model.sizes == [len(VALID), NUM] * 2
    for metric, epoch in {"micro_f1": 1, "macro_f1": 3}.items():
        predicted = EPOCHS[epoch] > 0.5
        groups = {"frequent": TRAIN.sum(0) >= 50, "few": TRAIN.sum(0) == 3, "zero": TRAIN.sum(0) == 0}
        tally = Tally(FOREST, groups)
        tally.add(predicted, GOLD)
        kept = found.predicted[metric]
        assert (kept.test.above(0.5, 5).toarray() == predicted).all()
        assert kept.valid is not None and (kept.valid.above(0.5, 5).toarray() == predicted[VALID]).all()
        assert found.decided[metric]["0.5"].items() >= tally.scores().items()
        assert found.decided[metric]["validation"]["threshold"] != 0.5
        selected = dict(found.selected[metric])
        assert selected.pop("epoch") == epoch and 0 < selected.pop("hier_f1_auc") < 100
        assert selected == pytest.approx(tally.scores())


def test_one_epoch_that_is_best_of_both_is_tested_once() -> None:
    found, model = found_at({"micro_f1": 2, "macro_f1": 2})
    assert model.sizes == [len(VALID), NUM]
    assert found.selected["micro_f1"] == found.selected["macro_f1"] and found.selected["micro_f1"]["epoch"] == 2
    assert found.predicted["macro_f1"] is found.predicted["micro_f1"], "so that it is stored once"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("per_metric", [71.0, 52.0, 1.0, 80.0, 60.0]),
        ("micro", [71.0, 51.0, 1.0, 80.0, 50.0]),
        ("macro", [70.0, 52.0, 2.0, 79.0, 60.0]),
    ],
)
def test_the_headline_is_read_where_the_rule_says(rule: BestEpoch, expected: list[float]) -> None:
    micro = {"epoch": 1, "micro_f1": 71.0, "macro_f1": 51.0, "other": 1.0}
    macro = {"epoch": 3, "micro_f1": 70.0, "macro_f1": 52.0, "other": 2.0}
    valid = [(80.0, 50.0), (0.0, 0.0), (79.0, 60.0)]
    history = [{"valid_micro_f1": micro_f1, "valid_macro_f1": macro_f1} for micro_f1, macro_f1 in valid]
    names = ("micro_f1", "macro_f1", "other", "valid_micro_f1", "valid_macro_f1")
    rows = {"micro_f1": micro, "macro_f1": macro}
    decided: Any = {
        metric: {"0.5": row, "per_label": {name: value + 1 for name, value in row.items()}}
        for metric, row in rows.items()
    }
    tested = BestEpochs(rows, {}, decided)
    found = tested.headline(rule, history)
    assert {name: found[name] for name in names} == dict(zip(names, expected, strict=True))
    assert tested.decisions(rule)["per_label"].items() >= {name: found[name] + 1 for name in names[:3]}.items()
