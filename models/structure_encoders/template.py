"""Template of a structure encoder: <the line that `--list` shows: what the model is, and what it is not>.

This docstring is the model's card. It names the paper and the numbers of the equations that are computed here:

    z_v = w_v . t + b_v + sum over parents p of v of a_pv (w_p . t + b_p)

and says in short paragraphs what is faithful; what differs and why; what the paper leaves open, such as a DAG; and the
published scores with their source, as micro / macro F1. This model has no paper: a label's logit takes a share of each
parent's logit, one learnt number per edge, the least that can be done with a hierarchy.

To add a model: copy this file to `models/structure_encoders/mine.py`, copy its test
`tests/models/structure_encoders/test_template.py` to `test_mine.py`, and add a line to STRUCTURE_ENCODERS in
`models/__init__.py`:

    "mine": "models.structure_encoders.mine:Mine",

`--list` then shows it, it runs under every merge, and the tests of all registered models cover it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.head_spec import HeadSpec
from models.layers.per_head import label_readout, predicted_union_edges, scatter_sum
from models.structure_encoders.base import StructureEncoder

# Raise it whenever a change of this file alters numbers: stored trials of the model then count as not run.
NUMERICS = {"template": 1}

# Literals that are read without importing this file; leave out what does not apply.
#   OBJECTIVE = "max_constraint"     default objective of the model
#   REFUSES = {"masking": "reason"}  merges that make no sense for it; "objective" refuses any other objective
#   READS_HIERARCHY = False          its logits do not depend on edges


class Template(StructureEncoder):
    """A linear layer per head, whose logits take from those of their parents.

    Every keyword-only parameter is an option of sweep files. It needs a type of `harness/core/registry.py`, a literal
    as its default, and an entry below. `models/head_spec.py` says what is known of a head.

    Args:
        heads: Specification of each head, which has parameters of its own: one head is the base model, branches are
            projection, the whole hierarchy several times is masking. The model need not know which.
        text_width: Width D of the text vectors; dropout on them is up to the text encoder.
        first_share: Share of each parent's logit that a label takes before training.
    """

    edges: Tensor

    def __init__(self, heads: Sequence[HeadSpec], text_width: int, *, first_share: float = 0.5):
        super().__init__(heads, text_width)
        # Logits of predicted labels; `label_readout` adds the foreign rows that a sweep file may ask for under masking,
        # and returns none of theirs. A model with states for nodes has them for all labels of
        # `head.hierarchy`, also those that a masked head does not predict: see `union_edges` in
        # `models/layers/per_head.py`, and `models/layers/gcn.py`.
        self.output = label_readout(heads, [text_width] * len(heads))
        # (2, E) places of parents and children in the logits of all heads, one head after the other.
        edges = predicted_union_edges(heads)
        self.register_buffer("edges", edges, persistent=False)
        self.shares = nn.Parameter(torch.full((edges.shape[1],), first_share))

    def forward(self, text_BD: Tensor) -> Tensor:
        """Returns logits_BC of the predicted labels, one head after the other."""
        # Every head reads the same text.
        own_CB = self.output(text_BD.repeat(1, len(self.heads))).t()
        parents_E, children_E = self.edges
        taken_CB = scatter_sum(len(own_CB), children_E, self.shares[:, None] * own_CB.index_select(0, parents_E))
        return (own_CB + taken_CB).t()

    def recursive_penalty(self) -> Tensor:
        """Pulls each label's weight row towards its parents'; zero in a model without a row of weights per label."""
        return self.output.edge_penalty()

    # Most models end here. The rest of `StructureEncoder` may be overridden:
    #   read, width_read   to read something else than text vectors; `StatesEncoder` reads a state per token
    #   loss               if the loss is not a sum over labels' logits that an objective could compute
    #   probabilities      if probabilities do not follow from logits by an objective
    # and `forward` may then return whatever `loss` and `probabilities` take. `models/structure_encoders/seq2seq/` does
    # all of it.
