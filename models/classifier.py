"""Text classifier: a text encoder with branch heads behind it, which is what a trial trains."""

from typing import Any

import torch
from torch import nn

from models.branch_heads import BranchHeads
from models.text_encoders.base import TextEncoder, TokenBatch

NUMERICS = {"classifier": 1}


class Classifier(nn.Module):
    """Maps tokens to logits of every head's labels.

    Args:
        text_encoder: Encoder of the tokens.
        heads: Branch heads; their structure encoder decides what it reads of the text encoder.
    """

    def __init__(self, text_encoder: TextEncoder, heads: BranchHeads):
        super().__init__()
        self.text_encoder = text_encoder
        self.heads = heads

    def forward(self, tokens: TokenBatch) -> Any:
        """Returns the heads' output: logits_BC for most models."""
        return self.heads(self.heads.structure.read(self.text_encoder, tokens))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def fewest_documents(self) -> int:
        """How few documents a training step may see: two where it takes their statistics."""
        return 2 if any("running_mean" in name for name, _ in self.named_buffers()) else 1

    @property
    def num_parameters(self) -> dict[str, int]:
        """Number of trainable parameters of each part."""
        parts = {"encoder": self.text_encoder, "heads": self.heads}
        return {name: sum(one.numel() for one in part.parameters()) for name, part in parts.items()}
