"""One linear layer on the text vector: no structure at all, the control experiment.

Logits are W Dropout(t) + b. Under projection this is the same flat layer with each branch's labels
re-weighted; under masking with `mean_global` it is the flat layer itself, once per branch. Differences
between its rows are therefore due to loss weights and to chance.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from models.members import union_edges
from models.structure import Member, StructureEncoder

NUMERICS = 1


class Flat(StructureEncoder):
    """A linear layer per member, all of them reading the same text vector.

    Args:
        members: The list of hierarchies.
        text_width: Width D of the text vectors.
        dropout: Dropout on the text vector.
    """

    edges: Tensor

    def __init__(self, members: Sequence[Member], text_width: int, *, dropout: float = 0.1):
        super().__init__(members, text_width)
        self.dropout = nn.Dropout(dropout)
        # The members share their input, so their layers are one.
        self.output = nn.Linear(text_width, sum(len(member.hierarchy) for member in members))
        self.register_buffer("edges", union_edges(members), persistent=False)

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BU."""
        logits_BU: Tensor = self.output(self.dropout(text_BD))
        return logits_BU

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row towards its parents'."""
        parents, children = self.output.weight[self.edges]
        return 0.5 * (parents - children).pow(2).sum()
