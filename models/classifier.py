"""A text encoder and the branch heads behind it: what a trial trains."""

from torch import Tensor, nn

from models.branches import BranchHeads
from models.text import TextEncoder, TokenBatch


class Classifier(nn.Module):
    """Maps word pieces to logits of every head's labels.

    Args:
        encoder: Word pieces to text_BD.
        heads: text_BD to logits_BC, the loss on them, and the combined probabilities.
    """

    def __init__(self, encoder: TextEncoder, heads: BranchHeads):
        super().__init__()
        self.encoder = encoder
        self.heads = heads

    def forward(self, tokens: TokenBatch) -> Tensor:
        """Returns logits_BC."""
        logits_BC: Tensor = self.heads(self.encoder(tokens))
        return logits_BC
