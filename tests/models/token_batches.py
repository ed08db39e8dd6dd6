"""Batches of tokens from lists of token numbers."""

import numpy as np
import torch

from models.text_encoders.base import TokenBatch


def batch(lists: list[list[int]]) -> TokenBatch:
    """One document per list, which may be empty."""
    ids = torch.tensor([one for some in lists for one in some], dtype=torch.int64)
    return TokenBatch(ids, torch.tensor(np.cumsum([0, *map(len, lists)])))
