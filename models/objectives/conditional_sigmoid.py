"""Conditional sigmoid: whether a label holds is asked only where its parents do.

As in Plaud et al., *Revisiting Hierarchical Text Classification: Inference and Metrics*, CoNLL 2024. Binary
cross-entropy of the children of the root and of every gold label; the others add nothing. A probability is the
product of the sigmoids on the way down, so no label is more probable than its ancestors:

    loss = - sum over v whose parents are gold of  y_v log s(z_v) + (1 - y_v) log(1 - s(z_v))
    P(v) = product over v and its ancestors a of s(z_a)

On a tree this is the paper's, with any number of paths in a document. *On a DAG* a label is asked for where **all**
its parents hold. Gold labels are closed under all ancestors, so it cannot hold where one of them does not, and the
loss is then exactly the negative log-likelihood of a Bayesian network over closed sets, and P exactly its marginal:
each ancestor counts once, however many ways lead to it.

*In a branch* a label's parents are those within the branch, and the branch's top label, whose parents are not, is
always asked for: a document without gold there teaches that label that it does not hold, and the others nothing. On
trees this is the whole hierarchy's loss and its probabilities.

Differs: the published program adds up over labels; here a label has its weight in the loss, one over the number of
labels, as with every objective. Nor do terms that are not asked for make that number smaller. A constant factor,
which Adam does not feel, while the gradients' clipping and the recursive regularisation do. The program clamps
probabilities at 1e-7; here logarithms are taken of logits, which needs no clamp and keeps the gradient. Its threshold
is 0.5 as here. The paper's own tables were not at hand; no score is quoted.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import Member
from models.layers.ancestors import Closure
from models.layers.per_head import join
from models.objectives.base import Objective

NUMERICS = {"conditional_sigmoid": 1}
COHERENCE = "max_constraint"


class ConditionalSigmoid(Objective):
    """Binary cross-entropy below gold labels, products of sigmoids.

    Args:
        members: The list of hierarchies.
    """

    parent: Tensor
    child: Tensor

    def __init__(self, members: Sequence[Member]):
        super().__init__(members)
        self.closure = Closure([member.asked_ancestors for member in members])
        edges = join([member.asked_edges for member in members], [len(member.asked) for member in members])
        self.register_buffer("parent", edges[0], persistent=False)
        self.register_buffer("child", edges[1], persistent=False)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) cross-entropies, 0 where a parent does not hold."""
        missing_BC = torch.zeros_like(gold_BC).index_add(1, self.child, 1 - gold_BC[:, self.parent])
        entropies_BC = functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")
        return entropies_BC.masked_fill(missing_BC > 0, 0.0)

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) products of a label's sigmoid and its ancestors'."""
        return self.closure.sum_above(functional.logsigmoid(logits_BC)).exp()
