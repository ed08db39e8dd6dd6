"""The weights of the best epochs are tested, each once, and the headline is read at the epoch that the rule says."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from harness.config.schema import BestEpoch, TrainerSettings
from harness.training.best_epochs import BestEpochs
from harness.training.checkpoint import Fitted, TrainingProgress
from harness.training.metrics import Tally
from tests.harness.training.test_evaluate import FOREST, Table, split_of

NUM = 60
SETTINGS = TrainerSettings()
RANDOM = np.random.default_rng(3)
GOLD = RANDOM.random((NUM, 5)) < 0.4
EPOCHS = {epoch: RANDOM.random((NUM, 5)) for epoch in (1, 2, 3)}
"""What the model of each epoch predicts for every document."""
# Label c is in 60 training documents, a and b in 3, the others in none.
TRAIN = np.repeat([[False, False, True, False, False], [True, True, True, False, False]], [57, 3], axis=0)


def found_at(best: dict[str, int]) -> tuple[BestEpochs, Table]:
    """Returns what is found at the best epoch of each metric."""
    progress = TrainingProgress(best={metric: {"score": 0.0, "epoch": epoch} for metric, epoch in best.items()})
    weights = {metric: {"table": torch.from_numpy(EPOCHS[epoch]).float()} for metric, epoch in best.items()}
    splits = {"train": SimpleNamespace(gold=scipy.sparse.csr_array(TRAIN)), "test": split_of(NUM, np.arange(NUM), GOLD)}
    data: Any = SimpleNamespace(splits=splits, corpus=SimpleNamespace(hierarchy=FOREST))
    model = Table(np.zeros((NUM, 5)))
    return BestEpochs.test(model, Fitted(progress, weights), data, SETTINGS), model  # type: ignore[arg-type]


def test_each_metric_is_tested_with_the_weights_of_its_own_best_epoch() -> None:
    found, model = found_at({"micro_f1": 1, "macro_f1": 3})
    assert model.sizes == [NUM, NUM]
    for metric, epoch in {"micro_f1": 1, "macro_f1": 3}.items():
        predicted = EPOCHS[epoch] > 0.5
        groups = {"frequent": TRAIN.sum(0) >= 50, "few": TRAIN.sum(0) == 3, "zero": TRAIN.sum(0) == 0}
        tally = Tally(FOREST, groups)
        tally.add(predicted, GOLD)
        assert (found.predicted[metric].toarray() == predicted).all()
        selected = dict(found.selected[metric])
        assert selected.pop("epoch") == epoch and 0 < selected.pop("hier_f1_auc") < 100
        assert selected == pytest.approx(tally.scores())


def test_one_epoch_that_is_best_of_both_is_tested_once() -> None:
    found, model = found_at({"micro_f1": 2, "macro_f1": 2})
    assert model.sizes == [NUM]
    assert found.selected["micro_f1"] == found.selected["macro_f1"] and found.selected["micro_f1"]["epoch"] == 2
    assert (found.predicted["macro_f1"].toarray() == (EPOCHS[2] > 0.5)).all()


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
    found = BestEpochs({"micro_f1": micro, "macro_f1": macro}, {}).headline(rule, history)
    assert found == dict(zip(names, expected, strict=True))
