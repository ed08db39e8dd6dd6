"""Flat classifier: one linear layer on the text vector, the control without any structure.

Logits are W t + b; the text encoder has the dropout on t. Under projection this is the same flat layer with each
branch's labels re-weighted; under masking it is the flat layer itself. Differences between its merges are therefore due
to loss weights and to chance. Behind TextRCNN the published program has dropout on logits, not on text vectors:
`logit_dropout: 0.5`.

The same head on BERT's first state, without the regularisation, in HGCLR (Wang et al., ACL 2022): WOS 85.63 / 79.07,
RCV1-v2 85.65 / 67.02, NYT 78.24 / 65.62 (micro / macro F1).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from harness.core.registry import Share
from models.head_spec import HeadSpec
from models.layers.dropout import Dropout
from models.layers.per_head import edge_penalty, predicted_rows, row_union_edges
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"flat": 3}
READS_HIERARCHY = False


class Flat(StructureEncoder):
    """A linear layer per head, all of which read the same text vector.

    Args:
        heads: Specification of each head.
        text_width: Width D of the text vectors.
        logit_dropout: Dropout on the logits.
    """

    edges: Tensor
    kept: Tensor | None

    def __init__(self, heads: Sequence[HeadSpec], text_width: int, *, logit_dropout: Share = 0.0):
        super().__init__(heads, text_width)
        # The heads share their input, so their layers are one.
        self.output = nn.Linear(text_width, sum(len(head.rows) for head in heads))
        self.logit_dropout = Dropout(logit_dropout)
        self.register_buffer("edges", row_union_edges(heads), persistent=False)
        self.register_buffer("kept", predicted_rows(heads), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        logits_BR = self.output(text_BD)
        logits_BC: Tensor = logits_BR if self.kept is None else logits_BR.index_select(1, self.kept)
        return self.logit_dropout(logits_BC)

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row towards its parents'."""
        return edge_penalty(self.output.weight, self.edges)
