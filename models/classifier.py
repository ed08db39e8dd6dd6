"""A text encoder and the branch heads behind it: what a trial trains."""

from typing import Any

from torch import nn

from models.branch_heads import BranchHeads
from models.text_encoders.base import TextEncoder, TokenBatch

NUMERICS = {"classifier": 1}


class Classifier(nn.Module):
    """Maps word pieces to logits of every head's labels.

    Args:
        encoder: Word pieces to text_BD.
        heads: What its structure encoder reads of the text to logits_BC, the loss on them, and the combined
            probabilities.
    """

    def __init__(self, encoder: TextEncoder, heads: BranchHeads):
        super().__init__()
        self.encoder = encoder
        self.heads = heads

    def forward(self, tokens: TokenBatch) -> Any:
        """Returns the heads' output: logits_BC of most models."""
        return self.heads(self.heads.encoder.read(self.encoder, tokens))
