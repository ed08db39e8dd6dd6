"""Conditional sigmoid: the probability of a label given its parents, trained only where the parents hold.

Paper: Plaud et al., *Revisiting Hierarchical Text Classification: Inference and Metrics*, CoNLL 2024. The loss is the
binary cross-entropy of the children of the root and of every gold label. A probability is the product of the sigmoids
on the way down, so no label is more probable than its ancestors:

    loss = - sum over v whose parents are gold of  y_v log s(z_v) + (1 - y_v) log(1 - s(z_v))
    P(v) = product over v and its ancestors a of s(z_a)

On a tree this is the paper's, with any number of paths in a document. *On a DAG* a label counts where **all** its
parents are gold. Gold is closed under all ancestors, so a label cannot be gold where a parent is not, and the loss is
exactly the negative log-likelihood of a Bayesian network over closed sets, P exactly its marginal: each ancestor counts
once, however many ways lead to it.

*In a branch* a label's parents are those within the branch. The top label of a branch always counts: a document without
gold there teaches that label to be absent, and teaches the others nothing. On trees this is the whole hierarchy's loss,
and its probabilities.

Differs: labels that do not count do not make the divisor of the loss smaller. Logarithms are computed from logits,
which keeps the gradient; the published program clamps probabilities at 1e-7. The threshold is 0.5 in both. The paper's
tables were not at hand, so no score is quoted.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from models.head_spec import HeadSpec
from models.layers.ancestors import Closure
from models.layers.per_head import predicted_union_edges
from models.objectives.base import Objective

NUMERICS = {"conditional_sigmoid": 1}
COHERENCE = "max_constraint"


class ConditionalSigmoid(Objective):
    """Binary cross-entropy below gold labels, and products of sigmoids.

    Args:
        heads: Specification of each head.
    """

    parent: Tensor
    child: Tensor

    def __init__(self, heads: Sequence[HeadSpec]):
        super().__init__(heads)
        self.closure = Closure([head.predicted_ancestors for head in heads])
        parent, child = predicted_union_edges(heads)
        self.register_buffer("parent", parent, persistent=False)
        self.register_buffer("child", child, persistent=False)

    def terms(self, logits_BC: Tensor, gold_BC: Tensor) -> Tensor:
        """Returns (B, C) cross-entropies, 0 where a parent is not gold."""
        missing_BC = torch.zeros_like(gold_BC).index_add(1, self.child, 1 - gold_BC[:, self.parent])
        entropies_BC = functional.binary_cross_entropy_with_logits(logits_BC, gold_BC, reduction="none")
        return entropies_BC.masked_fill(missing_BC > 0, 0.0)

    def probabilities(self, logits_BC: Tensor) -> Tensor:
        """Returns (B, C) products of the sigmoids of a label and its ancestors."""
        return self.closure.sum_above(functional.logsigmoid(logits_BC)).exp()
