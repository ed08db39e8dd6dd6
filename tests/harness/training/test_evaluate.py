"""A split is scored as if it were one batch, whatever its documents' lengths, parts and order."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor, nn

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.predictions import Keeper
from harness.config.trainer import TrainerSettings
from harness.scoring.metrics import Tally, ThresholdFree
from harness.training.evaluate import Documents, evaluate, uses_bf16
from models.text_encoders.base import TokenBatch

SETTINGS = TrainerSettings()
# Two branches of 3 and 2 labels.
FOREST = Hierarchy(list("abcde"), [(0, 1), (1, 2), (3, 4)])


class Table(nn.Module):
    """Predicts for each document what a table holds in its row; a document is its row's number, said often."""

    def __init__(self, probabilities_NL: np.ndarray):
        super().__init__()
        self.table = nn.Parameter(torch.from_numpy(probabilities_NL.astype(np.float32)))
        self.heads = SimpleNamespace(probabilities=lambda output: output, meaning="probabilities")
        self.device = torch.device("cpu")
        self.sizes: list[int] = []

    def forward(self, tokens: TokenBatch) -> Tensor:
        assert not self.training and not torch.is_grad_enabled()
        self.sizes.append(len(tokens.offsets) - 1)
        return self.table[tokens.ids[tokens.offsets[:-1]]]


def split_of(num: int, rows: np.ndarray, gold: np.ndarray) -> Documents:
    lengths = np.random.default_rng(7).integers(1, 9, size=num)

    def gather(wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.repeat(wanted, lengths[wanted]), np.concatenate([[0], np.cumsum(lengths[wanted])])

    tokens = SimpleNamespace(lengths=lengths, gather=gather)
    return Documents(tokens, rows, scipy.sparse.csr_array(gold))  # type: ignore[arg-type]


@pytest.mark.parametrize(("num", "micro_batches", "sizes"), [(300, 1, [256, 44]), (70, 4, [64, 6]), (3, 1000, [1] * 3)])
def test_scores_and_predictions_are_those_of_one_batch(num: int, micro_batches: int, sizes: list[int]) -> None:
    random = np.random.default_rng(num)
    table = random.choice([0.0, 0.4, 0.5, 0.6, 1.0], size=(num + 5, 5))
    rows = random.permutation(num + 5)[:num]
    gold = random.random((num, 5)) < 0.4
    groups = {"few": np.array([True, False, True, False, False])}
    model = Table(table)
    split, keeper = split_of(num + 5, rows, gold), Keeper()
    scores = evaluate(model, split, FOREST, SETTINGS, micro_batches, groups, keeper)  # type: ignore[arg-type]
    assert model.sizes == sizes
    kept = keeper.kept()
    assert (kept.above(0.5, 5).toarray() == (table[rows] > 0.5)).all(), "in the split's order; a half is no prediction"
    assert kept.values.tolist() == table[rows][table[rows] > 0].astype(np.float16).tolist()
    tally, curves = Tally(FOREST, groups), ThresholdFree(FOREST)
    tally.add(table[rows] > 0.5, gold)
    curves.add(table[rows].astype(np.float32), gold)
    expected = tally.scores() | curves.scores()
    assert scores == pytest.approx(expected) and {"hier_f1_auc", "micro_f1_few"} <= scores.keys()


def test_scores_that_need_probabilities_are_made_only_when_asked_for() -> None:
    gold = np.eye(5, dtype=bool)
    scores = evaluate(Table(gold), split_of(5, np.arange(5), gold), FOREST, SETTINGS)  # type: ignore[arg-type]
    assert "hier_f1_auc" not in scores and (scores["micro_f1"], scores["macro_f1"]) == (100.0, 100.0)


def test_a_batch_is_its_places_in_their_order() -> None:
    gold = np.random.default_rng(0).random((4, 5)) < 0.5
    tokens, gold_BL = split_of(9, np.array([8, 2, 5, 0]), gold).batch(np.array([2, 0]), torch.device("cpu"))
    lengths = np.diff(tokens.offsets)
    assert tokens.ids.tolist() == [5] * lengths[0] + [8] * lengths[1]
    assert gold_BL.dtype == torch.float32 and (gold_BL.numpy() == gold[[2, 0]]).all()


@pytest.mark.parametrize("has_bf16", [True, False])
def test_bfloat16_is_used_where_asked_for_or_where_the_device_has_it(
    has_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    used = {
        (device, precision): uses_bf16(torch.device(device), SETTINGS.model_copy(update={"precision": precision}))
        for device in ("cpu", "cuda")
        for precision in ("auto", "fp32", "bf16")
    }
    assert used == {
        ("cpu", "auto"): False,
        ("cuda", "auto"): has_bf16,
        **{(device, "fp32"): False for device in ("cpu", "cuda")},
        **{(device, "bf16"): True for device in ("cpu", "cuda")},
    }
