"""One linear layer on the text vector: no structure at all, the control experiment.

Logits are W t + b; dropout on t is the text encoder's matter. Under projection this is the same flat layer with each
branch's labels re-weighted; under masking it is the flat layer itself. Differences between its merges are therefore
due to loss weights and to chance. Behind TextRCNN the published program drops logits out, not text vectors:
`logit_dropout: 0.5`.

The same head on BERT's first state, without the regularisation: HGCLR (Wang et al., ACL 2022), published as WOS
85.63 / 79.07, RCV1-v2 85.65 / 67.02, NYT 78.24 / 65.62 (micro / macro F1).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from harness.core.registry import Share
from models.head_spec import Member
from models.layers.dropout import Dropout
from models.layers.per_head import edge_penalty, join
from models.structure_encoders.base import StructureEncoder

NUMERICS = {"flat": 3}
READS_HIERARCHY = False


class Flat(StructureEncoder):
    """A linear layer per member, all of them reading the same text vector.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        logit_dropout: Dropout on the logits.
    """

    edges: Tensor

    def __init__(self, members: Sequence[Member], text_width: int, *, logit_dropout: Share = 0.0):
        super().__init__(members, text_width)
        # The members share their input, so their layers are one.
        sizes = [len(member.asked) for member in members]
        self.output = nn.Linear(text_width, sum(sizes))
        self.logit_dropout = Dropout(logit_dropout)
        self.register_buffer("edges", join([member.asked_edges for member in members], sizes), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC."""
        logits_BC: Tensor = self.logit_dropout(self.output(text_BD))
        return logits_BC

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row towards its parents'."""
        return edge_penalty(self.output.weight, self.edges)
