"""Scores of a split of documents under a model, and what it says of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor

from datasets.storage.hierarchy import Hierarchy
from datasets.storage.label_groups import Bools
from datasets.storage.predictions import Keeper
from datasets.storage.tokens import Tokens
from harness.config.trainer import TrainerSettings
from harness.scoring.metrics import THRESHOLD, Tally, ThresholdFree
from models.classifier import Classifier
from models.text_encoders.base import TokenBatch

_DOCUMENTS_EVALUATED_AT_ONCE = 256
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Documents:
    """The documents that are trained on, or evaluated."""

    tokens: Tokens  # Word pieces of the whole corpus.
    rows: Rows  # The documents, as rows of the corpus.
    gold: scipy.sparse.csr_array  # (rows, L), closed under ancestors.

    def batch(self, places: Rows, device: torch.device) -> tuple[TokenBatch, Tensor]:
        """Returns the word pieces and gold_BL of some places of the split."""
        ids, offsets = self.tokens.gather(self.rows[places])
        gold_BL = torch.from_numpy(self.gold[places].toarray().astype(np.float32))
        parts = [torch.from_numpy(ids), torch.from_numpy(offsets), gold_BL]
        if device.type == "cuda":
            # From pinned memory alone is a copy asynchronous: any other waits for the steps under way.
            parts = [part.pin_memory().to(device, non_blocking=True) for part in parts]
        return TokenBatch(*parts[:2]), parts[2]


def evaluate(
    model: Classifier,
    split: Documents,
    hierarchy: Hierarchy,
    settings: TrainerSettings,
    micro_batches: int = 1,
    groups: Mapping[str, Bools] | None = None,
    keeper: Keeper | None = None,
) -> dict[str, float]:
    """Returns the scores of a split.

    A `keeper` gets the probabilities, and adds the scores that need them: for what is made once, at the best epochs.
    `micro_batches` is the number of parts that training cuts a batch into; evaluation sees as many times fewer
    documents at once.
    """
    model.eval()
    at_once = max(1, _DOCUMENTS_EVALUATED_AT_ONCE // micro_batches)
    device = model.device
    tally = Tally(hierarchy, groups)
    curves = ThresholdFree(hierarchy) if keeper else None
    by_length = np.argsort(split.tokens.lengths[split.rows], kind="stable")
    with torch.inference_mode(), _autocast(device, settings):
        for start in range(0, len(by_length), at_once):
            places = by_length[start : start + at_once]
            tokens, gold_BL = split.batch(places, device)
            probabilities_BL = model.heads.probabilities(model(tokens))
            predicted_BL = (probabilities_BL > THRESHOLD).cpu().numpy()
            is_gold_BL = gold_BL.cpu().numpy() > 0
            tally.add(predicted_BL, is_gold_BL)
            if keeper and curves:
                probabilities = probabilities_BL.cpu().numpy()
                curves.add(probabilities, is_gold_BL)
                keeper.add(probabilities, places)
    return tally.scores() | (curves.scores() if curves else {})


def uses_bf16(device: torch.device, settings: TrainerSettings) -> bool:
    """Returns whether forward passes run in bfloat16 on a device."""
    has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return settings.precision == "bf16" or (settings.precision == "auto" and has_bf16)


def _autocast(device: torch.device, settings: TrainerSettings) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(device, settings))
