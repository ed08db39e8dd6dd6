"""A model to copy: <one line that `--list` shows: what it is, and what it is not>.

This docstring is the model's card. It names the paper and the numbers of the equations that are computed here:

    z_v = w_v . t + b_v + sum over parents p of v of a_pv (w_p . t + b_p)

and says in short paragraphs what is faithful; what differs and why; what the paper leaves open, such as a DAG; and the
published scores with their source, as micro / macro F1. This one is of no paper: a label's logit takes from its
parents' what one learnt number per edge says, the least that can be done with a hierarchy.

To add a model: copy this file and `tests/models/structure_encoders/test_template.py`, and add a line to
STRUCTURE_ENCODERS in `models/__init__.py`:

    "mine": "models.mine:Mine",

It then stands in `--list`, runs under every merge, and is covered by the tests of all registered models.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.head_spec import Member
from models.layers.per_head import edge_penalty, join, sums_to
from models.structure_encoders.base import StructureEncoder

# Raised whenever a change of this file alters numbers: stored trials of the model then count as not run.
NUMERICS = {"template": 1}

# Literals that are read without importing this file; leave out what does not apply.
#   OBJECTIVE = "max_constraint"    the objective that the model is trained with unless a sweep file names another
#   REFUSES = {"masking": "reason"} merges that make no sense for it, or "objective" for any of one's own choice
#   READS_HIERARCHY = False         its logits know of no edge


class Template(StructureEncoder):
    """A linear layer per member, whose logits take from those of their parents.

    Every keyword-only parameter is an option of sweep files. It needs a type of `harness/core/registry.py`, a literal
    as its default, and an entry below. `part_of`, `facts` and the rest that is known of a member:
    `models/head_spec.py`.

    Args:
        members: The list of hierarchies, each with parameters of its own: one is the base model, branches are
            projection, the whole hierarchy several times is masking. The model need not know which.
        text_width: Width D of the text vectors; dropout on them is the text encoder's matter.
        first_share: What a label takes of each parent's logit before training.
    """

    edges: Tensor

    def __init__(self, members: Sequence[Member], text_width: int, *, first_share: float = 0.5):
        super().__init__(members, text_width)
        # Only labels that are asked for are classified. A model with states for nodes has them for all labels, also
        # those that masking does not ask for: `member.hierarchy`, `models.layers.per_head.union_edges`,
        # `models/layers/gcn.py`.
        sizes = [len(member.asked) for member in members]
        self.output = nn.Linear(text_width, sum(sizes))
        # (2, E) places of parents and children in the logits of all members, one member after the other.
        edges = join([member.asked_edges for member in members], sizes)
        self.register_buffer("edges", edges, persistent=False)
        self.shares = nn.Parameter(torch.full((edges.shape[1],), first_share))

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC: the asked labels of the members, one member after the other."""
        own_CB = self.output(text_BD).t()
        parents_E, children_E = self.edges
        taken_CB = sums_to(len(own_CB), children_E, self.shares[:, None] * own_CB.index_select(0, parents_E))
        return (own_CB + taken_CB).t()

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row towards its parents'; zero where no row of weights is a label's."""
        return edge_penalty(self.output.weight, self.edges)

    # Most models end here. The rest of `StructureEncoder` is overridden   read, width_read   to read something else
    # than text vectors; `StatesEncoder` reads the states of all pieces   loss               where the loss is not a sum
    # over labels' logits that an objective could compute   probabilities      where probabilities do not follow from
    # logits by an objective and `forward` may then return whatever `loss` and `probabilities` take.
    # `models/structure_encoders/seq2seq/seq2seq.py` does all of it.
